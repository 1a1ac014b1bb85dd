#ifndef BENCH_TIMELINE_H
#define BENCH_TIMELINE_H

#include "random.h"

/* Microseconds since 2000-01-01 00:00 UTC, as in PostgreSQL. */
typedef int64_t Timestamp;

#define TIMELINE_DAYS 731
#define TIMESTAMP_SECOND INT64_C(1000000)
#define TIMESTAMP_DAY (86400 * TIMESTAMP_SECOND)

/* The times of `count` messages over the two years before `until`: they follow day and night, and increase over time.
 */
typedef struct Timeline
{
	Random random;
	Timestamp start, last;
	uint64_t count, next;
	int hour;
	double share_before[TIMELINE_DAYS * 24 + 1]; /* the share of all messages that precede that hour */
} Timeline;

void timeline_start(Timeline *timeline, uint64_t seed, Timestamp until, uint64_t count);

/* Returns the next time, which is later than the one before. Call it at most `count` times. */
Timestamp timeline_next(Timeline *timeline);

#endif
