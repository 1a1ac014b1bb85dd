#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "timeline.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Options
{
	uint64_t contacts, messages, seed;
	uint64_t maintenance_work_mem_mb; /* 0 for an eighth of the machine's memory, between 64 MB and 2 GB */
	const char *csv;                  /* NULL for generated texts */
	const char *story;                /* NULL for none */
	const char *until_text;
	Timestamp until;
	bool replace;
} Options;

/* Parses the command line. Ends the program after --help and, with status 2, after an error. */
Options options_read(int argc, char **argv);

#endif
