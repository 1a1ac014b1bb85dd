#ifndef BENCH_STORY_H
#define BENCH_STORY_H

#include <libpq-fe.h>
#include <stddef.h>

/* A file of SQL that adds rows to the generated data. They count as generated as long as nobody adds any others. */
typedef struct Story
{
	const char *path;
	char *statements;
} Story;

/* Ends the program with a message if the file cannot be read. */
Story story_read(const char *path);

/* Writes what identifies the story on top of the load identified by `source`. */
void story_describe(PGconn *connection, const Story *story, const char *source, char *described, size_t size);

/* Runs the statements on top of the last load, in one transaction, and records the result as `described`. */
void story_tell(PGconn *connection, const Story *story, const char *described);
void story_free(Story *story);

#endif
