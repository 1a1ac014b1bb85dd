build/server.o: server.c server.h config.h settings.h router.h route.h \
 db_query.h linger.h log.h reply.h problem.h buffer.h request.h \
 response.h statement.h worker.h db_pool.h db_connection.h
server.h:
config.h:
settings.h:
router.h:
route.h:
db_query.h:
linger.h:
log.h:
reply.h:
problem.h:
buffer.h:
request.h:
response.h:
statement.h:
worker.h:
db_pool.h:
db_connection.h:
