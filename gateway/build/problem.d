build/problem.o: problem.c problem.h buffer.h route.h db_query.h \
 json_writer.h
problem.h:
buffer.h:
route.h:
db_query.h:
json_writer.h:
