/*
 * wakeups: a batch of users who have something new, which the listener passes to every worker. Reference-counted.
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
	uint64_t since_us; /* when the first of them committed, according to this machine's clock */
	size_t count;
	int64_t user_ids[]; /* 0 is the operator */
} Wakeups;

/* Creates a batch from the text of an array, {1,2}, with one reference. */
Wakeups *wakeups_create(const char *ids, bool is_everybody, uint64_t since_us);

/* Any thread may call these. */
Wakeups *wakeups_retain(Wakeups *wakeups);
void wakeups_release(Wakeups *wakeups);

#endif
