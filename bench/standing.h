#ifndef BENCH_STANDING_H
#define BENCH_STANDING_H

#include <libpq-fe.h>
#include <stdbool.h>

/* What to do about the existing data. */
typedef enum Standing
{
	STANDING_LOAD,   /* the database is empty, or has generated data that may be deleted */
	STANDING_RESUME, /* the data asked for is loaded, but an earlier run ended before it had all indexes */
	STANDING_DONE    /* the data asked for is there */
} Standing;

/*
 * `source` identifies the data asked for, including the seed. Ends the program with status 3 if there is data that this
 * program did not make and `replace` is false, or if there are transactions, which are never deleted, unless they are
 * the demo's own (story.h).
 */
Standing standing_of(PGconn *connection, const char *source, bool replace);

/* Returns the tables of other modules that have rows, as " TABLE=ROWS" for each. The caller frees it. */
char *standing_others(PGconn *connection);

/* Truncates the tables to be loaded, and all others that standing_of() allows. */
void standing_clear(PGconn *connection);

#endif
