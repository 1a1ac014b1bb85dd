build/db_pool.o: db_pool.c db_pool.h db_connection.h db_query.h \
 db_error.h log.h
db_pool.h:
db_connection.h:
db_query.h:
db_error.h:
log.h:
