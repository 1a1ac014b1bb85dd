/*
 * hits.c: see hits.h.
 */
#include "postgres.h"

#include "search/hits.h"

void
parley_hits_create(Hits *hits, Position before, int64 wanted)
{
	HASHCTL control = { .keysize = sizeof(int64), .entrysize = sizeof(Hit), .hcxt = CurrentMemoryContext };

	hits->table = hash_create("conversations of a search", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	hits->before = before;
	hits->wanted = wanted;
}

Hit *
parley_hits_find(const Hits *hits, int64 conversation_id)
{
	return hash_search(hits->table, &conversation_id, HASH_FIND, NULL);
}

Hit *
parley_hits_enter(Hits *hits, int64 conversation_id, bool *found)
{
	return hash_search(hits->table, &conversation_id, HASH_ENTER, found);
}

bool
parley_hits_asks_for(const Hits *hits, Position position)
{
	return parley_position_is_newer(hits->before, position);
}

static inline Position
hit_position(const Hit *hit)
{
	return (Position){ hit->at, hit->conversation_id };
}

void
parley_hits_reopen(Hits *hits)
{
	HASH_SEQ_STATUS each;

	hash_seq_init(&each, hits->table);
	for (Hit *hit; (hit = hash_seq_search(&each)) != NULL;)
		if (hit->state == HIT_MESSAGE)
			hit->state = HIT_OPEN;
}

static int
hit_compare(const void *a, const void *b)
{
	return parley_position_is_newer(hit_position(a), hit_position(b)) ? -1 : 1;
}

/* Those of places asked for, or of all, that are dated `since` or later. */
static Hit *
hits_since(const Hits *hits, TimestampTz since, bool all_places, int64 *count)
{
	Hit *sorted = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Hit) * (hash_get_num_entries(hits->table) + 1));
	HASH_SEQ_STATUS each;

	*count = 0;
	hash_seq_init(&each, hits->table);
	for (Hit *hit; (hit = hash_seq_search(&each)) != NULL;)
		if (parley_hit_is_shown(hit) && hit->at >= since &&
			(all_places || parley_hits_asks_for(hits, hit_position(hit))))
			sorted[(*count)++] = *hit;
	qsort(sorted, *count, sizeof(Hit), hit_compare);
	return sorted;
}

Hit *
parley_hits_sorted(const Hits *hits, bool all_places, int64 *count)
{
	return hits_since(hits, DT_NOBEGIN, all_places, count);
}

bool
parley_hits_last_wanted(const Hits *hits, TimestampTz since, Position *position)
{
	int64 count;
	Hit *sorted;

	if (hash_get_num_entries(hits->table) < hits->wanted)
		return false;
	sorted = hits_since(hits, since, false, &count);
	if (count >= hits->wanted)
		*position = hit_position(&sorted[hits->wanted - 1]);
	pfree(sorted);
	return count >= hits->wanted;
}

Countdown
parley_countdown_start(const Hits *hits)
{
	Countdown countdown = { .wanted = hits->wanted };

	countdown.ahead = parley_hits_sorted(hits, false, &countdown.ahead_count);
	return countdown;
}

bool
parley_countdown_is_over(Countdown *countdown, Position here)
{
	while (countdown->passed < countdown->ahead_count &&
		   parley_position_is_newer(hit_position(&countdown->ahead[countdown->passed]), here))
		countdown->passed++;
	return countdown->passed + countdown->met >= countdown->wanted;
}
