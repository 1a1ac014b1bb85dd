/*
 * search_messages.c: the conversations in which a message has the term. See search.h.
 *
 * Three paths. A walk passes the messages from the newest on, which ends soon where the term is very frequent. The
 * index of grams names the messages that may have the term, and search_runs.c visits as few of them as will do. A user
 * with few messages has them all read.
 */
#include "postgres.h"

#include <math.h>

#include "access/relation.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "search/search.h"
#include "statement.h"

/* Matches that have to be seen for each conversation wanted: some are in conversations met already. */
#define MATCHES_PER_CONVERSATION 2

/* Where nothing is known of how frequent a term is, so many messages are passed for each conversation wanted. */
#define WALKED_PER_CONVERSATION 20

/* The index names whole runs of blocks, so at least about so many messages are among those it chooses from. */
#define ROWS_OF_A_RUN 1500

/* So many messages are read at least to learn what conversations have shown before a cursor. */
#define ASKING_BUDGET_MIN 10000

/* So many messages of a user are read without asking further. */
#define FEW_MESSAGES 100

const IndexForm parley_messages_grams = { "messages_grams", GIN_AM_OID, { "content" } };

/* Whether the index can name the messages with the term, and about how many they are. */
static bool
is_estimated(const StreamPlan *plan)
{
	return plan->clues.count > 0 && plan->clues.rows >= 0;
}

/* What a walk and the index would cost if `wanted` conversations had to be found. */
static void
plan_weigh(StreamPlan *plan, double wanted)
{
	double matches = Max(plan->clues.rows, 1.0);
	double to_see = MATCHES_PER_CONVERSATION * wanted;
	double index_cost;

	if (!is_estimated(plan))
	{
		plan->walk_rows = plan->clues.count == 0
							  ? plan->rows
							  : Max(parley_search_walk_budget, Min(WALKED_PER_CONVERSATION * wanted, plan->rows / 20));
		plan->prefers_walk = true;
		plan->cost = plan->walk_rows * COST_MESSAGE_WALKED;
		return;
	}
	plan->walk_rows = Min(plan->rows, to_see * plan->rows / matches);
	plan->cost = plan->walk_rows * COST_MESSAGE_WALKED;
	to_see = Max(to_see, ROWS_OF_A_RUN * matches / plan->rows);
	index_cost = COST_INDEX_BEGIN + Min(matches, to_see) * COST_MESSAGE_VISITED;
	plan->prefers_walk = plan->cost < index_cost;
	plan->cost = Min(plan->cost, index_cost);
}

StreamPlan
parley_search_plan_messages(Search *search)
{
	StreamPlan plan = { .rows = parley_table_rows(search->messages) };
	double wanted = (double) search->hits.wanted;

	plan.index = parley_index_open(search->messages, &parley_messages_grams, true);
	plan.clues = parley_gram_index_choose(plan.index, 1, 1, &search->matcher.term, plan.rows, search->snapshot);
	search->message_trace.estimate = plan.clues.rows;
	/* A user's messages are met only as often as they are among all. */
	if (search->is_closed)
		wanted *= plan.rows / Max((double) search->closed_messages, 1.0);
	plan_weigh(&plan, Min(wanted, plan.rows));
	return plan;
}

/*
 * A message with the term: its conversation's hit if it is the newest match so far; answers whether it is one that is
 * wanted. One before the cursor tells that its conversation has been shown, of whatever kind it is.
 */
static bool
message_hits(Search *search, int64 conversation_id, TimestampTz at, int64 number)
{
	Hit *hit;
	bool found;

	if (parley_search_has_cursor(search) && !parley_hits_asks_for(&search->hits, (Position){ at, conversation_id }))
	{
		parley_hits_enter(&search->hits, conversation_id, &found)->state = HIT_OUTSIDE;
		return false;
	}
	hit = parley_search_meet(search, conversation_id);
	if (hit == NULL)
		return false;
	if (search->resumes && hit->state == HIT_OPEN && parley_search_was_shown(search, conversation_id))
		hit->state = HIT_OUTSIDE;
	if (hit->state == HIT_OUTSIDE)
		return false;
	if (hit->state == HIT_OPEN ||
		(hit->state == HIT_MESSAGE && (at > hit->at || (at == hit->at && number > hit->number))))
	{
		hit->state = HIT_MESSAGE;
		hit->at = at;
		hit->number = number;
	}
	return parley_hits_asks_for(&search->hits, (Position){ hit->at, conversation_id });
}

/* Whether a message cannot change anything, which is known without looking at its content. */
static bool
message_is_idle(const Search *search, const Hit *hit, TimestampTz at, int64 conversation_id, int64 number)
{
	if (search->resumes && !parley_hits_asks_for(&search->hits, (Position){ at, conversation_id }))
		return true;
	if (hit == NULL)
		return search->is_closed;
	return hit->state == HIT_OUTSIDE || hit->state == HIT_NAMED ||
		   (hit->state == HIT_MESSAGE && (at < hit->at || (at == hit->at && number <= hit->number)));
}

bool
parley_message_has_term(Search *search, TupleTableSlot *message)
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
	if (at >= search->oldest_wanted &&
		!message_is_idle(search, parley_hits_find(&search->hits, conversation_id), at, conversation_id, number) &&
		parley_message_has_term(search, slot))
		message_hits(search, conversation_id, at, number);
}

/* Passes messages from the newest on; false where the budget was spent before all that is wanted was found. */
static bool
walk_on(Search *search, const Lookup *newest, double budget)
{
	Countdown countdown = parley_countdown_start(&search->hits);
	Position here;
	int64 number;

	while (parley_newest_next(newest, &here, &number) != NULL)
	{
		Hit *hit;

		CHECK_FOR_INTERRUPTS();
		if (parley_countdown_is_over(&countdown, here))
			return true;
		if (search->message_trace.walked >= budget || search->asking_budget < 0)
			return false;
		search->message_trace.walked++;
		hit = parley_hits_find(&search->hits, here.conversation_id);
		if (message_is_idle(search, hit, here.at, here.conversation_id, number) ||
			!index_fetch_heap(newest->scan, newest->slot) || !parley_message_has_term(search, newest->slot))
			continue;
		if (message_hits(search, here.conversation_id, here.at, number))
			countdown.met++;
	}
	return true;
}

static bool
messages_walk(Search *search, double budget)
{
	Lookup newest;
	bool is_complete;

	parley_newest_open(search, search->resumes, &newest);
	search->message_trace.walked = 0;
	is_complete = walk_on(search, &newest, budget);
	parley_lookup_close(&newest);
	return is_complete;
}

/* $1: conversations; $2: the term. The newest match of each. */
static Statement newest_matches = {
	"SELECT DISTINCT ON (conversation_id) conversation_id, number, created_at FROM parley.messages"
	" WHERE conversation_id = ANY ($1) AND parley.contains(content::text, $2)"
	" ORDER BY conversation_id, created_at DESC, number DESC",
	{ INT8ARRAYOID, TEXTOID }
};

/* The conversations met that are not hits yet. */
static Datum
open_conversations(const Search *search)
{
	Datum *ids = palloc(sizeof(Datum) * (hash_get_num_entries(search->hits.table) + 1));
	HASH_SEQ_STATUS each;
	int count = 0;

	hash_seq_init(&each, search->hits.table);
	for (Hit *hit; (hit = hash_seq_search(&each)) != NULL;)
		if (hit->state == HIT_OPEN)
			ids[count++] = Int64GetDatum(hit->conversation_id);
	return parley_int64_array(ids, count);
}

/* Reads all their messages, as few as they are. */
static void
messages_of_conversations(Search *search)
{
	Datum values[] = { open_conversations(search), PointerGetDatum(search->term) };
	uint64 found = parley_statement_run(&newest_matches, values, NULL, true, 0);

	for (uint64 row = 0; row < found; row++)
		message_hits(search, DatumGetInt64(parley_statement_value(row, 1, NULL)),
					 DatumGetTimestampTz(parley_statement_value(row, 3, NULL)),
					 DatumGetInt64(parley_statement_value(row, 2, NULL)));
	search->message_trace.visited += search->closed_messages;
}

/* How far a walk may go before it is given up for the index: a term that is frequent over all may not have been used
 * of late. */
static double
walk_budget(const StreamPlan *plan)
{
	if (plan->clues.count == 0 || parley_search_method == SEARCH_BY_WALK)
		return HUGE_VAL;
	return is_estimated(plan) ? 3 * plan->walk_rows + COST_INDEX_BEGIN : plan->walk_rows;
}

/* Whether to read all messages of a user's conversations: where the index would name more, or cannot tell. */
static bool
reads_conversations(const Search *search, const StreamPlan *plan)
{
	double named = is_estimated(plan) ? plan->clues.rows : parley_search_walk_budget;

	return search->is_closed && parley_search_method == SEARCH_AUTO &&
		   search->closed_messages <= Max(named, FEW_MESSAGES);
}

/*
 * After a cursor all that is newer has been shown. Either that is found again, which is less work near the top and
 * where the term was not used of late; or messages are read from the cursor on, and each conversation met is asked what
 * it has that is newer, a message after another until one matches, so for a page about as many as a walk passes. The
 * first is tried until as many messages have been visited as the second is likely to read: where they are before the
 * cursor that takes no longer, since their conversations need not be looked up. Then what it found after the cursor
 * counts for nothing.
 */
static bool
replays_to_cursor(Search *search, StreamPlan *plan)
{
	bool is_complete;

	if (parley_search_method != SEARCH_AUTO || !is_estimated(plan))
		return false;
	if (plan->prefers_walk)
		is_complete = messages_walk(search, plan->walk_rows);
	else
		is_complete = parley_runs_visit(search, plan, plan->walk_rows, message_visit);
	if (!is_complete)
		parley_hits_reopen(&search->hits);
	return is_complete;
}

/* Walks or asks the index, and says which. */
static const char *
messages_find(Search *search, StreamPlan *plan)
{
	const char *path = "index";

	if (parley_search_method == SEARCH_BY_WALK || plan->clues.count == 0 ||
		(parley_search_method == SEARCH_AUTO && plan->prefers_walk))
	{
		if (messages_walk(search, walk_budget(plan)) || search->asking_budget < 0)
			return "walk";
		if (search->is_closed && !is_estimated(plan))
		{
			search->resumes = false;
			messages_of_conversations(search);
			return "walk, conversations";
		}
		path = "walk, index";
	}
	parley_runs_visit(search, plan, HUGE_VAL, message_visit);
	return path;
}

/* The same from the cursor on, as long as asking conversations takes not many times what is likely. */
static const char *
messages_resume(Search *search, StreamPlan *plan)
{
	const char *path;

	search->resumes = true;
	search->asking_budget = (int64) Max(2 * plan->walk_rows, ASKING_BUDGET_MIN);
	path = messages_find(search, plan);
	search->resumes = false;
	if (search->asking_budget >= 0)
		return path;
	search->asking_budget = 0;
	parley_hits_reopen(&search->hits);
	return messages_find(search, plan);
}

static const char *
messages_run(Search *search, StreamPlan *plan)
{
	if (reads_conversations(search, plan))
	{
		messages_of_conversations(search);
		return "conversations";
	}
	if (!parley_search_has_cursor(search))
		return messages_find(search, plan);
	if (replays_to_cursor(search, plan))
		return plan->prefers_walk ? "walk" : "index";
	return messages_resume(search, plan);
}

void
parley_search_messages(Search *search, StreamPlan *plan)
{
	instr_time began = parley_trace_begin();
	Position last;

	search->message_trace.path = messages_run(search, plan);
	if (parley_hits_last_wanted(&search->hits, DT_NOBEGIN, &last))
		search->newer_messages = Max(plan->walk_rows, (double) search->message_trace.walked);
	parley_trace_end(&search->message_trace, began);
	if (plan->index != NULL)
		relation_close(plan->index, NoLock);
}
