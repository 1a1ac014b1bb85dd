/*
 * wakeups: a batch of users who have something new, as the listener hands it to every worker. Held by count.
 */
#ifndef WAKEUPS_H
#define WAKEUPS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Wakeups
{
	atomic_uint holders;
	bool is_everybody; /* anyone may have something new */
	uint64_t since_us; /* when the first of them committed, by this machine's clock */
	size_t count;
	int64_t user_ids[]; /* 0: the operator */
} Wakeups;

/* A batch of the ids in an array's text, {1,2}, held once. */
Wakeups *wakeups_create(const char *ids, bool is_everybody, uint64_t since_us);

/* Any thread. */
Wakeups *wakeups_retain(Wakeups *wakeups);
void wakeups_release(Wakeups *wakeups);

#endif
