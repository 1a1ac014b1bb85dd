build/reply.o: reply.c reply.h problem.h buffer.h route.h db_query.h \
 request.h response.h statement.h router.h worker.h config.h settings.h \
 db_pool.h db_connection.h
reply.h:
problem.h:
buffer.h:
route.h:
db_query.h:
request.h:
response.h:
statement.h:
router.h:
worker.h:
config.h:
settings.h:
db_pool.h:
db_connection.h:
