build/router.o: router.c router.h route.h db_query.h db_error.h \
 parameter.h log.h metrics.h buffer.h percent.h
router.h:
route.h:
db_query.h:
db_error.h:
parameter.h:
log.h:
metrics.h:
buffer.h:
percent.h:
