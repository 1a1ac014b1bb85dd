build/problem.o: problem.c problem.h buffer.h route.h db_query.h \
 db_error.h parameter.h json_writer.h
problem.h:
buffer.h:
route.h:
db_query.h:
db_error.h:
parameter.h:
json_writer.h:
