/*
 * search_contacts.c: the conversations whose contact has the term, each at its newest message. See search.h.
 *
 * Two paths, as with messages: a walk passes the conversations from the one with the newest message on and looks at
 * their contacts; or the index of grams names the contacts that may have the term, and their conversations are looked
 * up. A user's conversations have all been met when the search began, and there is nothing left to do.
 */
#include "postgres.h"

#include <math.h>

#include "access/relation.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/timestamp.h"

#include "search/search.h"

/* Of the index of grams. */
enum
{
	COLUMN_NAME = 1,
	COLUMN_PHONE,
	COLUMN_PHONE_DIGITS
};

/* Where nothing is known of how frequent a term is, so many conversations are passed, and so many for each that is
 * wanted. */
#define PROBE_CONVERSATIONS 500
#define WALKED_PER_CONVERSATION 5

static const IndexForm contacts_grams = { "contacts_grams", GIN_AM_OID, { "name", "phone", "phone_digits" } };
static const IndexForm by_newest = { "conversations_last_message_at",
									 BTREE_AM_OID,
									 { "last_message_at", "id" },
									 .is_descending = true,
									 .is_partial = true };

/* The indexes by which a contact's conversations are found. */
static const IndexForm contact_indexes[] = {
	{ "conversations_contact_key", BTREE_AM_OID, { "contact_id" }, .is_partial = true },
	{ "conversations_direct_key", BTREE_AM_OID, { "low_contact_id" }, .is_partial = true },
	{ "conversations_high_contact", BTREE_AM_OID, { "high_contact_id" }, .is_partial = true },
};

/* About how many contacts have the term, by the index; negative: it cannot tell. */
static double
contacts_estimate(const StreamPlan *plan)
{
	return plan->clues.rows < 0 || plan->digits.rows < 0 ? -1 : plan->clues.rows + plan->digits.rows;
}

StreamPlan
parley_search_plan_contacts(Search *search)
{
	StreamPlan plan = { .rows = parley_table_rows(search->contacts), .prefers_walk = true };
	double wanted = Min((double) search->hits.wanted, parley_table_rows(search->conversations));
	double matches;

	plan.index = parley_index_open(search->contacts, &contacts_grams, true);
	plan.clues = parley_gram_index_choose(plan.index, COLUMN_NAME, COLUMN_PHONE, &search->matcher.term, plan.rows,
										  search->snapshot);
	if (search->is_phone)
		plan.digits = parley_gram_index_choose(plan.index, COLUMN_PHONE_DIGITS, COLUMN_PHONE_DIGITS,
											   &search->digits.term, plan.rows, search->snapshot);
	matches = contacts_estimate(&plan);
	search->contact_trace.estimate = matches;
	plan.walk_rows = plan.clues.count == 0 ? plan.rows
					 : matches < 0         ? PROBE_CONVERSATIONS
										   : Min(plan.rows, wanted * plan.rows / Max(matches, 1.0));
	plan.cost = plan.walk_rows * COST_CONVERSATION_WALKED;
	if (matches >= 0 && matches * COST_CONTACT_VISITED < plan.cost)
	{
		plan.prefers_walk = false;
		plan.cost = matches * COST_CONTACT_VISITED;
	}
	return plan;
}

/* Whether a conversation is one more that is shown, now that its contact has been looked at. */
static bool
conversation_gains(Search *search, TupleTableSlot *conversation, Position here)
{
	Hit *hit = parley_hits_find(&search->hits, here.conversation_id);
	bool was_shown = hit != NULL && parley_hit_is_shown(hit);

	if (hit != NULL && search->asks_contacts)
		return false;
	hit = parley_search_meet_row(search, conversation, NAMING_ASKED);
	return !was_shown && hit->state == HIT_NAMED && parley_hits_asks_for(&search->hits, here);
}

/* Passes conversations from the newest message on; false where the budget was spent before all that is wanted was
 * found. */
static bool
contacts_walk_on(Search *search, Lookup *newest, double budget)
{
	Countdown countdown = parley_countdown_start(&search->hits);

	while (parley_lookup_next(newest))
	{
		Position here = { parley_slot_int64(newest->slot, search->conversation.last_message_at, NULL),
						  parley_slot_int64(newest->slot, search->conversation.id, NULL) };

		CHECK_FOR_INTERRUPTS();
		if (parley_countdown_is_over(&countdown, here))
			return true;
		if (search->contact_trace.walked >= budget)
			return false;
		search->contact_trace.walked++;
		if (conversation_gains(search, newest->slot, here))
			countdown.met++;
	}
	return true;
}

static bool
contacts_walk(Search *search, double budget)
{
	Lookup newest;
	bool is_complete;

	parley_lookup_open(&newest, search->conversations, &by_newest, parley_search_has_cursor(search) ? 1 : 0,
					   search->snapshot);
	parley_newest_start(search, &newest);
	search->contact_trace.walked = 0;
	is_complete = contacts_walk_on(search, &newest, budget);
	parley_lookup_close(&newest);
	return is_complete;
}

/* All conversations of a contact that has the term are named, also those with a hit. */
static void
contact_visit(Search *search, TupleTableSlot *contact)
{
	int64 contact_id;

	search->contact_trace.visited++;
	if (!parley_contact_has_term(search, contact))
		return;
	contact_id = parley_slot_int64(contact, search->contact.id, NULL);
	for (size_t i = 0; i < lengthof(contact_indexes); i++)
	{
		parley_lookup_start(&search->of_contact[i], &contact_id);
		while (parley_lookup_next(&search->of_contact[i]))
		{
			CHECK_FOR_INTERRUPTS();
			parley_search_meet_row(search, search->of_contact[i].slot, NAMING_KNOWN);
		}
	}
}

/* The contacts that any column names, each once, in the order of the table. */
static Rows
contacts_ask(Search *search, StreamPlan *plan)
{
	Rows all = { 0 };

	for (AttrNumber column = COLUMN_NAME; column <= (search->is_phone ? COLUMN_PHONE_DIGITS : COLUMN_PHONE); column++)
	{
		Rows some =
			parley_gram_index_ask(plan->index, column, column == COLUMN_PHONE_DIGITS ? &plan->digits : &plan->clues,
								  RelationGetNumberOfBlocks(search->contacts), search->snapshot);

		parley_rows_add(&all, some.rows, some.count);
	}
	parley_rows_sort(&all, 0);
	parley_rows_unite(&all);
	return all;
}

static void
contacts_by_index(Search *search, StreamPlan *plan)
{
	Rows candidates = contacts_ask(search, plan);
	CandidateVisit visit;

	search->contact_trace.candidates = candidates.count;
	for (size_t i = 0; i < lengthof(contact_indexes); i++)
		parley_lookup_open(&search->of_contact[i], search->conversations, &contact_indexes[i], 1, search->snapshot);
	visit = parley_search_visit_begin(search, search->contacts, contact_visit);
	parley_search_visit(&visit, candidates.rows, candidates.count);
	parley_search_visit_end(&visit);
	for (size_t i = 0; i < lengthof(contact_indexes); i++)
		parley_lookup_close(&search->of_contact[i]);
	/* All conversations whose contact has the term have been met. */
	search->asks_contacts = false;
}

/*
 * How far a walk is worth going before the index is asked: twice as far as is likely, and until it has cost a quarter
 * of what the index will. Where messages have filled the page already, only conversations with a message newer than its
 * last can be wanted.
 */
static double
walk_budget(const Search *search, const StreamPlan *plan)
{
	double walk_rows = plan->walk_rows;
	double index_cost = contacts_estimate(plan) * COST_CONTACT_VISITED;

	if (plan->clues.count == 0 || parley_search_method == SEARCH_BY_WALK)
		return HUGE_VAL;
	if (parley_search_method == SEARCH_BY_INDEX)
		return 0;
	if (index_cost < 0)
		return Max(PROBE_CONVERSATIONS, WALKED_PER_CONVERSATION * (double) search->hits.wanted);
	if (search->newer_messages >= 0)
		walk_rows = Min(walk_rows, search->newer_messages);
	if (walk_rows * COST_CONVERSATION_WALKED > index_cost)
		return 0;
	return Max(2 * walk_rows, index_cost / COST_CONVERSATION_WALKED / 4);
}

static const char *
contacts_run(Search *search, StreamPlan *plan)
{
	double budget;

	if (search->is_closed)
		return "conversations";
	budget = walk_budget(search, plan);
	if (budget > 0 && contacts_walk(search, budget))
		return "walk";
	contacts_by_index(search, plan);
	return search->contact_trace.walked > 0 ? "walk, index" : "index";
}

void
parley_search_contacts(Search *search, StreamPlan *plan)
{
	instr_time began = parley_trace_begin();

	search->contact_trace.path = contacts_run(search, plan);
	parley_trace_end(&search->contact_trace, began);
	if (plan->index != NULL)
		relation_close(plan->index, NoLock);
}
