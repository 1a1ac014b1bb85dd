#ifndef BENCH_DATABASE_H
#define BENCH_DATABASE_H

#include <libpq-fe.h>
#include <stdint.h>

/* If anything fails, each of these ends the program with the server's message. */

/* Connects as the PG* environment variables say. The caller must call PQfinish(). */
PGconn *database_connect(void);
void database_run(PGconn *connection, const char *statement);

/* Runs a query with text parameters, NULL-terminated. The caller clears the result. */
PGresult *database_query(PGconn *connection, const char *query, const char *const *parameters);

/* Returns the first column of the first row as a number. */
int64_t database_number(PGconn *connection, const char *query);

void database_start_copy(PGconn *connection, const char *statement);
void database_finish_copy(PGconn *connection);

/* Fails unless `result` has that status. Does not clear it. */
void database_expect(PGconn *connection, const PGresult *result, ExecStatusType status, const char *what);
_Noreturn void database_fail(PGconn *connection, const char *what);

#endif
