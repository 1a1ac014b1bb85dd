build/buffer.o: buffer.c buffer.h
buffer.h:
