build/router.o: router.c router.h route.h db_query.h log.h percent.h \
 buffer.h
router.h:
route.h:
db_query.h:
log.h:
percent.h:
buffer.h:
