build/rfc3339.o: rfc3339.c rfc3339.h buffer.h json_writer.h
rfc3339.h:
buffer.h:
json_writer.h:
