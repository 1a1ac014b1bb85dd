build/array.o: array.c array.h buffer.h
array.h:
buffer.h:
