#ifndef BENCH_STANDING_H
#define BENCH_STANDING_H

#include <libpq-fe.h>
#include <stdbool.h>

/* What is to be done about what the database holds. */
typedef enum Standing
{
	STANDING_LOAD,   /* empty, or generated data that may go */
	STANDING_RESUME, /* what is asked for is loaded, but an earlier run died before it had all indexes */
	STANDING_DONE    /* what is asked for is there */
} Standing;

/*
 * `source` names the data asked for, down to the seed. Ends the program with status 3 where there is other data than
 * this program's and `replace` is false, or money, which is never deleted.
 */
Standing standing_of(PGconn *connection, const char *source, bool replace);

/* Empties the tables to be loaded, and with them whatever else standing_of has let pass. */
void standing_clear(PGconn *connection);

#endif
