build/response.o: response.c response.h buffer.h route.h db_query.h \
 db_error.h parameter.h statement.h problem.h router.h array.h \
 json_writer.h pg_types.h query_string.h percent.h rfc3339.h
response.h:
buffer.h:
route.h:
db_query.h:
db_error.h:
parameter.h:
statement.h:
problem.h:
router.h:
array.h:
json_writer.h:
pg_types.h:
query_string.h:
percent.h:
rfc3339.h:
