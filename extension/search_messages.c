/*
 * search_messages.c: the conversations in which a message has the term. See search.h.
 *
 * Three paths. A walk passes the messages from the newest on, which ends soon where the term is frequent. The index of
 * grams names the messages that may have the term, which are few where it is rare; they are visited from the end of the
 * table, where the newest are, until no run of blocks that is left can hold a newer one than is wanted. A user with few
 * messages has them all read.
 */
#include "postgres.h"

#include <math.h>

#include "access/relation.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/bufmgr.h"
#include "utils/timestamp.h"

#include "block_times.h"
#include "search.h"

/* Where another stream has found all that is wanted, so many messages are passed before any index is asked. */
#define PROBE_ROWS 2000

/* So many messages of a user are read without asking further. */
#define FEW_MESSAGES 100

/* Candidates visited before it is worth knowing what block times can spare. */
#define CANDIDATES_BATCH 1000

StreamPlan
parley_search_plan_messages(Search *search)
{
	StreamPlan plan = { .rows = parley_table_rows(search->messages) };
	double wanted = Min((double) search->hits.wanted, plan.rows);

	plan.index = parley_relation_open("messages_grams");
	plan.clues = parley_gram_index_choose(plan.index, 1, &search->matcher.term, plan.rows, search->snapshot);
	search->message_trace.estimate = plan.clues.rows;
	if (plan.clues.is_vague || plan.clues.count == 0)
	{
		plan.walk_rows = parley_search_walk_budget;
		plan.prefers_walk = true;
		return plan;
	}
	plan.walk_rows = Min(plan.rows, 2 * wanted * plan.rows / Max(plan.clues.rows, 1.0));
	plan.prefers_walk = plan.walk_rows * COST_MESSAGE_WALKED < plan.clues.rows * COST_MESSAGE_VISITED;
	return plan;
}

/* The message becomes its conversation's hit if it is the newest match so far; answers whether it is one that is
 * wanted. */
static bool
message_hits(Search *search, Hit *hit, TimestampTz at, int64 number)
{
	if (hit == NULL)
		return false;
	if (hit->state == HIT_OPEN ||
		(hit->state == HIT_MESSAGE && (at > hit->at || (at == hit->at && number > hit->number))))
	{
		hit->state = HIT_MESSAGE;
		hit->at = at;
		hit->number = number;
	}
	return parley_hits_asks_for(&search->hits, (Position){ hit->at, hit->conversation_id });
}

/* Whether a message cannot change anything, which is known without looking at its content. */
static bool
message_is_idle(const Search *search, const Hit *hit, TimestampTz at, int64 number)
{
	if (hit == NULL)
		return search->is_closed;
	return hit->state == HIT_OUTSIDE || hit->state == HIT_NAMED ||
		   (hit->state == HIT_MESSAGE && (at < hit->at || (at == hit->at && number <= hit->number)));
}

static bool
message_has_term(Search *search, TupleTableSlot *message)
{
	bool isnull;
	Datum content = slot_getattr(message, search->message.content, &isnull);

	return !isnull && parley_matcher_test(&search->matcher, content);
}

static void
message_visit(Search *search, TupleTableSlot *slot)
{
	int64 conversation_id = parley_slot_int64(slot, search->message.conversation_id, NULL);
	int64 number = parley_slot_int64(slot, search->message.number, NULL);
	TimestampTz at = parley_slot_int64(slot, search->message.created_at, NULL);

	search->message_trace.visited++;
	if (!message_is_idle(search, parley_hits_find(&search->hits, conversation_id), at, number) &&
		message_has_term(search, slot))
		message_hits(search, parley_search_meet(search, conversation_id), at, number);
}

/* One entry of messages_newest. */
static void
walk_entry_read(IndexScanDesc scan, Position *position, int64 *number)
{
	bool isnull;

	position->at = DatumGetTimestampTz(index_getattr(scan->xs_itup, 1, scan->xs_itupdesc, &isnull));
	position->conversation_id = DatumGetInt64(index_getattr(scan->xs_itup, 2, scan->xs_itupdesc, &isnull));
	*number = DatumGetInt64(index_getattr(scan->xs_itup, 3, scan->xs_itupdesc, &isnull));
}

/* Passes messages from the newest on; false where the budget was spent before all that is wanted was found. */
static bool
walk_on(Search *search, IndexScanDesc scan, TupleTableSlot *slot, double budget)
{
	Countdown countdown = parley_countdown_start(&search->hits);
	Position here;
	int64 number;

	while (index_getnext_tid(scan, ForwardScanDirection) != NULL)
	{
		Hit *hit;

		CHECK_FOR_INTERRUPTS();
		walk_entry_read(scan, &here, &number);
		if (parley_countdown_is_over(&countdown, here))
			return search->walk_found_all = true;
		if (search->message_trace.walked >= budget)
			return false;
		search->message_trace.walked++;
		hit = parley_hits_find(&search->hits, here.conversation_id);
		if (message_is_idle(search, hit, here.at, number) || !index_fetch_heap(scan, slot) ||
			!message_has_term(search, slot))
			continue;
		if (message_hits(search, parley_search_meet(search, here.conversation_id), here.at, number))
			countdown.met++;
	}
	return true;
}

static bool
messages_walk(Search *search, double budget)
{
	Relation index = parley_relation_open("messages_newest");
	IndexScanDesc scan = index_beginscan(search->messages, index, search->snapshot, 0, 0);
	TupleTableSlot *slot = table_slot_create(search->messages, NULL);
	bool is_complete;

	scan->xs_want_itup = true;
	index_rescan(scan, NULL, 0, NULL, 0);
	search->message_trace.walked = 0;
	is_complete = walk_on(search, scan, slot, budget);
	ExecDropSingleTupleTableSlot(slot);
	index_endscan(scan);
	relation_close(index, NoLock);
	return is_complete;
}

/* Moves to the front of rows those in runs of blocks that may hold a message as new as `at`; answers how many. */
static size_t
candidates_keep(ItemPointerData *rows, size_t count, const BlockTimes *times, TimestampTz at, ItemPointerData *spared,
				size_t *spared_count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (parley_block_newest(times, ItemPointerGetBlockNumber(&rows[i])) >= at)
			rows[kept++] = rows[i];
		else
			spared[(*spared_count)++] = rows[i];
	return kept;
}

/*
 * Visits candidates from the last on until as many as are wanted are found, then only where a newer message may be. The
 * last place wanted moves back when a conversation turns out to be newer than the first place asked for; hence the
 * rounds.
 */
static void
candidates_visit(Search *search, Candidates *candidates)
{
	ItemPointerData *rows = candidates->rows;
	size_t left = candidates->count;
	Relation index = parley_relation_open("messages_block_times");
	BlockTimes times = parley_block_times_read(index, RelationGetNumberOfBlocks(search->messages), search->snapshot);
	Position last;

	relation_close(index, NoLock);
	while (left > 0 && !parley_hits_last_wanted(&search->hits, &last))
	{
		size_t batch = Min(left, CANDIDATES_BATCH);

		left -= batch;
		parley_search_visit(search, search->messages, rows + left, batch, message_visit);
	}
	while (left > 0)
	{
		ItemPointerData *spared = MemoryContextAllocHuge(CurrentMemoryContext, left * sizeof(ItemPointerData));
		TimestampTz oldest = parley_hits_last_wanted(&search->hits, &last) ? last.at : DT_NOBEGIN;
		size_t spared_count = 0;
		size_t kept = candidates_keep(rows, left, &times, oldest, spared, &spared_count);

		parley_search_visit(search, search->messages, rows, kept, message_visit);
		left = kept == 0 ? 0 : spared_count;
		rows = spared;
	}
}

static void
messages_by_index(Search *search, StreamPlan *plan)
{
	Candidates candidates = parley_gram_index_ask(plan->index, 1, &plan->clues, search->snapshot);

	search->message_trace.candidates = candidates.count;
	if (candidates.count <= CANDIDATES_BATCH)
		parley_search_visit(search, search->messages, candidates.rows, candidates.count, message_visit);
	else
		candidates_visit(search, &candidates);
}

/* Reads all messages of the conversations met that are not hits yet. */
static void
messages_of_conversations(Search *search)
{
	Lookup messages;
	HASH_SEQ_STATUS each;

	parley_lookup_open(&messages, search->messages, "messages_pkey", 1, search->snapshot);
	hash_seq_init(&each, search->hits.table);
	for (Hit *hit; (hit = hash_seq_search(&each)) != NULL;)
	{
		if (hit->state != HIT_OPEN)
			continue;
		parley_lookup_start(&messages, &hit->conversation_id);
		while (parley_lookup_next(&messages))
			message_visit(search, messages.slot);
	}
	parley_lookup_close(&messages);
}

/*
 * How far a walk may go before it is given up for the index: twice as far as is likely; and as long as it has cost a
 * quarter of what the index will, since a term that is frequent over all may not have been used of late.
 */
static double
walk_budget(const StreamPlan *plan)
{
	double likely = Min(Max(2 * plan->walk_rows, PROBE_ROWS), Max(parley_search_walk_budget, plan->walk_rows));
	double quarter = plan->clues.rows * COST_MESSAGE_VISITED / COST_MESSAGE_WALKED / 4;

	if (plan->clues.count == 0 || parley_search_method == SEARCH_BY_WALK)
		return HUGE_VAL;
	if (plan->clues.is_vague)
		return parley_search_walk_budget;
	return Max(likely, quarter);
}

/* Whether to read all messages of a user's conversations: where the index would name more, or cannot tell. */
static bool
reads_conversations(const Search *search, const StreamPlan *plan)
{
	double named = plan->clues.is_vague || plan->clues.count == 0 ? parley_search_walk_budget : plan->clues.rows;

	return search->is_closed && parley_search_method == SEARCH_AUTO &&
		   search->closed_messages <= Max(named, FEW_MESSAGES);
}

/* A walk meets a user's messages only as often as they are among all. */
static void
plan_for_user(const Search *search, StreamPlan *plan)
{
	if (plan->clues.is_vague || plan->clues.count == 0)
		return;
	plan->walk_rows = Min(plan->rows, plan->walk_rows * plan->rows / Max((double) search->closed_messages, 1.0));
	plan->prefers_walk = plan->walk_rows * COST_MESSAGE_WALKED < plan->clues.rows * COST_MESSAGE_VISITED;
}

static const char *
messages_run(Search *search, StreamPlan *plan)
{
	Position last;

	if (reads_conversations(search, plan))
	{
		messages_of_conversations(search);
		return "conversations";
	}
	if (search->is_closed)
		plan_for_user(search, plan);
	if (parley_search_method == SEARCH_BY_WALK || plan->clues.count == 0 ||
		(parley_search_method == SEARCH_AUTO && plan->prefers_walk))
	{
		if (messages_walk(search, walk_budget(plan)))
			return "walk";
		if (search->is_closed && plan->clues.is_vague)
		{
			messages_of_conversations(search);
			return "walk, conversations";
		}
	}
	else if (parley_search_method == SEARCH_AUTO && parley_hits_last_wanted(&search->hits, &last) &&
			 messages_walk(search, PROBE_ROWS))
		return "walk";
	messages_by_index(search, plan);
	return search->message_trace.walked > 0 ? "walk, index" : "index";
}

void
parley_search_messages(Search *search, StreamPlan *plan)
{
	instr_time began, took;

	INSTR_TIME_SET_CURRENT(began);
	search->message_trace.path = messages_run(search, plan);
	INSTR_TIME_SET_CURRENT(took);
	INSTR_TIME_SUBTRACT(took, began);
	search->message_trace.milliseconds = INSTR_TIME_GET_MILLISEC(took);
	relation_close(plan->index, NoLock);
}
