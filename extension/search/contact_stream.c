/*
 * contact_stream.c: see contact_stream.h.
 */
#include "postgres.h"

#include <math.h>

#include "access/relation.h"
#include "catalog/pg_am.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"

#include "search/contact_stream.h"
#include "search/latest.h"
#include "search/settings.h"

/* The columns of the index of grams. */
enum
{
	COLUMN_NAME = 1,
	COLUMN_PHONE,
	COLUMN_PHONE_DIGITS
};

/* If we do not know how frequent a term is, a walk visits this many conversations, and this many more per conversation
 * wanted. */
#define PROBE_CONVERSATIONS 500
#define WALKED_PER_CONVERSATION 5

static const IndexForm contacts_grams = { "contacts_grams", GIN_AM_OID, { "name", "phone", "phone_digits" } };
static const IndexForm conversations_of_contact[CONTACT_COLUMNS] = {
	{ "conversations_contact_key", BTREE_AM_OID, { "contact_id" }, "(kind = 'contact'::parley.conversation_kind)" },
	{ "conversations_direct_key", BTREE_AM_OID, { "low_contact_id" }, "(kind = 'direct'::parley.conversation_kind)" },
	{ "conversations_high_contact",
	  BTREE_AM_OID,
	  { "high_contact_id" },
	  "(kind = 'direct'::parley.conversation_kind)" },
};

void
parley_contact_stream_plan(ContactStream *stream, Hits *hits)
{
	Scope *scope = hits->scope;
	double contacts = parley_table_rows(scope->contacts);
	double wanted = Min((double) scope->wanted, parley_table_rows(scope->conversations));

	*stream = (ContactStream){ .scope = scope, .hits = hits };
	if (scope->filter.term == NULL)
		return;
	stream->index = parley_index_open(scope->contacts, &contacts_grams, true);
	stream->clues = parley_gram_index_choose(stream->index, COLUMN_NAME, COLUMN_PHONE, &scope->matcher.term, contacts,
											 scope->snapshot);
	if (scope->is_phone)
		stream->digits = parley_gram_index_choose(stream->index, COLUMN_PHONE_DIGITS, COLUMN_PHONE_DIGITS,
												  &scope->digits.term, contacts, scope->snapshot);
	stream->matches = stream->clues.rows < 0 || stream->digits.rows < 0 ? -1 : stream->clues.rows + stream->digits.rows;
	stream->trace.estimate = stream->matches;
	stream->walk_rows = stream->clues.count == 0 ? contacts
						: stream->matches < 0    ? PROBE_CONVERSATIONS
												 : Min(contacts, wanted * contacts / Max(stream->matches, 1.0));
	stream->cost = stream->walk_rows * COST_CONVERSATION_WALKED;
	if (stream->matches >= 0)
		stream->cost = Min(stream->cost, stream->matches * COST_CONTACT_VISITED);
}

/* Returns whether one more conversation is shown, now that its contact has been looked at. */
static bool
stream_gains(ContactStream *stream, TupleTableSlot *conversation, Position here)
{
	Hit *hit = parley_hits_find(stream->hits, here.conversation_id);
	bool was_shown = hit != NULL && parley_hit_is_shown(hit);

	/* After a cursor, the message stream has asked it when it met it. */
	if (hit != NULL && parley_scope_has_cursor(stream->scope))
		return false;
	hit = parley_hits_meet_row(stream->hits, conversation, NAMING_ASKED);
	return !was_shown && hit->state == HIT_NAMED && parley_scope_asks_for(stream->scope, here);
}

/* Walks conversations, the one with the newest message first. Returns false if the budget ran out before everything
 * wanted was found. */
static bool
stream_walk(ContactStream *stream, double budget)
{
	Scope *scope = stream->scope;
	Countdown countdown = parley_countdown_start(stream->hits);
	bool is_complete = false;
	Latest latest;

	parley_latest_open(&latest, scope, parley_scope_has_cursor(scope));
	while (!is_complete)
	{
		TupleTableSlot *conversation = parley_latest_next(&latest);
		Position here;

		CHECK_FOR_INTERRUPTS();
		is_complete = conversation == NULL;
		if (is_complete)
			break;
		here.at = parley_slot_int64(conversation, scope->conversation.last_message_at, NULL);
		here.conversation_id = parley_slot_int64(conversation, scope->conversation.id, NULL);
		is_complete = parley_countdown_is_over(&countdown, here);
		if (is_complete || stream->trace.walked >= budget)
			break;
		stream->trace.walked++;
		if (stream_gains(stream, conversation, here))
			countdown.met++;
	}
	parley_latest_close(&latest);
	return is_complete;
}

/* Enters all conversations of a contact that contains the term, even those that have a hit already. */
static bool
on_contact(void *visitor_state, TupleTableSlot *contact)
{
	ContactStream *stream = visitor_state;
	int64 contact_id;

	stream->trace.visited++;
	if (!parley_scope_contact_matches(stream->scope, contact))
		return true;
	contact_id = parley_slot_int64(contact, stream->scope->contact.id, NULL);
	for (int i = 0; i < CONTACT_COLUMNS; i++)
	{
		parley_lookup_start(&stream->of_contact[i], &contact_id);
		while (parley_lookup_next(&stream->of_contact[i]))
		{
			TupleTableSlot *conversation = stream->of_contact[i].slot;
			Hit *hit;

			CHECK_FOR_INTERRUPTS();
			hit = parley_hits_meet_row(stream->hits, conversation,
									   stream->scope->filter.hides_phones ? NAMING_ASKED : NAMING_KNOWN);
			if (hit->is_named && !hit->is_placed && parley_filter_narrows(&stream->scope->filter))
				parley_hits_place(stream->hits, hit, conversation);
		}
	}
	return true;
}

/* Returns the contacts that any column of the index finds, without duplicates, in physical order. */
static Rows
stream_ask(ContactStream *stream)
{
	Scope *scope = stream->scope;
	BlockNumber blocks = RelationGetNumberOfBlocks(scope->contacts);
	Rows all = { 0 };

	for (AttrNumber column = COLUMN_NAME; column <= (scope->is_phone ? COLUMN_PHONE_DIGITS : COLUMN_PHONE); column++)
	{
		const ClueSet *clues = column == COLUMN_PHONE_DIGITS ? &stream->digits : &stream->clues;
		Rows some = parley_gram_index_ask(stream->index, column, clues, blocks, scope->snapshot);

		parley_rows_add(&all, some.rows, some.count);
	}
	parley_rows_sort(&all, 0);
	parley_rows_unite(&all);
	return all;
}

static void
stream_visit(ContactStream *stream)
{
	Scope *scope = stream->scope;
	Rows candidates = stream_ask(stream);
	Visit visit;

	stream->trace.candidates = candidates.count;
	for (int i = 0; i < CONTACT_COLUMNS; i++)
		parley_lookup_open(&stream->of_contact[i], scope->conversations, &conversations_of_contact[i], 1,
						   scope->snapshot);
	visit = parley_visit_begin(scope->contacts, scope->snapshot, on_contact, stream);
	parley_visit_rows(&visit, candidates.rows, candidates.count);
	parley_visit_end(&visit);
	for (int i = 0; i < CONTACT_COLUMNS; i++)
		parley_lookup_close(&stream->of_contact[i]);
}

bool
parley_contact_stream_prefers_index(const ContactStream *stream, int64 conversations)
{
	return stream->clues.count > 0 && stream->matches >= 0 &&
		   stream->matches * COST_CONTACT_VISITED < conversations * COST_CONTACT_ASKED;
}

void
parley_contact_stream_name(ContactStream *stream)
{
	stream_visit(stream);
}

/*
 * Returns how far a walk is worth going before we use the index: twice as far as expected, and until it has cost a
 * quarter of what the index will. If messages have filled the page already, only conversations with a message newer
 * than its last one can be wanted.
 */
static double
stream_walk_budget(const ContactStream *stream, double newer_messages)
{
	double walk_rows = newer_messages < 0 ? stream->walk_rows : Min(stream->walk_rows, newer_messages);
	double index_cost = stream->matches * COST_CONTACT_VISITED;

	if (parley_filter_narrows(&stream->scope->filter))
		return 0;
	if (stream->clues.count == 0 || parley_search_method == SEARCH_BY_WALK)
		return HUGE_VAL;
	if (parley_search_method == SEARCH_BY_INDEX)
		return 0;
	if (stream->matches < 0)
		return Max(PROBE_CONVERSATIONS, WALKED_PER_CONVERSATION * (double) stream->scope->wanted);
	if (walk_rows * COST_CONVERSATION_WALKED > index_cost)
		return 0;
	return Max(2 * walk_rows, index_cost / COST_CONVERSATION_WALKED / 4);
}

bool
parley_contact_stream_run(ContactStream *stream, double newer_messages)
{
	instr_time began = parley_trace_begin();
	double budget = stream_walk_budget(stream, newer_messages);
	bool all_are_met = true;

	if (stream->hits->is_closed)
		stream->trace.path = "conversations";
	else if (budget > 0 && stream_walk(stream, budget))
	{
		stream->trace.path = "walk";
		all_are_met = false;
	}
	else
	{
		stream_visit(stream);
		stream->trace.path = stream->trace.walked > 0 ? "walk, index" : "index";
	}
	parley_trace_end(&stream->trace, began);
	parley_contact_stream_end(stream);
	return all_are_met;
}

void
parley_contact_stream_end(ContactStream *stream)
{
	if (stream->index != NULL)
		relation_close(stream->index, NoLock);
}
