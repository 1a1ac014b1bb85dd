build/main.o: main.c config.h settings.h log.h route_loader.h db_pool.h \
 db_connection.h db_query.h db_error.h server.h router.h route.h \
 parameter.h token.h service.h tls.h
config.h:
settings.h:
log.h:
route_loader.h:
db_pool.h:
db_connection.h:
db_query.h:
db_error.h:
server.h:
router.h:
route.h:
parameter.h:
token.h:
service.h:
tls.h:
