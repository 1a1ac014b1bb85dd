/*
 * populate: fills a database that has the extension parley with generated contacts, conversations and messages.
 *
 * One transaction loads the rows, one per index follows, and a last one marks the load as finished. If the program is
 * killed, the next run finds either the old data, or the rows with some indexes missing, and continues from there.
 */
#include "csv.h"
#include "database.h"
#include "indexes.h"
#include "load.h"
#include "options.h"
#include "progress.h"
#include "standing.h"
#include "story.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Part of the name of the data. Increment it whenever the same seed gives different data. */
#define GENERATOR_VERSION 3
#define SOURCE_BYTES_MAX 300
#define EXIT_NOT_INSTALLED 1

static void
describe(const Options *options, const CsvTexts *texts, char *source)
{
	char kind[40] = "generated";

	if (texts != NULL)
		snprintf(kind, sizeof(kind), "csv:%016" PRIx64, texts->checksum);
	snprintf(source, SOURCE_BYTES_MAX,
			 "populate %d: seed=%" PRIu64 " contacts=%" PRIu64 " messages=%" PRIu64 " until=%s texts=%s",
			 GENERATOR_VERSION, options->seed, options->contacts, options->messages, options->until_text, kind);
}

static uint64_t
maintenance_work_mem_mb(const Options *options)
{
	uint64_t eighth = (uint64_t) sysconf(_SC_PHYS_PAGES) * (uint64_t) sysconf(_SC_PAGESIZE) / 8 / 1048576;

	if (options->maintenance_work_mem_mb > 0)
		return options->maintenance_work_mem_mb;
	return eighth < 64 ? 64 : eighth > 2048 ? 2048 : eighth;
}

static void
configure(PGconn *connection, const Options *options)
{
	char statement[200];

	snprintf(statement, sizeof(statement),
			 "SET maintenance_work_mem = '%" PRIu64 "MB'; SET max_parallel_maintenance_workers = %ld",
			 maintenance_work_mem_mb(options), sysconf(_SC_NPROCESSORS_ONLN));
	database_run(connection, statement);
	/* Makes the server process end and release the tables soon after this program ends, even in the middle of building
	 * an index. */
	database_run(connection, "SET client_connection_check_interval = '500ms'; SET statement_timeout = 0");
}

static void
check_installed(PGconn *connection)
{
	if (database_number(connection, "SELECT (to_regproc('parley.begin_bulk_load') IS NOT NULL)::int") != 0)
		return;
	fprintf(stderr, "database %s does not have the extension parley; create it with CREATE EXTENSION parley CASCADE\n",
			PQdb(connection));
	exit(EXIT_NOT_INSTALLED);
}

/* Waits for the server process of a killed run, which takes a moment to notice, but not for another run. */
static void
exclude_others(PGconn *connection)
{
	database_run(connection, "SET lock_timeout = '10s'");
	database_run(connection, "SELECT pg_advisory_lock(hashtext('parley populate'))");
	database_run(connection, "SET lock_timeout = 0");
}

static void
fill(PGconn *connection, const Options *options, const CsvTexts *texts, const Story *story)
{
	char source[SOURCE_BYTES_MAX], with_story[SOURCE_BYTES_MAX + 50] = "";
	double started = seconds_now();
	Standing standing;

	describe(options, texts, source);
	if (story != NULL)
		story_describe(connection, story, source, with_story, sizeof(with_story));
	if (story != NULL && standing_of(connection, with_story, options->replace) == STANDING_DONE)
	{
		progress_say("already there: %s", with_story);
		return;
	}
	standing = standing_of(connection, source, options->replace);
	if (standing == STANDING_DONE)
		progress_say("already there: %s", source);
	else if (standing == STANDING_RESUME)
		progress_say("an earlier run was interrupted after its rows were in; building what indexes it left out");
	else
		load(connection, options, texts, source);
	if (standing != STANDING_DONE)
	{
		indexes_build(connection);
		progress_say("done in %.1f s: %s", seconds_now() - started, source);
	}
	if (story != NULL)
	{
		story_tell(connection, story, with_story);
		progress_say("ran %s", story->path);
	}
}

int
main(int argc, char **argv)
{
	Options options = options_read(argc, argv);
	CsvTexts texts;
	Story story;
	PGconn *connection;

	if (options.csv != NULL)
	{
		texts = csv_read_file(options.csv);
		progress_say("%s: %zu texts, %zu rows skipped", options.csv, texts.count, texts.skipped);
	}
	if (options.story != NULL)
		story = story_read(options.story);
	connection = database_connect();
	check_installed(connection);
	exclude_others(connection);
	configure(connection, &options);
	fill(connection, &options, options.csv != NULL ? &texts : NULL, options.story != NULL ? &story : NULL);
	PQfinish(connection);
	if (options.story != NULL)
		story_free(&story);
	if (options.csv != NULL)
		csv_free(&texts);
	return EXIT_SUCCESS;
}
