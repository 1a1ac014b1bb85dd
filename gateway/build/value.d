build/value.o: value.c value.h route.h db_query.h db_error.h parameter.h \
 array.h buffer.h pg_types.h rfc3339.h utf8.h
value.h:
route.h:
db_query.h:
db_error.h:
parameter.h:
array.h:
buffer.h:
pg_types.h:
rfc3339.h:
utf8.h:
