build/request.o: request.c request.h response.h buffer.h route.h \
 db_query.h db_error.h parameter.h statement.h problem.h router.h token.h \
 worker.h client.h address_count.h config.h settings.h db_pool.h \
 db_connection.h metrics.h shared.h rate_limit.h access.h cors.h log.h \
 outcome.h reply.h
request.h:
response.h:
buffer.h:
route.h:
db_query.h:
db_error.h:
parameter.h:
statement.h:
problem.h:
router.h:
token.h:
worker.h:
client.h:
address_count.h:
config.h:
settings.h:
db_pool.h:
db_connection.h:
metrics.h:
shared.h:
rate_limit.h:
access.h:
cors.h:
log.h:
outcome.h:
reply.h:
