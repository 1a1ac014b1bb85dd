/*
 * indexes: builds the indexes after the load, and shows the progress, which it reads from the server through a second
 * connection. indexes_build() opens and closes that connection.
 */
#include "indexes.h"

#include "database.h"
#include "progress.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define ASK_EVERY_MS 200

/* Small ones come first, so that there is little to repeat if the program is killed. */
static const char *const pending_query =
	"SELECT name FROM parley.bulk_load_indexes ORDER BY definition LIKE '%messages%', definition LIKE '%gin%', name";

static const char *const progress_query = "SELECT coalesce(blocks_done, 0), coalesce(blocks_total, 0) FROM "
										  "pg_catalog.pg_stat_progress_create_index WHERE pid = $1";

static void
ask_progress(PGconn *observer, int pid, Progress *progress)
{
	char pid_text[16];
	const char *parameters[] = { pid_text, NULL };
	PGresult *result;

	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	result = database_query(observer, progress_query, parameters);
	/* Sorting and writing follow the scan and report other numbers. The bar stays full meanwhile. */
	if (PQntuples(result) == 1 && atoll(PQgetvalue(result, 0, 1)) > 0)
	{
		progress->total = strtoull(PQgetvalue(result, 0, 1), NULL, 10);
		progress_show(progress, strtoull(PQgetvalue(result, 0, 0), NULL, 10));
	}
	PQclear(result);
}

static void
wait_for_result(PGconn *connection, PGconn *observer, Progress *progress)
{
	struct pollfd socket = { PQsocket(connection), POLLIN, 0 };

	while (PQisBusy(connection))
	{
		if (poll(&socket, 1, ASK_EVERY_MS) > 0)
		{
			if (PQconsumeInput(connection) != 1)
				database_fail(connection, progress->what);
		}
		else
			ask_progress(observer, PQbackendPID(connection), progress);
	}
}

static void
build(PGconn *connection, PGconn *observer, const char *name)
{
	char what[100];
	Progress progress;
	PGresult *result;

	snprintf(what, sizeof(what), "index %s, blocks", name);
	progress = progress_start(what, 0);
	if (PQsendQueryParams(connection, "SELECT parley.build_bulk_load_index($1)", 1, NULL, &name, NULL, NULL, 0) != 1)
		database_fail(connection, what);
	wait_for_result(connection, observer, &progress);
	while ((result = PQgetResult(connection)) != NULL)
	{
		database_expect(connection, result, PGRES_TUPLES_OK, what);
		PQclear(result);
	}
	progress_say("index %s: %.1f s", name, seconds_now() - progress.started);
}

void
indexes_build(PGconn *connection)
{
	PGconn *observer = database_connect();
	PGresult *pending = database_query(connection, pending_query, NULL);
	double started;

	for (int i = 0; i < PQntuples(pending); i++)
		build(connection, observer, PQgetvalue(pending, i, 0));
	PQclear(pending);
	PQfinish(observer);
	started = seconds_now();
	/* There are no dead rows, so VACUUM need not clean the indexes. We want only statistics and the visibility map. */
	database_run(connection,
				 "VACUUM (ANALYZE, INDEX_CLEANUP OFF) parley.contacts, parley.conversations, parley.members,"
				 " parley.messages");
	progress_say("statistics: %.1f s", seconds_now() - started);
	database_run(connection, "SELECT parley.finish_bulk_load()");
}
