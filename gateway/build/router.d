build/router.o: router.c router.h route.h db_query.h log.h metrics.h \
 buffer.h percent.h
router.h:
route.h:
db_query.h:
log.h:
metrics.h:
buffer.h:
percent.h:
