/*
 * message_stream.c: see message_stream.h.
 */
#include "postgres.h"

#include <math.h>

#include "access/relation.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/timestamp.h"

#include "search/message_stream.h"
#include "search/newest.h"
#include "search/settings.h"

/* How many matches have to be seen per conversation wanted, because some are in conversations that were met already. */
#define MATCHES_PER_CONVERSATION 2

/* If we do not know how frequent a term is, a walk visits this many messages per conversation wanted. */
#define WALKED_PER_CONVERSATION 20

/* The index returns whole runs of blocks, so there are at least about this many messages among which it chooses. */
#define ROWS_OF_A_RUN 1500

/* To learn which conversations were shown before a cursor, at least this many messages may be read. */
#define ASKING_BUDGET_MIN 10000

/* If a user has at most this many messages, they are read without further estimates. */
#define FEW_MESSAGES 100

/* Returns whether the index can find the messages with the term and estimate their number. */
static bool
stream_is_estimated(const MessageStream *stream)
{
	return stream->clues.count > 0 && stream->clues.rows >= 0;
}

/* Returns the cost of a message, of which those of other conversations cost less if all of the list's are known. */
static double
stream_cost(const MessageStream *stream, double listed, double past)
{
	double share = stream->hits->is_closed ? Min(parley_hits_share(stream->hits, stream->table_rows), 1.0) : 1.0;

	return share * listed + (1.0 - share) * past;
}

/* Estimates the costs of a walk and of the index if `wanted` conversations have to be found. */
static void
stream_weigh(MessageStream *stream, double wanted)
{
	double matches = Max(stream->clues.rows, 1.0);
	double to_see = MATCHES_PER_CONVERSATION * wanted;
	double index_cost, rows_cost;

	if (!stream_is_estimated(stream))
	{
		stream->walk_rows =
			stream->clues.count == 0
				? stream->table_rows
				: Max(parley_search_walk_budget, Min(WALKED_PER_CONVERSATION * wanted, stream->table_rows / 20));
		stream->prefers_walk = true;
		stream->cost = stream->walk_rows * COST_MESSAGE_WALKED;
		return;
	}
	stream->walk_rows = Min(stream->table_rows, to_see * stream->table_rows / matches);
	stream->cost = stream->walk_rows * stream_cost(stream, COST_MESSAGE_WALKED, COST_WALKED_PAST);
	to_see = Max(to_see, ROWS_OF_A_RUN * matches / stream->table_rows);
	index_cost = COST_INDEX_BEGIN + Min(matches, to_see) * stream_cost(stream, COST_MESSAGE_VISITED, COST_VISITED_PAST);
	rows_cost = COST_INDEX_BEGIN + hash_get_num_entries(stream->hits->table) * COST_CONVERSATION_LISTED +
				(stream->hits->message_count + matches) * COST_ROW_LISTED +
				parley_hits_share(stream->hits, stream->table_rows) * matches * COST_MESSAGE_VISITED;
	stream->prefers_rows = stream->hits->is_closed && rows_cost < index_cost;
	if (stream->prefers_rows)
		index_cost = rows_cost;
	stream->prefers_walk = stream->cost < index_cost;
	stream->cost = Min(stream->cost, index_cost);
}

void
parley_message_stream_plan(MessageStream *stream, Hits *hits)
{
	Scope *scope = hits->scope;

	*stream = (MessageStream){ .scope = scope, .hits = hits, .table_rows = parley_table_rows(scope->messages) };
	if (scope->filter.term != NULL)
	{
		stream->index = parley_index_open(scope->messages, &parley_messages_grams, true);
		stream->clues =
			parley_gram_index_choose(stream->index, 1, 1, &scope->matcher.term, stream->table_rows, scope->snapshot);
	}
	stream->trace.estimate = stream->clues.rows;
	stream->share = parley_runs_share(scope);
	stream->clues.rows *= stream->share;
	stream->table_rows *= stream->share;
	/* A walk meets messages of the list only as often as they occur among all messages. */
	stream_weigh(stream, Min((double) scope->wanted / parley_hits_share(hits, stream->table_rows), stream->table_rows));
}

static bool
stream_narrows(const MessageStream *stream)
{
	return parley_filter_narrows(&stream->scope->filter);
}

/*
 * Returns whether an earlier page has shown the conversation, because it has a match that is not after the cursor.
 * Reads its messages from the end, as far as they may be newer than the cursor and as the budget allows.
 */
static bool
stream_was_shown(MessageStream *stream, int64 conversation_id, bool is_named)
{
	Scope *scope = stream->scope;
	TupleTableSlot *conversation = scope->conversation_by_id.slot;
	TupleTableSlot *message = scope->messages_of.slot;
	Position newest = { .conversation_id = conversation_id };
	bool has_no_message, isnull, is_dated_in_order;

	if (!parley_lookup_one(&scope->conversation_by_id, conversation_id))
		return false;
	newest.at = parley_slot_int64(conversation, scope->conversation.last_message_at, &has_no_message);
	if (has_no_message || parley_scope_asks_for(scope, newest))
		return false;
	is_dated_in_order = DatumGetBool(slot_getattr(conversation, scope->conversation.is_dated_in_order, &isnull));
	parley_scope_read_back(scope, conversation);
	while (parley_lookup_previous(&scope->messages_of))
	{
		Position here = { parley_slot_int64(message, scope->message.created_at, NULL), conversation_id };

		CHECK_FOR_INTERRUPTS();
		stream->trace.visited++;
		if (--stream->asking_budget < 0)
			return false;
		if (slot_attisnull(message, scope->message.content))
			continue;
		if (!parley_scope_asks_for(scope, here))
		{
			if (parley_scope_message_matches(scope, message, is_named))
				return true;
		}
		else if (is_dated_in_order)
			return false;
	}
	return false;
}

/*
 * Handles a message that matches. It becomes its conversation's hit if it is the newest match so far. Returns whether
 * it is one that is wanted. A match before the cursor shows that its conversation was on an earlier page, whatever hit
 * it has.
 */
static bool
stream_enter(MessageStream *stream, Position here, int64 number)
{
	Hits *hits = stream->hits;
	Hit *hit;
	bool found;

	if (parley_scope_has_cursor(stream->scope) && !parley_scope_asks_for(stream->scope, here))
	{
		parley_hits_enter(hits, here.conversation_id, &found)->state = HIT_OUTSIDE;
		return false;
	}
	hit = parley_hits_meet(hits, here.conversation_id, stream->naming);
	if (hit == NULL)
		return false;
	if (stream->from_cursor && hit->state == HIT_OPEN &&
		stream_was_shown(stream, here.conversation_id, hit->is_named && stream_narrows(stream)))
		hit->state = HIT_OUTSIDE;
	if (hit->state == HIT_OUTSIDE)
		return false;
	if (hit->state == HIT_OPEN ||
		(hit->state == HIT_MESSAGE && (here.at > hit->at || (here.at == hit->at && number > hit->number))))
	{
		hit->state = HIT_MESSAGE;
		hit->at = here.at;
		hit->number = number;
	}
	return parley_scope_asks_for(stream->scope, (Position){ hit->at, here.conversation_id });
}

/* Looks at a message, and enters it if it matches. Returns whether it is one that is wanted. */
static bool
stream_look(MessageStream *stream, TupleTableSlot *message, Position here, int64 number)
{
	const Hit *hit = NULL;

	/* If the names in its conversation can make it match, check these first. */
	if (stream_narrows(stream))
	{
		hit = parley_hits_meet(stream->hits, here.conversation_id, stream->naming);
		if (hit == NULL)
			return false;
	}
	return parley_scope_message_matches(stream->scope, message, hit != NULL && hit->is_named) &&
		   stream_enter(stream, here, number);
}

/* Returns whether no message of the conversation can change anything. */
static bool
stream_may_pass(const MessageStream *stream, const Hit *hit)
{
	return hit == NULL ? stream->hits->is_closed : hit->state == HIT_OUTSIDE || hit->state == HIT_NAMED;
}

/* Returns whether we know without looking at a message's content that it cannot change anything. */
static bool
stream_may_skip(const MessageStream *stream, Position here, int64 number)
{
	const Hit *hit = parley_hits_find(stream->hits, here.conversation_id);

	if (stream->from_cursor && !parley_scope_asks_for(stream->scope, here))
		return true;
	return stream_may_pass(stream, hit) || (hit != NULL && hit->state == HIT_MESSAGE &&
											(here.at < hit->at || (here.at == hit->at && number <= hit->number)));
}

/* The visitor of the conversations of messages in runs. */
static bool
on_conversation(void *visitor_state, int64 conversation_id)
{
	const MessageStream *stream = visitor_state;

	return !stream_may_pass(stream, parley_hits_find(stream->hits, conversation_id));
}

/* The visitor of runs. Returns false if asking conversations has become too expensive. */
static bool
on_message(void *visitor_state, TupleTableSlot *message)
{
	MessageStream *stream = visitor_state;
	Scope *scope = stream->scope;
	Position here = { parley_slot_int64(message, scope->message.created_at, NULL),
					  parley_slot_int64(message, scope->message.conversation_id, NULL) };
	int64 number = parley_slot_int64(message, scope->message.number, NULL);

	stream->trace.visited++;
	if (here.at >= stream->runs.oldest_wanted && !stream_may_skip(stream, here, number))
		stream_look(stream, message, here, number);
	return stream->asking_budget >= 0;
}

/* Returns the candidates in the list's conversations, which are all known. */
static Rows
stream_rows(const MessageStream *stream)
{
	const Scope *scope = stream->scope;
	Rows all = parley_gram_index_ask(stream->index, 1, &stream->clues, RelationGetNumberOfBlocks(scope->messages),
									 scope->snapshot);
	RowSet set = parley_row_set(&all);

	return parley_hits_rows(stream->hits, &set);
}

static bool
stream_visit(MessageStream *stream, double visits_max)
{
	stream->runs = (Runs){ .hits = stream->hits,
						   .index = stream->index,
						   .clues = &stream->clues,
						   .visitor = on_message,
						   .key_visitor = on_conversation,
						   .visitor_state = stream,
						   .trace = &stream->trace,
						   .from_cursor = stream->from_cursor,
						   .visits_left = visits_max };
	if (stream->prefers_rows)
	{
		if (stream->rows.rows == NULL)
			stream->rows = stream_rows(stream);
		stream->runs.candidates = &stream->rows;
	}
	return parley_runs_visit(&stream->runs);
}

/* Walks messages newest first. Returns false if the budget ran out before the page was filled. */
static bool
stream_walk(MessageStream *stream, double budget)
{
	Scope *scope = stream->scope;
	Countdown countdown = parley_countdown_start(stream->hits);
	bool is_complete = false;
	Lookup newest;
	Position here;
	int64 number;

	parley_newest_open(scope, stream->from_cursor, &newest);
	stream->trace.walked = 0;
	while (!is_complete)
	{
		CHECK_FOR_INTERRUPTS();
		is_complete = parley_newest_next(&newest, &here, &number) == NULL || here.at < scope->filter.from ||
					  parley_countdown_is_over(&countdown, here);
		if (is_complete || stream->trace.walked >= budget || stream->asking_budget < 0)
			break;
		stream->trace.walked++;
		if (!stream_may_skip(stream, here, number) && index_fetch_heap(newest.scan, newest.slot) &&
			stream_look(stream, newest.slot, here, number))
			countdown.met++;
	}
	parley_lookup_close(&newest);
	return is_complete;
}

/* Reads the conversations that are not hits yet, or only those whose contact matches, to find their newest matches. */
static const char *
stream_read_conversations(MessageStream *stream, bool named_only)
{
	Lookup *by_id = &stream->scope->conversation_by_id;
	HASH_SEQ_STATUS each;

	hash_seq_init(&each, stream->hits->table);
	for (Hit *hit; (hit = hash_seq_search(&each)) != NULL;)
		if ((hit->state == HIT_OPEN || hit->state == HIT_CHOSEN) && !hit->is_placed && (hit->is_named || !named_only) &&
			parley_lookup_one(by_id, hit->conversation_id))
		{
			parley_hits_meet_row(stream->hits, by_id->slot, NAMING_LATER);
			stream->trace.visited += parley_hits_place(stream->hits, hit, by_id->slot);
		}
	return "conversations";
}

/* Returns whether to read the conversations of the list one by one. They must all be known, and reading each of them up
 * to its expected match must cost less than the other paths. */
static bool
stream_prefers_conversations(const MessageStream *stream)
{
	const Hits *hits = stream->hits;
	double conversations = hash_get_num_entries(hits->table);
	double messages = hits->message_count;

	if (!hits->is_closed || parley_search_method != SEARCH_AUTO)
		return hits->is_closed && stream->scope->filter.term == NULL;
	if (stream_is_estimated(stream))
		messages = Min(messages, conversations * stream->table_rows / Max(stream->clues.rows, 1));
	return hits->message_count <= FEW_MESSAGES ||
		   conversations * COST_CONVERSATION_READ + messages * COST_MESSAGE_VISITED <= stream->cost;
}

/* Returns how far a walk may go before we switch to the index: a term that is frequent overall may not have been used
 * recently. */
static double
stream_walk_budget(const MessageStream *stream)
{
	if (stream->clues.count == 0 || parley_search_method == SEARCH_BY_WALK || stream->must_walk)
		return HUGE_VAL;
	return stream_is_estimated(stream) ? 3 * stream->walk_rows + COST_INDEX_BEGIN : stream->walk_rows;
}

/* Walks or uses the index, and returns which. */
static const char *
stream_find(MessageStream *stream)
{
	const char *path = "index";

	if (parley_search_method == SEARCH_BY_WALK || stream->clues.count == 0 || stream->must_walk ||
		(parley_search_method == SEARCH_AUTO && stream->prefers_walk))
	{
		if (stream_walk(stream, stream_walk_budget(stream)) || stream->asking_budget < 0)
			return "walk";
		if (stream->hits->is_closed && !stream_is_estimated(stream))
		{
			stream->from_cursor = false;
			stream_read_conversations(stream, false);
			return "walk, conversations";
		}
		path = "walk, index";
	}
	stream_visit(stream, HUGE_VAL);
	return path;
}

/* Same from the cursor on, as long as asking conversations does not take many times as long as expected. */
static const char *
stream_find_from_cursor(MessageStream *stream)
{
	const char *path;

	stream->from_cursor = true;
	stream->asking_budget = (int64) Max(2 * stream->walk_rows, ASKING_BUDGET_MIN);
	path = stream_find(stream);
	stream->from_cursor = false;
	if (stream->asking_budget >= 0)
		return path;
	stream->asking_budget = 0;
	parley_hits_reopen(stream->hits);
	return stream_find(stream);
}

/*
 * After a cursor, everything newer has been shown. There are two ways to know what. We can find it again, which is less
 * work near the top, and if the term was not used recently. Or we read messages from the cursor on, and ask each
 * conversation that we meet for newer matches, message by message until one matches. For a page that takes about as
 * many messages as a walk. We try the first way until as many messages have been visited as the second is expected to
 * read. If they are before the cursor, this is not slower, because their conversations need not be looked up. If we
 * give up, the matches found after the cursor do not count.
 */
static bool
stream_replay_to_cursor(MessageStream *stream)
{
	bool is_complete;

	if (parley_search_method != SEARCH_AUTO || !stream_is_estimated(stream) || stream->must_walk)
		return false;
	is_complete =
		stream->prefers_walk ? stream_walk(stream, stream->walk_rows) : stream_visit(stream, stream->walk_rows);
	if (!is_complete)
		parley_hits_reopen(stream->hits);
	return is_complete;
}

double
parley_message_stream_run(MessageStream *stream, bool contacts_are_met)
{
	instr_time began = parley_trace_begin();
	bool has_cursor = parley_scope_has_cursor(stream->scope);
	Position last;

	/* If a message leads to a conversation, its contact is left to the other stream, which will meet it or has met it.
	 * Not after a cursor: a contact that matches may have put the conversation on an earlier page. */
	stream->naming = (has_cursor || stream_narrows(stream)) && !contacts_are_met ? NAMING_ASKED : NAMING_LATER;
	if (stream->hits->is_closed && stream_narrows(stream) && !stream_prefers_conversations(stream))
		stream_read_conversations(stream, true);
	else
		stream->must_walk = stream_narrows(stream) && !contacts_are_met;
	if (stream_prefers_conversations(stream))
		stream->trace.path = stream_read_conversations(stream, false);
	else if (!has_cursor)
		stream->trace.path = stream_find(stream);
	else if (stream_replay_to_cursor(stream))
		stream->trace.path = stream->prefers_walk ? "walk" : "index";
	else
		stream->trace.path = stream_find_from_cursor(stream);
	parley_trace_end(&stream->trace, began);
	if (stream->index != NULL)
		relation_close(stream->index, NoLock);
	if (!parley_hits_last_wanted(stream->hits, DT_NOBEGIN, &last))
		return -1;
	return Max(stream->walk_rows, (double) stream->trace.walked);
}
