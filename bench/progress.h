#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdint.h>

/* Shows progress on stderr: as a bar on a terminal, otherwise as a line every few seconds. */
typedef struct Progress
{
	const char *what; /* owned by the caller, for as long as the progress is shown */
	uint64_t total;
	double started, shown; /* in seconds of the monotonic clock */
} Progress;

Progress progress_start(const char *what, uint64_t total);

/* Cheap enough to be called every thousand rows or so. */
void progress_show(Progress *progress, uint64_t done);

/* Prints the last line, with the time that the work took. */
void progress_finish(const Progress *progress);

/* Prints a line on stderr, in place of the bar if there is one. */
void progress_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns the monotonic clock in seconds. */
double seconds_now(void);

#endif
