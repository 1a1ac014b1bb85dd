/*
 * search_scope.c: see search.h.
 *
 * Takes AccessShareLock on the tables and indexes it reads, kept until the transaction ends, in the order in which they
 * are opened here. Everything is read under the one snapshot of the search.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/snapmgr.h"

#include "search/search.h"

const IndexForm parley_messages_key = { NULL, BTREE_AM_OID, { "conversation_id", "number" } };
static const IndexForm by_id = { NULL, BTREE_AM_OID, { "id" } };
static const IndexForm members_key = { NULL, BTREE_AM_OID, { "conversation_id", "contact_id" } };
static const IndexForm members_contact = { "members_contact", BTREE_AM_OID, { "contact_id" } };

static void
search_open_tables(Search *search)
{
	search->messages = parley_table_open("messages");
	search->conversations = parley_table_open("conversations");
	search->contacts = parley_table_open("contacts");
	search->conversation.id = parley_column(search->conversations, "id");
	search->conversation.contact_id = parley_column(search->conversations, "contact_id");
	search->conversation.low_contact_id = parley_column(search->conversations, "low_contact_id");
	search->conversation.high_contact_id = parley_column(search->conversations, "high_contact_id");
	search->conversation.last_number = parley_column(search->conversations, "last_number");
	search->conversation.last_message_at = parley_column(search->conversations, "last_message_at");
	search->conversation.is_dated_in_order = parley_column(search->conversations, "is_dated_in_order");
	search->contact.id = parley_column(search->contacts, "id");
	search->contact.name = parley_column(search->contacts, "name");
	search->contact.phone = parley_column(search->contacts, "phone");
	search->contact.phone_digits = parley_column(search->contacts, "phone_digits");
	search->message.conversation_id = parley_column(search->messages, "conversation_id");
	search->message.number = parley_column(search->messages, "number");
	search->message.created_at = parley_column(search->messages, "created_at");
	search->message.content = parley_column(search->messages, "content");
}

int64
parley_slot_int64(TupleTableSlot *slot, AttrNumber column, bool *isnull)
{
	bool ignored;

	return DatumGetInt64(slot_getattr(slot, column, isnull ? isnull : &ignored));
}

static bool
slot_contains(Matcher *matcher, TupleTableSlot *slot, AttrNumber column)
{
	bool isnull;
	Datum value = slot_getattr(slot, column, &isnull);

	return !isnull && parley_matcher_test(matcher, value);
}

/* The digits of a term that could be of a phone, written in whatever way; NULL: it has none, or something else. */
static text *
phone_digits(const text *term)
{
	size_t length = VARSIZE_ANY_EXHDR(term);
	text *digits = palloc(VARHDRSZ + length);
	size_t count = 0;

	for (const char *c = VARDATA_ANY(term), *end = c + length; c < end; c++)
		if (*c >= '0' && *c <= '9')
			VARDATA(digits)[count++] = *c;
		else if (strchr("+-(). /", *c) == NULL)
			return NULL;
	SET_VARSIZE(digits, VARHDRSZ + count);
	return count > 0 ? digits : NULL;
}

bool
parley_contact_has_term(Search *search, TupleTableSlot *contact)
{
	return slot_contains(&search->matcher, contact, search->contact.name) ||
		   slot_contains(&search->matcher, contact, search->contact.phone) ||
		   (search->is_phone && slot_contains(&search->digits, contact, search->contact.phone_digits));
}

/* Whether a contact that the conversation's column names has the term. */
static bool
is_named_by(Search *search, TupleTableSlot *conversation, AttrNumber column)
{
	bool isnull;
	int64 contact_id = parley_slot_int64(conversation, column, &isnull);

	return !isnull && parley_lookup_one(&search->contact_by_id, contact_id) &&
		   parley_contact_has_term(search, search->contact_by_id.slot);
}

static bool
is_of_list(Search *search, TupleTableSlot *conversation, int64 conversation_id)
{
	if (slot_attisnull(conversation, search->conversation.contact_id) &&
		slot_attisnull(conversation, search->conversation.low_contact_id))
		return false;
	if (!search->of_user)
		return true;
	parley_lookup_start(&search->member, (int64[]){ conversation_id, search->user_id });
	return parley_lookup_next(&search->member);
}

static bool
is_named(Search *search, TupleTableSlot *conversation)
{
	return is_named_by(search, conversation, search->conversation.contact_id) ||
		   is_named_by(search, conversation, search->conversation.low_contact_id) ||
		   is_named_by(search, conversation, search->conversation.high_contact_id);
}

Hit *
parley_search_meet_row(Search *search, TupleTableSlot *conversation, Naming naming)
{
	int64 conversation_id = parley_slot_int64(conversation, search->conversation.id, NULL);
	bool found, has_no_message;
	TimestampTz last_message_at =
		parley_slot_int64(conversation, search->conversation.last_message_at, &has_no_message);
	Hit *hit = parley_hits_enter(&search->hits, conversation_id, &found);

	if (!found)
		hit->state = is_of_list(search, conversation, conversation_id) ? HIT_OPEN : HIT_OUTSIDE;
	if (hit->state == HIT_OUTSIDE || hit->state == HIT_NAMED || has_no_message)
		return hit;
	if (naming == NAMING_KNOWN || (naming == NAMING_ASKED && is_named(search, conversation)))
	{
		hit->state = HIT_NAMED;
		hit->at = last_message_at;
	}
	return hit;
}

Hit *
parley_search_meet(Search *search, int64 conversation_id)
{
	Hit *hit = parley_hits_find(&search->hits, conversation_id);

	if (hit == NULL && !search->is_closed && parley_lookup_one(&search->conversation_by_id, conversation_id))
		hit = parley_search_meet_row(search, search->conversation_by_id.slot,
									 search->asks_contacts ? NAMING_ASKED : NAMING_LATER);
	return hit == NULL || hit->state == HIT_OUTSIDE ? NULL : hit;
}

bool
parley_search_was_shown(Search *search, int64 conversation_id)
{
	bool has_no_message, isnull, is_dated_in_order;
	Position newest = { .conversation_id = conversation_id };

	if (!parley_lookup_one(&search->conversation_by_id, conversation_id))
		return false;
	newest.at =
		parley_slot_int64(search->conversation_by_id.slot, search->conversation.last_message_at, &has_no_message);
	if (has_no_message || parley_hits_asks_for(&search->hits, newest))
		return false;
	is_dated_in_order =
		DatumGetBool(slot_getattr(search->conversation_by_id.slot, search->conversation.is_dated_in_order, &isnull));
	parley_lookup_start(&search->messages_of, &conversation_id);
	while (parley_lookup_previous(&search->messages_of))
	{
		TupleTableSlot *message = search->messages_of.slot;
		Position here = { parley_slot_int64(message, search->message.created_at, NULL), conversation_id };

		CHECK_FOR_INTERRUPTS();
		search->message_trace.visited++;
		if (--search->asking_budget < 0)
			return false;
		if (slot_attisnull(message, search->message.content))
			continue;
		if (!parley_hits_asks_for(&search->hits, here))
		{
			if (parley_message_has_term(search, message))
				return true;
		}
		else if (is_dated_in_order)
			return false;
	}
	return false;
}

/* Meets all conversations of a user who has not too many. */
static void
search_close_to_user(Search *search)
{
	Lookup own;
	AttrNumber conversation_id = parley_column(search->members, "conversation_id");
	int count = 0;

	parley_lookup_open(&own, search->members, &members_contact, 1, search->snapshot);
	parley_lookup_start(&own, &search->user_id);
	while (count <= parley_search_user_conversations && parley_lookup_next(&own))
	{
		Hit *hit;

		CHECK_FOR_INTERRUPTS();
		hit = parley_search_meet(search, parley_slot_int64(own.slot, conversation_id, NULL));

		count++;
		if (hit != NULL)
			search->closed_messages +=
				parley_slot_int64(search->conversation_by_id.slot, search->conversation.last_number, NULL);
	}
	search->is_closed = count <= parley_search_user_conversations;
	parley_lookup_close(&own);
}

void
parley_search_open(Search *search, const text *term, const int64 *user_id, Position before, int64 wanted)
{
	text *digits = phone_digits(term);

	memset(search, 0, sizeof(*search));
	search->snapshot = GetActiveSnapshot();
	search->term = term;
	search->message_trace.estimate = search->contact_trace.estimate = -1;
	search->newer_messages = -1;
	search->asks_contacts = true;
	parley_matcher_init(&search->matcher, term, DEFAULT_COLLATION_OID);
	search->is_phone = digits != NULL;
	if (search->is_phone)
		parley_matcher_init(&search->digits, digits, DEFAULT_COLLATION_OID);
	parley_hits_create(&search->hits, before, wanted);
	search_open_tables(search);
	parley_lookup_open(&search->conversation_by_id, search->conversations, &by_id, 1, search->snapshot);
	parley_lookup_open(&search->contact_by_id, search->contacts, &by_id, 1, search->snapshot);
	if (parley_search_has_cursor(search))
		parley_lookup_open(&search->messages_of, search->messages, &parley_messages_key, 1, search->snapshot);
	if (user_id != NULL)
	{
		search->of_user = true;
		search->user_id = *user_id;
		search->members = parley_table_open("members");
		parley_lookup_open(&search->member, search->members, &members_key, 2, search->snapshot);
		search_close_to_user(search);
	}
}

/* A relation is closed after all that was opened on it: a scan reads the relation's entry in the cache to its end. */
void
parley_search_close(Search *search)
{
	if (search->of_user)
	{
		parley_lookup_close(&search->member);
		relation_close(search->members, NoLock);
	}
	if (parley_search_has_cursor(search))
		parley_lookup_close(&search->messages_of);
	parley_lookup_close(&search->contact_by_id);
	parley_lookup_close(&search->conversation_by_id);
	relation_close(search->contacts, NoLock);
	relation_close(search->conversations, NoLock);
	relation_close(search->messages, NoLock);
}

CandidateVisit
parley_search_visit_begin(Search *search, Relation table, CandidateVisitor visit)
{
	return (CandidateVisit){ search, visit, table_index_fetch_begin(table), table_slot_create(table, NULL) };
}

void
parley_search_visit_end(CandidateVisit *visit)
{
	table_index_fetch_end(visit->fetch);
	ExecDropSingleTupleTableSlot(visit->slot);
}

static void
visit_one(const CandidateVisit *visit, ItemPointer row)
{
	bool call_again = false;

	if (table_index_fetch_tuple(visit->fetch, row, visit->search->snapshot, visit->slot, &call_again, NULL))
		visit->visit(visit->search, visit->slot);
}

void
parley_search_visit(const CandidateVisit *visit, const ItemPointerData *rows, size_t count)
{
	for (size_t i = count; i-- > 0;)
	{
		ItemPointerData row = rows[i];

		CHECK_FOR_INTERRUPTS();
		if (ItemPointerGetOffsetNumberNoCheck(&row) != InvalidOffsetNumber)
			visit_one(visit, &row);
		else
			for (OffsetNumber offset = FirstOffsetNumber; offset <= MaxHeapTuplesPerPage; offset++)
			{
				ItemPointerSetOffsetNumber(&row, offset);
				visit_one(visit, &row);
			}
	}
}

instr_time
parley_trace_begin(void)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	return now;
}

void
parley_trace_end(StreamTrace *trace, instr_time began)
{
	instr_time took;

	INSTR_TIME_SET_CURRENT(took);
	INSTR_TIME_SUBTRACT(took, began);
	trace->milliseconds = INSTR_TIME_GET_MILLISEC(took);
}

double
parley_table_rows(Relation table)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(table);
	Form_pg_class known = table->rd_rel;

	if (known->reltuples > 0 && known->relpages > 0)
		return Max(1.0, (double) known->reltuples / known->relpages * blocks);
	return Max(1.0, 40.0 * blocks);
}
