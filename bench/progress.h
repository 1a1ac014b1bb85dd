#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdint.h>

/* Says on stderr how far a piece of work is: a bar on a terminal, else a line every few seconds. */
typedef struct Progress
{
	const char *what; /* the caller's, for as long as the progress is shown */
	uint64_t total;
	double started, shown; /* seconds of the monotonic clock */
} Progress;

Progress progress_start(const char *what, uint64_t total);

/* Cheap enough to be called every thousand rows or so. */
void progress_show(Progress *progress, uint64_t done);

/* The last line, with how long it took. */
void progress_finish(const Progress *progress);

/* A line on stderr, in the place of the bar where there is one. */
void progress_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Seconds of a clock that only goes forward. */
double seconds_now(void);

#endif
