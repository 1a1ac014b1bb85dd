build/reply.o: reply.c reply.h problem.h buffer.h route.h db_query.h \
 db_error.h parameter.h request.h response.h statement.h router.h token.h \
 worker.h client.h address_count.h config.h settings.h db_pool.h \
 db_connection.h metrics.h shared.h rate_limit.h gzip.h log.h
reply.h:
problem.h:
buffer.h:
route.h:
db_query.h:
db_error.h:
parameter.h:
request.h:
response.h:
statement.h:
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
gzip.h:
log.h:
