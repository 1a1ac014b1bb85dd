/*
 * search_chat.c: the messages of one conversation that have a term.
 *
 * Reads only. The conversation is walked from its end for as long as that is cheaper than the index of grams, which
 * names the messages of all conversations that may have the term; so what it costs is bounded by the smaller of the
 * two: how long the conversation is, and how many messages have the term.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/relation.h"
#include "access/tableam.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "search/search.h"

PG_FUNCTION_INFO_V1(parley_search_conversation);

typedef struct ConversationSearch
{
	Search search; /* first, so that a visitor of its candidates finds the rest */
	int64 conversation_id;
	int64 before; /* only numbers below this */
	int64 wanted; /* how many of these, the greatest first */
	int64 *numbers;
	size_t count, room;
} ConversationSearch;

static void
message_look(Search *search, TupleTableSlot *message)
{
	ConversationSearch *of = (ConversationSearch *) search;
	int64 number = parley_slot_int64(message, search->message.number, NULL);

	if (parley_slot_int64(message, search->message.conversation_id, NULL) != of->conversation_id ||
		number >= of->before || !parley_message_has_term(search, message))
		return;
	if (of->count == of->room)
	{
		of->room = 2 * of->room + 64;
		of->numbers = repalloc_huge(of->numbers, of->room * sizeof(int64));
	}
	of->numbers[of->count++] = number;
}

/* Passes the conversation from its end; false where the budget was spent before as many as are wanted were found. */
static bool
conversation_walk(ConversationSearch *of, double budget)
{
	Search *search = &of->search;
	Lookup messages;
	ScanKeyData keys[2];
	double walked = 0;

	parley_lookup_open(&messages, search->messages, &parley_messages_key, 2, search->snapshot);
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(of->conversation_id));
	ScanKeyInit(&keys[1], 2, BTLessStrategyNumber, F_INT8LT, Int64GetDatum(of->before));
	parley_lookup_start_scan(&messages, keys);
	while ((int64) of->count < of->wanted && walked < budget && parley_lookup_previous(&messages))
	{
		CHECK_FOR_INTERRUPTS();
		walked++;
		message_look(search, messages.slot);
	}
	parley_lookup_close(&messages);
	return (int64) of->count >= of->wanted || walked < budget;
}

static void
conversation_by_index(ConversationSearch *of, Relation index, const ClueSet *clues)
{
	CandidateVisit visit = parley_search_visit_begin(&of->search, of->search.messages, message_look);
	Rows all =
		parley_gram_index_ask(index, 1, clues, RelationGetNumberOfBlocks(of->search.messages), of->search.snapshot);

	of->count = 0;
	parley_search_visit(&visit, all.rows, all.count);
	parley_search_visit_end(&visit);
}

static int
number_compare_descending(const void *a, const void *b)
{
	int64 left = *(const int64 *) a;
	int64 right = *(const int64 *) b;

	return left > right ? -1 : left < right;
}

static void
conversation_search(ConversationSearch *of)
{
	Search *search = &of->search;
	Relation index = parley_index_open(search->messages, &parley_messages_grams, true);
	ClueSet clues = parley_gram_index_choose(index, 1, 1, &search->matcher.term, parley_table_rows(search->messages),
											 search->snapshot);
	double budget = HUGE_VAL;

	if (clues.count > 0 && clues.rows >= 0 && parley_search_method != SEARCH_BY_WALK)
		budget = (COST_INDEX_BEGIN + clues.rows * COST_MESSAGE_VISITED) / COST_MESSAGE_WALKED;
	if (clues.count > 0 && parley_search_method == SEARCH_BY_INDEX)
		budget = 0;
	if (!conversation_walk(of, budget))
		conversation_by_index(of, index, &clues);
	if (index != NULL)
		relation_close(index, NoLock);
	qsort(of->numbers, of->count, sizeof(int64), number_compare_descending);
	of->count = Min(of->count, (size_t) of->wanted);
}

Datum
parley_search_conversation(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *answer = (ReturnSetInfo *) fcinfo->resultinfo;
	ConversationSearch of = { .conversation_id = PG_GETARG_INT64(0),
							  .before = PG_GETARG_INT64(2),
							  .wanted = PG_GETARG_INT32(3) };

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	of.numbers = palloc(sizeof(int64));
	of.room = 1;
	parley_search_open(&of.search, PG_GETARG_TEXT_PP(1), NULL, (Position){ DT_NOEND, PG_INT64_MAX }, of.wanted);
	conversation_search(&of);
	parley_search_close(&of.search);
	for (size_t i = 0; i < of.count; i++)
		tuplestore_putvalues(answer->setResult, answer->setDesc, (Datum[]){ Int64GetDatum(of.numbers[i]) },
							 (bool[]){ false });
	return (Datum) 0;
}
