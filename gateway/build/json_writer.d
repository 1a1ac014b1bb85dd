build/json_writer.o: json_writer.c json_writer.h buffer.h
json_writer.h:
buffer.h:
