/*
 * standing: decides whether the database may be filled. The newest row of parley.bulk_loads identifies generated data,
 * provided that nothing has been added, edited or deleted since. All other data belongs to someone, and is kept unless
 * --replace is given.
 */
#include "standing.h"

#include "database.h"
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFUSED 3

typedef struct Findings
{
	bool filled;     /* there are contacts, conversations or messages */
	bool generated;  /* the last load was made by this program, and nothing has changed since */
	bool unfinished; /* some load was not finished */
	bool same;       /* the last load has the data asked for */
} Findings;

static const char *const findings_query =
	"SELECT"
	" EXISTS (SELECT FROM parley.contacts) OR EXISTS (SELECT FROM parley.conversations) OR EXISTS (SELECT FROM "
	"parley.messages),"
	" coalesce(l.source LIKE 'populate %'"
	"  AND (SELECT count(*) FROM parley.contacts) = l.contacts_count"
	"  AND (SELECT coalesce(sum(last_number), 0) FROM parley.conversations) = l.messages_count"
	"  AND NOT EXISTS (SELECT FROM parley.conversations WHERE kind = 'chat')"
	"  AND NOT EXISTS (SELECT FROM parley.messages WHERE edited_at IS NOT NULL OR deleted_at IS NOT NULL), false),"
	" coalesce(l.finished_at IS NULL AND l.id IS NOT NULL, false),"
	" coalesce(split_part(l.source, ';', 1) = $1, false)"
	" FROM (SELECT) one LEFT JOIN (SELECT * FROM parley.bulk_loads ORDER BY id DESC LIMIT 1) l ON true";

#define LOADED_TABLES "parley.contacts, parley.conversations, parley.members, parley.messages"

/* Tables of other modules, whose rows refer to contacts and conversations, and the triggers of ours that forbid
 * deleting them. */
static const char *const others_query =
	"SELECT c.oid::regclass::text, (SELECT max(quote_ident(g.tgname)) FROM pg_catalog.pg_trigger g"
	"  WHERE g.tgrelid = c.oid AND g.tgtype & 32 <> 0 AND g.tgenabled = 'A')"
	" FROM pg_catalog.pg_extension e, unnest(e.extconfig, e.extcondition) t (oid, condition)"
	" JOIN pg_catalog.pg_class c ON c.oid = t.oid"
	" WHERE e.extname = 'parley' AND t.condition = '' AND c.relkind = 'r' AND c.relname NOT LIKE 'bulk\\_load%'"
	" AND c.oid <> ALL (string_to_array('" LOADED_TABLES "', ',')::regclass[])"
	" ORDER BY 2 DESC, 1";

static Findings
find(PGconn *connection, const char *source)
{
	const char *parameters[] = { source, NULL };
	PGresult *result = database_query(connection, findings_query, parameters);
	Findings findings = {
		.filled = *PQgetvalue(result, 0, 0) == 't',
		.generated = *PQgetvalue(result, 0, 1) == 't',
		.unfinished = *PQgetvalue(result, 0, 2) == 't',
		.same = *PQgetvalue(result, 0, 3) == 't',
	};

	PQclear(result);
	return findings;
}

static _Noreturn void
refuse(const char *why)
{
	fprintf(stderr, "%s; --replace (make populate REPLACE=1) deletes all existing data\n", why);
	exit(REFUSED);
}

/* Writes " TABLE=ROWS;" and returns whether there are any. */
static bool
count_rows(PGconn *connection, const char *table, char *text, size_t size)
{
	char query[300];
	int64_t rows;

	snprintf(query, sizeof(query), "SELECT count(*) FROM %s", table);
	rows = database_number(connection, query);
	snprintf(text, size, " %s=%" PRId64 ";", table, rows);
	return rows > 0;
}

char *
standing_others(PGconn *connection)
{
	PGresult *tables = database_query(connection, others_query, NULL);
	size_t length = 0;
	char *text = memory_bytes(1);

	for (int i = 0; i < PQntuples(tables); i++)
	{
		char rows[300];

		if (!count_rows(connection, PQgetvalue(tables, i, 0), rows, sizeof(rows)))
			continue;
		text = memory_resize(text, length + strlen(rows) + 1, 1);
		strcpy(text + length, rows);
		length += strlen(rows);
	}
	PQclear(tables);
	return text;
}

/* Rows that the last load's story left, and nobody added to, are generated ones. */
static void
refuse_others(PGconn *connection, bool replace)
{
	PGresult *tables = database_query(connection, others_query, NULL);
	PGresult *last = database_query(connection,
									"SELECT max(source) FROM (SELECT source FROM parley.bulk_loads"
									" ORDER BY id DESC LIMIT 1) l",
									NULL);

	for (int i = 0; i < PQntuples(tables); i++)
	{
		const char *table = PQgetvalue(tables, i, 0);
		char rows[300], why[300];

		if (!count_rows(connection, table, rows, sizeof(rows)) || strstr(PQgetvalue(last, 0, 0), rows) != NULL)
			continue;
		if (*PQgetvalue(tables, i, 1) != '\0')
		{
			fprintf(stderr, "%s has rows, which are never deleted; use another database\n", table);
			exit(REFUSED);
		}
		snprintf(why, sizeof(why), "%s has rows that were not generated", table);
		if (!replace)
			refuse(why);
	}
	PQclear(last);
	PQclear(tables);
}

/* Truncates a table although its trigger forbids it. */
static void
truncate_in_spite_of(PGconn *connection, const char *table, const char *trigger)
{
	char statement[600];

	snprintf(statement, sizeof(statement),
			 "ALTER TABLE %s DISABLE TRIGGER %s; TRUNCATE %s RESTART IDENTITY; ALTER TABLE %s ENABLE ALWAYS TRIGGER %s",
			 table, trigger, table, table, trigger);
	database_run(connection, statement);
}

void
standing_clear(PGconn *connection)
{
	PGresult *tables = database_query(connection, others_query, NULL);

	/* Cases refer to conversations, so TRUNCATE insists on truncating them too, even if there are none. */
	database_run(connection, "TRUNCATE " LOADED_TABLES ", parley.cases");
	for (int i = 0; i < PQntuples(tables); i++)
	{
		const char *table = PQgetvalue(tables, i, 0), *trigger = PQgetvalue(tables, i, 1);
		char text[300];

		if (!count_rows(connection, table, text, sizeof(text)))
			continue;
		/* Only a story's rows get here: see refuse_others(). */
		if (*trigger != '\0')
		{
			truncate_in_spite_of(connection, table, trigger);
			continue;
		}
		snprintf(text, sizeof(text), "TRUNCATE %s RESTART IDENTITY", table);
		database_run(connection, text);
	}
	PQclear(tables);
}

Standing
standing_of(PGconn *connection, const char *source, bool replace)
{
	Findings findings = find(connection, source);

	if (!replace && findings.unfinished && !findings.generated)
		refuse("a bulk load of somebody else's is unfinished (SELECT parley.finish_bulk_load() finishes it)");
	if (!replace && findings.filled && !findings.generated)
		refuse("the database holds data that was not generated, or has changed since");
	if (!replace && findings.generated && findings.same)
		return findings.unfinished ? STANDING_RESUME : STANDING_DONE;
	refuse_others(connection, replace);
	return STANDING_LOAD;
}
