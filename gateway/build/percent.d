build/percent.o: percent.c percent.h buffer.h utf8.h
percent.h:
buffer.h:
utf8.h:
