/*
 * database: libpq with the error handling that a batch program needs: print what failed and exit. The server rolls back
 * an open transaction, and the next run continues from what was committed.
 */
#include "database.h"

#include <stdio.h>
#include <stdlib.h>

void
database_fail(PGconn *connection, const char *what)
{
	fprintf(stderr, "\n%s failed: %s", what, PQerrorMessage(connection));
	exit(EXIT_FAILURE);
}

void
database_expect(PGconn *connection, const PGresult *result, ExecStatusType status, const char *what)
{
	if (PQresultStatus(result) != status)
		database_fail(connection, what);
}

PGconn *
database_connect(void)
{
	static const char *const keywords[] = { "fallback_application_name", NULL };
	static const char *const values[] = { "parley populate", NULL };
	PGconn *connection = PQconnectdbParams(keywords, values, 0);

	if (PQstatus(connection) != CONNECTION_OK)
		database_fail(connection, "connecting");
	return connection;
}

void
database_run(PGconn *connection, const char *statement)
{
	PGresult *result = PQexec(connection, statement);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		database_expect(connection, result, PGRES_COMMAND_OK, statement);
	PQclear(result);
}

PGresult *
database_query(PGconn *connection, const char *query, const char *const *parameters)
{
	int count = 0;
	PGresult *result;

	while (parameters != NULL && parameters[count] != NULL)
		count++;
	result = PQexecParams(connection, query, count, NULL, parameters, NULL, NULL, 0);
	database_expect(connection, result, PGRES_TUPLES_OK, query);
	return result;
}

int64_t
database_number(PGconn *connection, const char *query)
{
	PGresult *result = database_query(connection, query, NULL);
	int64_t number = PQntuples(result) > 0 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;

	PQclear(result);
	return number;
}

void
database_start_copy(PGconn *connection, const char *statement)
{
	PGresult *result = PQexec(connection, statement);

	database_expect(connection, result, PGRES_COPY_IN, statement);
	PQclear(result);
}

void
database_finish_copy(PGconn *connection)
{
	PGresult *result;

	if (PQputCopyEnd(connection, NULL) != 1)
		database_fail(connection, "COPY");
	while ((result = PQgetResult(connection)) != NULL)
	{
		database_expect(connection, result, PGRES_COMMAND_OK, "COPY");
		PQclear(result);
	}
}
