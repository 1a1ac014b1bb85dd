/*
 * hits.c: see hits.h.
 */
#include "postgres.h"

#include "catalog/pg_am.h"
#include "catalog/pg_type_d.h"
#include "miscadmin.h"

#include "search/hits.h"
#include "search/settings.h"

static const IndexForm members_contact = { "members_contact", BTREE_AM_OID, { "contact_id" } };

/* Meets all conversations of a user, unless they are too many. */
static void
hits_meet_own(Hits *hits)
{
	Scope *scope = hits->scope;
	AttrNumber conversation_id = parley_column(scope->members, "conversation_id", INT8OID);
	Lookup own;
	int count = 0;

	parley_lookup_open(&own, scope->members, &members_contact, 1, scope->snapshot);
	parley_lookup_start(&own, &scope->filter.user_id);
	while (count <= parley_search_user_conversations && parley_lookup_next(&own))
	{
		Hit *hit = parley_hits_meet(hits, parley_slot_int64(own.slot, conversation_id, NULL), NAMING_ASKED);

		CHECK_FOR_INTERRUPTS();
		count++;
		if (hit != NULL)
			hits->message_count +=
				parley_slot_int64(scope->conversation_by_id.slot, scope->conversation.last_number, NULL);
	}
	hits->is_closed = count <= parley_search_user_conversations;
	parley_lookup_close(&own);
}

void
parley_hits_create(Hits *hits, Scope *scope)
{
	HASHCTL control = { .keysize = sizeof(int64), .entrysize = sizeof(Hit), .hcxt = CurrentMemoryContext };

	*hits = (Hits){ .scope = scope };
	hits->table = hash_create("conversations of a search", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (scope->filter.of_user)
		hits_meet_own(hits);
}

double
parley_hits_share(const Hits *hits, double messages)
{
	return hits->is_closed ? Max((double) hits->message_count, 1.0) / messages : 1.0;
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

Hit *
parley_hits_meet_row(Hits *hits, TupleTableSlot *conversation, Naming naming)
{
	Scope *scope = hits->scope;
	bool found, has_no_message;
	TimestampTz last_message_at = parley_slot_int64(conversation, scope->conversation.last_message_at, &has_no_message);
	Hit *hit = parley_hits_enter(hits, parley_slot_int64(conversation, scope->conversation.id, NULL), &found);

	if (!found)
		hit->state = parley_scope_has_conversation(scope, conversation) ? HIT_OPEN : HIT_OUTSIDE;
	if (hit->state == HIT_OUTSIDE || hit->state == HIT_NAMED || has_no_message)
		return hit;
	if (naming == NAMING_KNOWN || (naming == NAMING_ASKED && parley_scope_conversation_is_named(scope, conversation)))
	{
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

	if (hit == NULL && !hits->is_closed && parley_lookup_one(by_id, conversation_id))
		hit = parley_hits_meet_row(hits, by_id->slot, naming);
	return hit == NULL || hit->state == HIT_OUTSIDE ? NULL : hit;
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
