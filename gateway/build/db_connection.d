build/db_connection.o: db_connection.c db_connection.h db_query.h \
 db_error.h log.h
db_connection.h:
db_query.h:
db_error.h:
log.h:
