#ifndef BENCH_STANDING_H
#define BENCH_STANDING_H

#include <libpq-fe.h>
#include <stdbool.h>

/* The extension's tables of data, by name; a query to which more conditions on pg_class c may be added. */
#define DATA_TABLES                                                                                                    \
	"SELECT c.oid::regclass::text FROM pg_catalog.pg_extension e, unnest(e.extconfig, e.extcondition) t (oid, condition)"  \
	" JOIN pg_catalog.pg_class c ON c.oid = t.oid"                                                                     \
	" WHERE e.extname = 'parley' AND t.condition = '' AND c.relkind = 'r' AND c.relname NOT LIKE 'bulk\\_load%'"

/* What is to be done about what the database holds. */
typedef enum Standing
{
	STANDING_LOAD,   /* empty, or generated data that may go */
	STANDING_RESUME, /* what is asked for is loaded, but an earlier run died before it had all indexes */
	STANDING_DONE    /* what is asked for is there */
} Standing;

/*
 * `source` names the data asked for, down to the seed. Ends the program with status 3 where there is other data than
 * this program's and `replace` is false.
 */
Standing standing_of(PGconn *connection, const char *source, bool replace);

#endif
