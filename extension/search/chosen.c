/*
 * chosen.c: see chosen.h.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"

#include "search/chosen.h"
#include "search/latest.h"
#include "statement.h"

/* $1 is what is searched for, $2 the maximum number. */
#define OF_CASES(condition) "SELECT conversation_id FROM parley.cases WHERE " condition " LIMIT $2"
static Statement of_member = { "SELECT conversation_id FROM parley.members WHERE contact_id = $1 LIMIT $2",
							   { INT8OID, INT8OID },
							   .is_generic = true };
static Statement of_label = { OF_CASES("labels @> ARRAY[$1]"), { TEXTOID, INT8OID }, .is_generic = true };
static Statement of_assignee = { OF_CASES("assignee_id = $1"), { INT8OID, INT8OID }, .is_generic = true };
static Statement of_snoozed = { OF_CASES("status = 'snoozed' AND snoozed_until > now() AND $1"),
								{ BOOLOID, INT8OID },
								.is_generic = true };
static Statement of_resolved = { OF_CASES("status = 'resolved' AND $1"), { BOOLOID, INT8OID }, .is_generic = true };
static Statement of_snoozed_until_now = { OF_CASES("status = 'snoozed' AND snoozed_until <= now() AND $1"),
										  { BOOLOID, INT8OID },
										  .is_generic = true };

/* Usually more than a few conversations are open or unread, and each one that is read in vain costs a lookup. */
#define LATEST_MAX 500

typedef struct Chosen
{
	int64 *ids;
	int64 count;
	bool is_latest;   /* the conversations that parley_latest_next() returns */
	bool knows_cases; /* those whose case has the status that is asked for */
} Chosen;

/* Runs the statement. Returns whether it found no more than `most` conversations, and keeps them. */
static bool
chosen_ask(Chosen *chosen, Statement *statement, Datum value, int64 most)
{
	Datum values[] = { value, Int64GetDatum(most < PG_INT64_MAX ? most + 1 : most) };
	int64 found = (int64) parley_statement_run(statement, values, NULL, true, 0);

	if (found > most)
		return false;
	chosen->ids = palloc(sizeof(int64) * (found + 1));
	for (chosen->count = 0; chosen->count < found; chosen->count++)
		chosen->ids[chosen->count] = DatumGetInt64(parley_statement_value(chosen->count, 1, INT8OID, NULL));
	return true;
}

/* Same for conversations that are open, or unread. */
static bool
chosen_ask_latest(Chosen *chosen, const Scope *scope, int64 most)
{
	Latest latest;
	TupleTableSlot *conversation;

	chosen->ids = palloc(sizeof(int64) * (most + 1));
	chosen->count = 0;
	parley_latest_open(&latest, scope, false);
	while ((conversation = parley_latest_next(&latest)) != NULL && chosen->count < most)
		chosen->ids[chosen->count++] = parley_slot_int64(conversation, scope->conversation.id, NULL);
	parley_latest_close(&latest);
	chosen->is_latest = conversation == NULL;
	return chosen->is_latest;
}

/* Same for conversations that are snoozed, or resolved. */
static bool
chosen_ask_settled(Chosen *chosen, const Filter *filter, int64 most)
{
	bool is_found = (filter->status == STATUS_SNOOZED && chosen_ask(chosen, &of_snoozed, BoolGetDatum(true), most)) ||
					(filter->status == STATUS_RESOLVED && chosen_ask(chosen, &of_resolved, BoolGetDatum(true), most));

	chosen->knows_cases = is_found && !filter->has_assignee && filter->label == NULL;
	return is_found;
}

/* Enters conversations whose case says that they are in the list, and whose contacts are found by an index. Each of
 * them is looked up when one of its messages matches. */
static void
chosen_enter_all(const Chosen *chosen, Hits *hits)
{
	const Scope *scope = hits->scope;

	for (int64 i = 0; i < chosen->count; i++)
		parley_hits_choose(hits, chosen->ids[i]);
	hits->message_count =
		(int64) (chosen->count * parley_table_rows(scope->messages) / parley_table_rows(scope->conversations));
}

static void
chosen_meet_all(const Chosen *chosen, Hits *hits, Naming naming)
{
	Scope *scope = hits->scope;

	scope->knows_cases = chosen->knows_cases;
	for (int64 i = 0; i < chosen->count; i++)
	{
		Hit *hit = parley_hits_meet(hits, chosen->ids[i], naming);

		CHECK_FOR_INTERRUPTS();
		if (hit != NULL)
			hits->message_count +=
				parley_slot_int64(scope->conversation_by_id.slot, scope->conversation.last_number, NULL);
	}
	scope->knows_cases = false;
}

/* Finds the conversations by the most selective condition. Without a term, open or unread conversations are not found
 * here, but walked in order. */
static bool
chosen_find(Chosen *chosen, const Scope *scope, int64 most)
{
	const Filter *filter = &scope->filter;

	return (filter->of_user && chosen_ask(chosen, &of_member, Int64GetDatum(filter->user_id), most)) ||
		   (filter->sender == SENDER_ONE && chosen_ask(chosen, &of_member, Int64GetDatum(filter->sender_id), most)) ||
		   (filter->label != NULL && chosen_ask(chosen, &of_label, PointerGetDatum(filter->label), most)) ||
		   (filter->has_assignee && filter->assignee_id != 0 &&
			chosen_ask(chosen, &of_assignee, Int64GetDatum(filter->assignee_id), most)) ||
		   chosen_ask_settled(chosen, filter, most) ||
		   ((filter->term != NULL || parley_filter_narrows(filter)) && !filter->of_user &&
			(filter->status == STATUS_OPEN || filter->unread == UNREAD_SOME) &&
			chosen_ask_latest(chosen, scope, Min(most, LATEST_MAX)));
}

void
parley_chosen_meet(Hits *hits, ContactStream *contacts, int64 most)
{
	const Filter *filter = &hits->scope->filter;
	Chosen chosen = { 0 };
	bool is_found = chosen_find(&chosen, hits->scope, most);
	bool are_named_later = is_found && parley_contact_stream_prefers_index(contacts, chosen.count);
	Naming naming = are_named_later ? NAMING_LATER : NAMING_ASKED;

	if (is_found && chosen.knows_cases && are_named_later && filter->unread == UNREAD_ANY)
		chosen_enter_all(&chosen, hits);
	else if (is_found)
		chosen_meet_all(&chosen, hits, naming);
	if (filter->status == STATUS_OPEN && (!is_found || chosen.is_latest) &&
		chosen_ask(&chosen, &of_snoozed_until_now, BoolGetDatum(true), PG_INT64_MAX))
		chosen_meet_all(&chosen, hits, naming);
	if (are_named_later)
		parley_contact_stream_name(contacts);
	hits->is_closed = is_found;
}
