/*
 * story: runs a file of SQL after the load, and records the resulting state in parley.bulk_loads, so that the next run
 * can tell the story's rows from rows that somebody else added.
 *
 * The caller owns a Story and frees it with story_free().
 */
#include "story.h"

#include "database.h"
#include "memory.h"
#include "standing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Story
story_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t room = 1 << 16, length = 0;
	char *statements = memory_bytes(room);

	if (file != NULL)
		while ((length += fread(statements + length, 1, room - 1 - length, file)) == room - 1)
			statements = memory_resize(statements, room *= 2, 1);
	if (file == NULL || ferror(file))
	{
		fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	fclose(file);
	statements[length] = '\0';
	return (Story){ path, statements };
}

void
story_describe(PGconn *connection, const Story *story, const char *source, char *described, size_t size)
{
	const char *parameters[] = { source, story->statements, NULL };
	PGresult *result = database_query(connection, "SELECT $1 || ' story=' || md5($2)", parameters);

	snprintf(described, size, "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
}

void
story_tell(PGconn *connection, const Story *story, const char *described)
{
	char *others;
	const char *parameters[] = { described, NULL, NULL };
	PGresult *result;

	database_run(connection, "BEGIN");
	result = PQexec(connection, story->statements);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		database_expect(connection, result, PGRES_COMMAND_OK, story->path);
	PQclear(result);
	parameters[1] = others = standing_others(connection);
	PQclear(database_query(connection,
						   "UPDATE parley.bulk_loads SET source = $1 || ';' || $2,"
						   " contacts_count = (SELECT count(*) FROM parley.contacts),"
						   " messages_count = (SELECT sum(last_number) FROM parley.conversations)"
						   " WHERE id = (SELECT max(id) FROM parley.bulk_loads) RETURNING id",
						   parameters));
	database_run(connection, "COMMIT");
	free(others);
}

void
story_free(Story *story)
{
	free(story->statements);
	*story = (Story){ NULL, NULL };
}
