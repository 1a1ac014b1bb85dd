build/request.o: request.c request.h response.h buffer.h route.h \
 db_query.h statement.h problem.h router.h token.h worker.h \
 address_count.h client.h config.h settings.h db_pool.h db_connection.h \
 metrics.h rate_limit.h auth.h cors.h log.h reply.h
request.h:
response.h:
buffer.h:
route.h:
db_query.h:
statement.h:
problem.h:
router.h:
token.h:
worker.h:
address_count.h:
client.h:
config.h:
settings.h:
db_pool.h:
db_connection.h:
metrics.h:
rate_limit.h:
auth.h:
cors.h:
log.h:
reply.h:
