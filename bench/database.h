#ifndef BENCH_DATABASE_H
#define BENCH_DATABASE_H

#include <libpq-fe.h>
#include <stdint.h>

/* All of these end the program with the server's message where anything fails. */

/* Connects as the PG* environment says; the caller gives the connection to PQfinish. */
PGconn *database_connect(void);
void database_run(PGconn *connection, const char *statement);

/* A query with text parameters, NULL-terminated; the caller clears the result. */
PGresult *database_query(PGconn *connection, const char *query, const char *const *parameters);

/* The first column of the first row as a number. */
int64_t database_number(PGconn *connection, const char *query);

void database_start_copy(PGconn *connection, const char *statement);
void database_finish_copy(PGconn *connection);

/* `result` must have that status; it is not cleared. */
void database_expect(PGconn *connection, const PGresult *result, ExecStatusType status, const char *what);
_Noreturn void database_fail(PGconn *connection, const char *what);

#endif
