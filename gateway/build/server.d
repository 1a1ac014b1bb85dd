build/server.o: server.c server.h config.h settings.h router.h route.h \
 db_query.h db_error.h parameter.h token.h listener.h log.h reply.h \
 problem.h buffer.h request.h response.h statement.h worker.h client.h \
 address_count.h db_pool.h db_connection.h metrics.h shared.h \
 rate_limit.h
server.h:
config.h:
settings.h:
router.h:
route.h:
db_query.h:
db_error.h:
parameter.h:
token.h:
listener.h:
log.h:
reply.h:
problem.h:
buffer.h:
request.h:
response.h:
statement.h:
worker.h:
client.h:
address_count.h:
db_pool.h:
db_connection.h:
metrics.h:
shared.h:
rate_limit.h:
