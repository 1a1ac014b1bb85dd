/*
 * timeline: the times at which messages are sent. Each hour of two years has a weight. The total weight is divided into
 * n equal parts; message i of n is placed at random within the i-th part. Nothing is allocated.
 */
#include "timeline.h"

#define HOURS (TIMELINE_DAYS * 24)

/* The world's chats over a day (UTC): fewest at the end of the American night, most in the European evening. */
static const double hour_weights[24] = { 5, 4, 3, 2, 2, 2, 3, 4, 6, 7, 8, 8, 9, 9, 9, 9, 10, 11, 12, 12, 11, 10, 8, 6 };

static double
hour_weight(int hour, Random *random)
{
	double weekend = (hour / 24) % 7 >= 5 ? 0.7 : 1;
	double growth = 1 + 2.0 * hour / HOURS;

	return hour_weights[hour % 24] * weekend * growth * (0.8 + 0.4 * random_unit(random));
}

void
timeline_start(Timeline *timeline, uint64_t seed, Timestamp until, uint64_t count)
{
	double sum = 0;

	timeline->random = random_start(seed, RANDOM_TIMELINE);
	timeline->start = until - TIMELINE_DAYS * TIMESTAMP_DAY;
	timeline->last = timeline->start;
	timeline->count = count;
	timeline->next = 0;
	timeline->hour = 0;
	for (int hour = 0; hour < HOURS; hour++)
	{
		timeline->share_before[hour] = sum;
		sum += hour_weight(hour, &timeline->random);
	}
	for (int hour = 0; hour < HOURS; hour++)
		timeline->share_before[hour] /= sum;
	timeline->share_before[HOURS] = 1;
}

Timestamp
timeline_next(Timeline *timeline)
{
	double share = ((double) timeline->next++ + random_unit(&timeline->random)) / (double) timeline->count;
	const double *before = timeline->share_before;
	double hours;
	Timestamp at;

	while (timeline->hour < HOURS - 1 && before[timeline->hour + 1] <= share)
		timeline->hour++;
	hours = timeline->hour + (share - before[timeline->hour]) / (before[timeline->hour + 1] - before[timeline->hour]);
	at = timeline->start + (Timestamp) (hours * 3600 * (double) TIMESTAMP_SECOND);
	timeline->last = at > timeline->last ? at : timeline->last + 1;
	return timeline->last;
}
