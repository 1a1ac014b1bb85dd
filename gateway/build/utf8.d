build/utf8.o: utf8.c utf8.h
utf8.h:
