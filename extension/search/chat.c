/*
 * chat.c: finds the messages of one conversation that contain a term.
 *
 * This only reads. The conversation is walked from its end as long as that is cheaper than the index of grams, which
 * returns the candidates of all conversations. So the cost is bounded by the length of the conversation or by the
 * number of messages with the term, whichever is less.
 */
#include "postgres.h"

#include <math.h>

#include "access/relation.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"

#include "index/gram_index.h"
#include "search/scope.h"
#include "search/settings.h"
#include "search/visit.h"

PG_FUNCTION_INFO_V1(parley_search_conversation);
/* The symbol of version 1.1. A library of version 1.0 does not have it, because it searches in one direction only. */
PG_FUNCTION_INFO_V1(parley_search_conversation_1_1);

typedef struct ConversationSearch
{
	Scope scope;
	int64 conversation_id;
	bool ascending;
	int64 beyond; /* only numbers less than this, or greater if ascending */
	int64 wanted; /* how many of these, the nearest to it first */
	int64 *numbers;
	size_t count, room;
} ConversationSearch;

static bool
on_message(void *visitor_state, TupleTableSlot *message)
{
	ConversationSearch *search = visitor_state;
	Scope *scope = &search->scope;
	int64 number = parley_slot_int64(message, scope->message.number, NULL);

	if (parley_slot_int64(message, scope->message.conversation_id, NULL) != search->conversation_id ||
		(search->ascending ? number <= search->beyond : number >= search->beyond) ||
		!parley_scope_message_matches(scope, message, false))
		return true;
	if (search->count == search->room)
	{
		search->room = 2 * search->room + 64;
		search->numbers = repalloc_huge(search->numbers, search->room * sizeof(int64));
	}
	search->numbers[search->count++] = number;
	return true;
}

/* Scans the conversation backwards from `beyond`, or forwards if ascending. Returns false if the budget ran out before
 * as many as are wanted were found. */
static bool
conversation_walk(ConversationSearch *search, double budget)
{
	Scope *scope = &search->scope;
	Lookup messages;
	ScanKeyData keys[2];
	double walked = 0;

	parley_lookup_open(&messages, scope->messages, &parley_messages_key, 2, scope->snapshot);
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(search->conversation_id));
	ScanKeyInit(&keys[1], 2, search->ascending ? BTGreaterStrategyNumber : BTLessStrategyNumber,
				search->ascending ? F_INT8GT : F_INT8LT, Int64GetDatum(search->beyond));
	parley_lookup_start_scan(&messages, keys);
	while ((int64) search->count < search->wanted && walked < budget &&
		   (search->ascending ? parley_lookup_next(&messages) : parley_lookup_previous(&messages)))
	{
		CHECK_FOR_INTERRUPTS();
		walked++;
		on_message(search, messages.slot);
	}
	parley_lookup_close(&messages);
	return (int64) search->count >= search->wanted || walked < budget;
}

static void
conversation_ask(ConversationSearch *search, Relation index, const ClueSet *clues)
{
	Scope *scope = &search->scope;
	Rows all = parley_gram_index_ask(index, 1, clues, RelationGetNumberOfBlocks(scope->messages), scope->snapshot);
	Visit visit = parley_visit_begin(scope->messages, scope->snapshot, on_message, search);

	search->count = 0;
	parley_visit_rows(&visit, all.rows, all.count);
	parley_visit_end(&visit);
}

static int
number_compare_ascending(const void *a, const void *b)
{
	int64 left = *(const int64 *) a;
	int64 right = *(const int64 *) b;

	return left < right ? -1 : left > right;
}

static int
number_compare_descending(const void *a, const void *b)
{
	return number_compare_ascending(b, a);
}

static void
conversation_search(ConversationSearch *search)
{
	Scope *scope = &search->scope;
	Relation index = parley_index_open(scope->messages, &parley_messages_grams, true);
	ClueSet clues = parley_gram_index_choose(index, 1, 1, &scope->matcher.term, parley_table_rows(scope->messages),
											 scope->snapshot);
	double budget = HUGE_VAL;

	if (clues.count > 0 && clues.rows >= 0 && parley_search_method != SEARCH_BY_WALK)
		budget = (COST_INDEX_BEGIN + clues.rows * COST_MESSAGE_VISITED) / COST_MESSAGE_WALKED;
	if (clues.count > 0 && parley_search_method == SEARCH_BY_INDEX)
		budget = 0;
	if (!conversation_walk(search, budget))
		conversation_ask(search, index, &clues);
	if (index != NULL)
		relation_close(index, NoLock);
	qsort(search->numbers, search->count, sizeof(int64),
		  search->ascending ? number_compare_ascending : number_compare_descending);
	search->count = Min(search->count, (size_t) search->wanted);
}

Datum
parley_search_conversation(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Filter filter = FILTER_NONE;
	ConversationSearch search = { .conversation_id = PG_GETARG_INT64(0),
								  .beyond = PG_GETARG_INT64(2),
								  .wanted = PG_GETARG_INT32(3),
								  .ascending = PG_NARGS() > 4 && PG_GETARG_BOOL(4),
								  .numbers = palloc(sizeof(int64)),
								  .room = 1 };

	filter.term = PG_GETARG_TEXT_PP(1);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	parley_scope_open(&search.scope, &filter, (Position){ DT_NOEND, PG_INT64_MAX }, search.wanted);
	conversation_search(&search);
	parley_scope_close(&search.scope);
	for (size_t i = 0; i < search.count; i++)
		tuplestore_putvalues(result->setResult, result->setDesc, (Datum[]){ Int64GetDatum(search.numbers[i]) },
							 (bool[]){ false });
	return (Datum) 0;
}

Datum
parley_search_conversation_1_1(PG_FUNCTION_ARGS)
{
	return parley_search_conversation(fcinfo);
}
