build/statement.o: statement.c statement.h problem.h buffer.h route.h \
 db_query.h db_error.h parameter.h router.h query_string.h percent.h \
 utf8.h value.h
statement.h:
problem.h:
buffer.h:
route.h:
db_query.h:
db_error.h:
parameter.h:
router.h:
query_string.h:
percent.h:
utf8.h:
value.h:
