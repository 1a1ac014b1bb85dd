/*
 * hits.c: see hits.h.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "search/hits.h"
#include "search/listed.h"

void
parley_hits_create(Hits *hits, Scope *scope)
{
	HASHCTL control = { .keysize = sizeof(int64), .entrysize = sizeof(Hit), .hcxt = CurrentMemoryContext };

	*hits = (Hits){ .scope = scope };
	hits->table = hash_create("conversations of a search", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

double
parley_hits_share(const Hits *hits, double messages)
{
	SenderFilter sender = hits->scope->filter.sender;
	double share = hits->is_closed ? Max((double) hits->message_count, 1.0) / messages : 1.0;

	return sender == SENDER_CONTACT || sender == SENDER_OPERATOR ? share / 2 : share;
}

Hit *
parley_hits_find(const Hits *hits, int64 conversation_id)
{
	return hash_search(hits->table, &conversation_id, HASH_FIND, NULL);
}

Hit *
parley_hits_enter(Hits *hits, int64 conversation_id, bool *found)
{
	Hit *hit = hash_search(hits->table, &conversation_id, HASH_ENTER, found);

	if (!*found)
		hit->is_named = hit->is_placed = false;
	return hit;
}

void
parley_hits_choose(Hits *hits, int64 conversation_id)
{
	bool found;
	Hit *hit = parley_hits_enter(hits, conversation_id, &found);

	if (!found)
		hit->state = HIT_CHOSEN;
}

Hit *
parley_hits_meet_row(Hits *hits, TupleTableSlot *conversation, Naming naming)
{
	Scope *scope = hits->scope;
	bool found, has_no_message;
	TimestampTz last_message_at = parley_slot_int64(conversation, scope->conversation.last_message_at, &has_no_message);
	Hit *hit = parley_hits_enter(hits, parley_slot_int64(conversation, scope->conversation.id, NULL), &found);

	if (!found || hit->state == HIT_CHOSEN)
		hit->state = parley_is_listed(scope, conversation, found || scope->knows_cases) ? HIT_OPEN : HIT_OUTSIDE;
	if (hit->state == HIT_OUTSIDE || hit->state == HIT_NAMED || hit->is_named || has_no_message)
		return hit;
	if (naming == NAMING_KNOWN || (naming == NAMING_ASKED && parley_scope_conversation_is_named(scope, conversation)))
	{
		hit->is_named = true;
		/* If only some messages may match, we still have to find the one to show. */
		if (parley_filter_narrows(&scope->filter))
			return hit;
		hit->state = HIT_NAMED;
		hit->at = last_message_at;
	}
	return hit;
}

Hit *
parley_hits_meet(Hits *hits, int64 conversation_id, Naming naming)
{
	Hit *hit = parley_hits_find(hits, conversation_id);
	Lookup *by_id = &hits->scope->conversation_by_id;
	bool is_chosen = hit != NULL && hit->state == HIT_CHOSEN;

	if ((is_chosen || (hit == NULL && !hits->is_closed)) && parley_lookup_one(by_id, conversation_id))
		hit = parley_hits_meet_row(hits, by_id->slot, is_chosen ? NAMING_LATER : naming);
	return hit == NULL || hit->state == HIT_OUTSIDE ? NULL : hit;
}

int64
parley_hits_place(Hits *hits, Hit *hit, TupleTableSlot *conversation)
{
	Position place;
	int64 number, read = 0;

	hit->is_placed = true;
	if (hit->state == HIT_OUTSIDE ||
		!parley_scope_newest_match(hits->scope, conversation, hit->is_named, &place, &number, &read))
		return read;
	hit->state = HIT_MESSAGE;
	hit->at = place.at;
	hit->number = number;
	return read;
}

Rows
parley_hits_rows(const Hits *hits, const RowSet *set)
{
	Rows rows = { 0 };
	Lookup messages;
	HASH_SEQ_STATUS each;

	parley_lookup_open(&messages, hits->scope->messages, &parley_messages_key, 1, hits->scope->snapshot);
	hash_seq_init(&each, hits->table);
	for (Hit *hit; (hit = hash_seq_search(&each)) != NULL;)
	{
		ItemPointer row;

		if (hit->state == HIT_OUTSIDE)
			continue;
		parley_lookup_start(&messages, &hit->conversation_id);
		while ((row = index_getnext_tid(messages.scan, ForwardScanDirection)) != NULL)
		{
			CHECK_FOR_INTERRUPTS();
			if (parley_row_set_has(set, row))
				parley_rows_add(&rows, row, 1);
		}
	}
	parley_lookup_close(&messages);
	parley_rows_sort(&rows, 0);
	return rows;
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
		if (hit->state == HIT_MESSAGE && !hit->is_placed)
			hit->state = HIT_OPEN;
}

static int
hit_compare(const void *a, const void *b)
{
	return parley_position_is_newer(hit_position(a), hit_position(b)) ? -1 : 1;
}

/* Returns those within the places asked for (or all) that are dated `since` or later. */
static Hit *
hits_since(const Hits *hits, TimestampTz since, bool all_places, int64 *count)
{
	Hit *sorted = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Hit) * (hash_get_num_entries(hits->table) + 1));
	HASH_SEQ_STATUS each;

	*count = 0;
	hash_seq_init(&each, hits->table);
	for (Hit *hit; (hit = hash_seq_search(&each)) != NULL;)
		if (parley_hit_is_shown(hit) && hit->at >= since &&
			(all_places || parley_scope_asks_for(hits->scope, hit_position(hit))))
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
	int64 wanted = hits->scope->wanted;
	int64 count;
	Hit *sorted;

	if (hash_get_num_entries(hits->table) < wanted)
		return false;
	sorted = hits_since(hits, since, false, &count);
	if (count >= wanted)
		*position = hit_position(&sorted[wanted - 1]);
	pfree(sorted);
	return count >= wanted;
}

Countdown
parley_countdown_start(const Hits *hits)
{
	Countdown countdown = { .wanted = hits->scope->wanted };

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
