#ifndef BENCH_TIMELINE_H
#define BENCH_TIMELINE_H

#include "random.h"

/* Microseconds since 2000-01-01 00:00 UTC, PostgreSQL's own measure. */
typedef int64_t Timestamp;

#define TIMELINE_DAYS 731
#define TIMESTAMP_SECOND INT64_C(1000000)
#define TIMESTAMP_DAY (86400 * TIMESTAMP_SECOND)

/* When messages happen: `count` moments over the two years before `until`, by day and night, and ever more of them. */
typedef struct Timeline
{
	Random random;
	Timestamp start, last;
	uint64_t count, next;
	int hour;
	double share_before[TIMELINE_DAYS * 24 + 1]; /* of all messages, those before that hour */
} Timeline;

void timeline_start(Timeline *timeline, uint64_t seed, Timestamp until, uint64_t count);

/* The next moment, later than the one before. At most `count` times. */
Timestamp timeline_next(Timeline *timeline);

#endif
