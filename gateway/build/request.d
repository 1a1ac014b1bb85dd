build/request.o: request.c request.h response.h buffer.h route.h \
 db_query.h statement.h problem.h router.h worker.h config.h settings.h \
 db_pool.h db_connection.h log.h reply.h server.h
request.h:
response.h:
buffer.h:
route.h:
db_query.h:
statement.h:
problem.h:
router.h:
worker.h:
config.h:
settings.h:
db_pool.h:
db_connection.h:
log.h:
reply.h:
server.h:
