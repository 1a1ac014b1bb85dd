build/route_loader.o: route_loader.c route_loader.h config.h settings.h \
 db_pool.h db_connection.h db_query.h db_error.h server.h router.h \
 route.h parameter.h token.h log.h openapi.h
route_loader.h:
config.h:
settings.h:
db_pool.h:
db_connection.h:
db_query.h:
db_error.h:
server.h:
router.h:
route.h:
parameter.h:
token.h:
log.h:
openapi.h:
