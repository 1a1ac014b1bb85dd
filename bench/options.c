/*
 * options: parses the command line by a table from which --help is printed too. Strings point into argv.
 */
#include "options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EPOCH_2000_SECONDS INT64_C(946684800)
#define CONTACTS_MAX 50000000
#define MESSAGES_MAX UINT64_C(10000000000)

typedef enum Kind
{
	NUMBER,
	TEXT,
	FLAG
} Kind;

typedef struct Option
{
	const char *name, *placeholder;
	Kind kind;
	size_t offset;
	uint64_t minimum, maximum;
	const char *help;
} Option;

static const Option table[] = {
	{ "contacts", "N", NUMBER, offsetof(Options, contacts), 1, CONTACTS_MAX, "number of contacts (100000)" },
	{ "messages", "N", NUMBER, offsetof(Options, messages), 0, MESSAGES_MAX, "number of messages (5000000)" },
	{ "csv", "FILE", TEXT, offsetof(Options, csv), 0, 0,
	  "take the texts from FILE: one column, header `content` (generated texts)" },
	{ "seed", "N", NUMBER, offsetof(Options, seed), 0, UINT64_MAX, "the same seed gives the same data (1)" },
	{ "until", "TIME", TEXT, offsetof(Options, until_text), 0, 0,
	  "when the two years of messages end (2026-01-01T00:00:00Z)" },
	{ "story", "FILE", TEXT, offsetof(Options, story), 0, 0,
	  "run FILE, which is SQL, after the load; what it adds counts as generated" },
	{ "replace", NULL, FLAG, offsetof(Options, replace), 0, 0, "delete data that this program did not generate" },
	{ "maintenance-work-mem", "MB", NUMBER, offsetof(Options, maintenance_work_mem_mb), 0, 1 << 20,
	  "memory for building indexes (0: an eighth of the machine's, 64 to 2048)" },
};
#define TABLE_END (table + sizeof(table) / sizeof(table[0]))

static void
usage(FILE *stream)
{
	fputs("Fills a database that has the extension parley with generated contacts and messages.\n"
		  "usage: populate [options]; PGHOST, PGPORT, PGDATABASE and PGUSER select the database\n",
		  stream);
	for (const Option *option = table; option < TABLE_END; option++)
	{
		char left[40];

		snprintf(left, sizeof(left), "--%s %s", option->name, option->placeholder != NULL ? option->placeholder : "");
		fprintf(stream, "  %-26s %s\n", left, option->help);
	}
}

static _Noreturn void
refuse(const char *what, const char *value)
{
	fprintf(stderr, "populate: %s: %s\n", what, value);
	usage(stderr);
	exit(2);
}

static uint64_t
number(const Option *option, const char *value)
{
	char *end;
	unsigned long long parsed;

	errno = 0;
	parsed = strtoull(value, &end, 10);
	if (errno != 0 || *value < '0' || *value > '9' || *end != '\0' || parsed < option->minimum ||
		parsed > option->maximum)
		refuse(option->name, value);
	return parsed;
}

static void
assign(Options *options, const Option *option, const char *value)
{
	void *field = (char *) options + option->offset;

	switch (option->kind)
	{
		case NUMBER:
			*(uint64_t *) field = number(option, value);
			break;
		case TEXT:
			*(const char **) field = value;
			break;
		case FLAG:
			*(bool *) field = true;
	}
}

static const Option *
find(const char *argument, const char **value)
{
	size_t length;

	*value = strchr(argument, '=');
	length = *value != NULL ? (size_t) (*value - argument) : strlen(argument);
	if (*value != NULL)
		++*value;
	for (const Option *option = table; option < TABLE_END; option++)
		if (strncmp(argument, "--", 2) == 0 && strlen(option->name) == length - 2 &&
			strncmp(argument + 2, option->name, length - 2) == 0)
			return option;
	refuse("unknown option", argument);
}

/* UTC, with a resolution of one second. */
static Timestamp
timestamp(const char *text)
{
	struct tm time = { 0 };
	int fields, end = 0;

	fields = sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &time.tm_year, &time.tm_mon, &time.tm_mday, &time.tm_hour,
					&time.tm_min, &time.tm_sec, &end);
	if (fields != 6 || text[end] != '\0' || end == 0)
		refuse("until is a time like 2026-01-01T00:00:00Z", text);
	time.tm_year -= 1900;
	time.tm_mon -= 1;
	return ((Timestamp) timegm(&time) - EPOCH_2000_SECONDS) * TIMESTAMP_SECOND;
}

Options
options_read(int argc, char **argv)
{
	Options options = { .contacts = 100000, .messages = 5000000, .seed = 1, .until_text = "2026-01-01T00:00:00Z" };

	for (int i = 1; i < argc; i++)
	{
		const char *value;
		const Option *option;

		if (strcmp(argv[i], "--help") == 0)
		{
			usage(stdout);
			exit(EXIT_SUCCESS);
		}
		option = find(argv[i], &value);
		if (option->kind != FLAG && value == NULL && (value = argv[++i]) == NULL)
			refuse("a value is missing", option->name);
		assign(&options, option, value);
	}
	options.until = timestamp(options.until_text);
	/* So that `make populate CSV=` means the same as without CSV. */
	if (options.csv != NULL && *options.csv == '\0')
		options.csv = NULL;
	return options;
}
