/*
 * wakeups: parses the text of an array.
 */
#include "live/wakeups.h"

#include <stdlib.h>
#include <string.h>

#include <h2o.h>

Wakeups *
wakeups_create(const char *ids, bool is_everybody, uint64_t since_us)
{
	size_t room = strlen(ids) / 2 + 1;
	Wakeups *wakeups = h2o_mem_alloc(sizeof(*wakeups) + room * sizeof(int64_t));
	char *end;

	*wakeups = (Wakeups){ .is_everybody = is_everybody, .since_us = since_us };
	atomic_init(&wakeups->holders, 1);
	for (const char *at = ids + 1; *at != '\0' && *at != '}'; at = end + (*end == ','))
	{
		wakeups->user_ids[wakeups->count++] = strtoll(at, &end, 10);
		if (end == at)
			break;
	}
	return wakeups;
}

Wakeups *
wakeups_retain(Wakeups *wakeups)
{
	atomic_fetch_add_explicit(&wakeups->holders, 1, memory_order_relaxed);
	return wakeups;
}

void
wakeups_release(Wakeups *wakeups)
{
	if (atomic_fetch_sub_explicit(&wakeups->holders, 1, memory_order_acq_rel) == 1)
		free(wakeups);
}
