build/query_string.o: query_string.c query_string.h percent.h buffer.h
query_string.h:
percent.h:
buffer.h:
