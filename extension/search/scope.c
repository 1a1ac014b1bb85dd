/*
 * scope.c: see scope.h.
 *
 * Tables and indexes are locked in the order in which they are opened here.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type_d.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "search/scope.h"

/* Fewer messages than this are read one by one. */
#define READ_BY_HALVES_MIN 16

/* Assumed number of rows per page of a table that was never analyzed. */
#define ROWS_PER_PAGE 40.0

const IndexForm parley_messages_key = { NULL, BTREE_AM_OID, { "conversation_id", "number" } };
const IndexForm parley_messages_grams = { "messages_grams", GIN_AM_OID, { "content" } };
static const IndexForm by_id = { NULL, BTREE_AM_OID, { "id" } };
static const IndexForm by_conversation = { NULL, BTREE_AM_OID, { "conversation_id" } };
static const IndexForm members_key = { NULL, BTREE_AM_OID, { "conversation_id", "contact_id" } };

static void
scope_open_tables(Scope *scope)
{
	scope->messages = parley_table_open("messages");
	scope->conversations = parley_table_open("conversations");
	scope->contacts = parley_table_open("contacts");
	scope->conversation.id = parley_column(scope->conversations, "id", INT8OID);
	scope->conversation.contact_id = parley_column(scope->conversations, "contact_id", INT8OID);
	scope->conversation.low_contact_id = parley_column(scope->conversations, "low_contact_id", INT8OID);
	scope->conversation.high_contact_id = parley_column(scope->conversations, "high_contact_id", INT8OID);
	scope->conversation.last_number = parley_column(scope->conversations, "last_number", INT8OID);
	scope->conversation.last_message_at = parley_column(scope->conversations, "last_message_at", TIMESTAMPTZOID);
	scope->conversation.is_dated_in_order = parley_column(scope->conversations, "is_dated_in_order", BOOLOID);
	scope->contact.id = parley_column(scope->contacts, "id", INT8OID);
	scope->contact.name = parley_column(scope->contacts, "name", TEXTOID);
	scope->contact.phone = parley_column(scope->contacts, "phone", TEXTOID);
	scope->contact.phone_digits = parley_column(scope->contacts, "phone_digits", TEXTOID);
	scope->message.conversation_id = parley_column(scope->messages, "conversation_id", INT8OID);
	scope->message.number = parley_column(scope->messages, "number", INT8OID);
	scope->message.created_at = parley_column(scope->messages, "created_at", TIMESTAMPTZOID);
	scope->message.content = parley_column(scope->messages, "content", TEXTOID);
	scope->message.sender_id = parley_column(scope->messages, "sender_id", INT8OID);
}

bool
parley_scope_is_possible(void)
{
	return parley_lookup_is_possible("conversations", &by_id) && parley_lookup_is_possible("contacts", &by_id) &&
		   parley_lookup_is_possible("messages", &parley_messages_key) &&
		   parley_lookup_is_possible("cases", &by_conversation);
}

void
parley_scope_open_cases(Scope *scope)
{
	if (scope->cases != NULL)
		return;
	scope->cases = parley_table_open("cases");
	scope->case_.status = parley_column(scope->cases, "status", TEXTOID);
	scope->case_.snoozed_until = parley_column(scope->cases, "snoozed_until", TIMESTAMPTZOID);
	scope->case_.assignee_id = parley_column(scope->cases, "assignee_id", INT8OID);
	scope->case_.labels = parley_column(scope->cases, "labels", TEXTARRAYOID);
	scope->conversation.is_settled = parley_column(scope->conversations, "is_settled", BOOLOID);
	parley_lookup_open(&scope->case_of, scope->cases, &by_conversation, 1, scope->snapshot);
}

void
parley_scope_open_unread(Scope *scope)
{
	if (scope->unread_of.index != NULL)
		return;
	if (!scope->filter.of_user)
		scope->conversation.operator_read_number = parley_column(scope->conversations, "operator_read_number", INT8OID);
	parley_lookup_open(&scope->unread_of, scope->messages, &parley_messages_key, 2, scope->snapshot);
}

/* Returns the digits of a term that could be part of a phone, however it is written, or NULL if it has none or contains
 * anything else. */
static text *
phone_digits(const text *term)
{
	size_t length = VARSIZE_ANY_EXHDR(term);
	text *digits = palloc(VARHDRSZ + length);
	size_t count = 0;

	for (const char *c = VARDATA_ANY(term), *end = c + length; c < end; c++)
		if (*c >= '0' && *c <= '9')
			VARDATA(digits)[count++] = *c;
		else if (*c == '\0' || strchr("+-(). /", *c) == NULL)
			return NULL;
	SET_VARSIZE(digits, VARHDRSZ + count);
	return count > 0 ? digits : NULL;
}

void
parley_scope_open(Scope *scope, const Filter *filter, Position before, int64 wanted)
{
	text *digits = filter->term == NULL ? NULL : phone_digits(filter->term);

	*scope = (Scope){ .filter = *filter,
					  .before = before,
					  .wanted = wanted,
					  .is_phone = digits != NULL,
					  .snapshot = GetActiveSnapshot() };
	if (filter->term != NULL)
		parley_matcher_init(&scope->matcher, filter->term, DEFAULT_COLLATION_OID);
	if (scope->is_phone)
		parley_matcher_init(&scope->digits, digits, DEFAULT_COLLATION_OID);
	scope_open_tables(scope);
	parley_lookup_open(&scope->conversation_by_id, scope->conversations, &by_id, 1, scope->snapshot);
	parley_lookup_open(&scope->contact_by_id, scope->contacts, &by_id, 1, scope->snapshot);
	parley_lookup_open(&scope->messages_of, scope->messages, &parley_messages_key, 2, scope->snapshot);
	if (filter->of_user)
	{
		scope->members = parley_table_open("members");
		parley_lookup_open(&scope->member, scope->members, &members_key, 2, scope->snapshot);
	}
	if (parley_filter_asks_case(filter))
		parley_scope_open_cases(scope);
	if (filter->unread != UNREAD_ANY)
		parley_scope_open_unread(scope);
}

/* Close a relation after everything that was opened on it: a scan uses the relation's relcache entry to its end. */
void
parley_scope_close(Scope *scope)
{
	if (scope->unread_of.index != NULL)
		parley_lookup_close(&scope->unread_of);
	if (scope->cases != NULL)
	{
		parley_lookup_close(&scope->case_of);
		relation_close(scope->cases, NoLock);
	}
	if (scope->filter.of_user)
	{
		parley_lookup_close(&scope->member);
		relation_close(scope->members, NoLock);
	}
	parley_lookup_close(&scope->messages_of);
	parley_lookup_close(&scope->contact_by_id);
	parley_lookup_close(&scope->conversation_by_id);
	relation_close(scope->contacts, NoLock);
	relation_close(scope->conversations, NoLock);
	relation_close(scope->messages, NoLock);
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

bool
parley_scope_contact_matches(Scope *scope, TupleTableSlot *contact)
{
	return slot_contains(&scope->matcher, contact, scope->contact.name) ||
		   slot_contains(&scope->matcher, contact, scope->contact.phone) ||
		   (scope->is_phone && slot_contains(&scope->digits, contact, scope->contact.phone_digits));
}

/* Returns whether the filter allows an undeleted message to match, whatever it contains. */
static bool
message_may_match(Scope *scope, TupleTableSlot *message)
{
	const Filter *filter = &scope->filter;
	TimestampTz at;
	int64 sender_id;
	bool from_operator;

	if (!parley_filter_narrows(filter))
		return true;
	at = parley_slot_int64(message, scope->message.created_at, NULL);
	if (at < filter->from || at > filter->to)
		return false;
	sender_id = parley_slot_int64(message, scope->message.sender_id, &from_operator);
	switch (filter->sender)
	{
		case SENDER_ANY:
			return true;
		case SENDER_CONTACT:
			return !from_operator;
		case SENDER_OPERATOR:
			return from_operator;
		case SENDER_ONE:
			return !from_operator && sender_id == filter->sender_id;
	}
	return false;
}

bool
parley_scope_message_matches(Scope *scope, TupleTableSlot *message, bool is_named)
{
	return !slot_attisnull(message, scope->message.content) && message_may_match(scope, message) &&
		   (is_named || slot_contains(&scope->matcher, message, scope->message.content));
}

/* Starts messages_of at a number, to be read backwards. */
static void
read_back_from(Scope *scope, int64 conversation_id, int64 number)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(conversation_id));
	ScanKeyInit(&keys[1], 2, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(number));
	parley_lookup_start_scan(&scope->messages_of, keys);
}

/* Reads backwards to the next message that is not deleted. Returns its number, or 0 if there is none. */
static int64
read_back_to_undeleted(Scope *scope)
{
	TupleTableSlot *message = scope->messages_of.slot;

	while (parley_lookup_previous(&scope->messages_of))
	{
		CHECK_FOR_INTERRUPTS();
		if (!slot_attisnull(message, scope->message.content))
			return parley_slot_int64(message, scope->message.number, NULL);
	}
	return 0;
}

/*
 * In a conversation that is dated in order, all undeleted messages up to `low` are dated `to` or before, and all from
 * `high` on are dated after it. We narrow this interval by halves until it takes less work to read on.
 */
static int64
last_number_until(Scope *scope, int64 conversation_id, int64 last_number, TimestampTz to)
{
	int64 low = 0, high = last_number + 1;

	while (high - low > READ_BY_HALVES_MIN)
	{
		int64 middle = low + (high - low) / 2;
		int64 number;

		read_back_from(scope, conversation_id, middle);
		number = read_back_to_undeleted(scope);
		if (number > low && parley_slot_int64(scope->messages_of.slot, scope->message.created_at, NULL) > to)
			high = number;
		else
			low = middle;
	}
	return high - 1;
}

void
parley_scope_read_back(Scope *scope, TupleTableSlot *conversation)
{
	int64 conversation_id = parley_slot_int64(conversation, scope->conversation.id, NULL);
	int64 last_number = parley_slot_int64(conversation, scope->conversation.last_number, NULL);
	bool isnull;
	bool is_dated_in_order = DatumGetBool(slot_getattr(conversation, scope->conversation.is_dated_in_order, &isnull));

	read_back_from(scope, conversation_id,
				   scope->filter.to != DT_NOEND && is_dated_in_order
					   ? last_number_until(scope, conversation_id, last_number, scope->filter.to)
					   : PG_INT64_MAX);
}

bool
parley_scope_newest_match(Scope *scope, TupleTableSlot *conversation, bool is_named, Position *place, int64 *number,
						  int64 *read)
{
	TupleTableSlot *message = scope->messages_of.slot;
	bool isnull;
	bool is_dated_in_order = DatumGetBool(slot_getattr(conversation, scope->conversation.is_dated_in_order, &isnull));
	bool is_found = false;

	place->conversation_id = parley_slot_int64(conversation, scope->conversation.id, NULL);
	parley_scope_read_back(scope, conversation);
	while (parley_lookup_previous(&scope->messages_of))
	{
		TimestampTz at = parley_slot_int64(message, scope->message.created_at, NULL);

		CHECK_FOR_INTERRUPTS();
		(*read)++;
		if (is_dated_in_order && at < scope->filter.from && !slot_attisnull(message, scope->message.content))
			break;
		if ((is_found && at <= place->at) || !parley_scope_message_matches(scope, message, is_named))
			continue;
		is_found = true;
		place->at = at;
		*number = parley_slot_int64(message, scope->message.number, NULL);
		if (is_dated_in_order)
			break;
	}
	return is_found;
}

/* Returns whether a member's row of a conversation exists and a column of it is true. */
static bool
member_says(Scope *scope, int64 conversation_id, int64 contact_id, const char *column)
{
	bool isnull;

	parley_lookup_start(&scope->member, (int64[]){ conversation_id, contact_id });
	return parley_lookup_next(&scope->member) &&
		   DatumGetBool(slot_getattr(scope->member.slot, parley_column(scope->members, column, BOOLOID), &isnull));
}

/* As in the list: a phone is shown to its owner, to those who gave it, and to others once its owner has written. */
static bool
phone_is_shown(Scope *scope, int64 conversation_id, int64 contact_id)
{
	return !scope->filter.hides_phones || contact_id == scope->filter.user_id ||
		   member_says(scope, conversation_id, scope->filter.user_id, "gave_phone") ||
		   member_says(scope, conversation_id, contact_id, "has_written");
}

/* Returns whether the contact in a column of the conversation contains the term, in what the user may see of it. */
static bool
is_named_by(Scope *scope, TupleTableSlot *conversation, AttrNumber column)
{
	bool isnull;
	int64 contact_id = parley_slot_int64(conversation, column, &isnull);
	TupleTableSlot *contact = scope->contact_by_id.slot;

	if (isnull || !parley_lookup_one(&scope->contact_by_id, contact_id) ||
		!parley_scope_contact_matches(scope, contact))
		return false;
	return slot_contains(&scope->matcher, contact, scope->contact.name) ||
		   phone_is_shown(scope, parley_slot_int64(conversation, scope->conversation.id, NULL), contact_id);
}

bool
parley_scope_conversation_is_named(Scope *scope, TupleTableSlot *conversation)
{
	return scope->filter.term == NULL || is_named_by(scope, conversation, scope->conversation.contact_id) ||
		   is_named_by(scope, conversation, scope->conversation.low_contact_id) ||
		   is_named_by(scope, conversation, scope->conversation.high_contact_id);
}

double
parley_table_rows(Relation table)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(table);
	Form_pg_class known = table->rd_rel;

	if (known->reltuples > 0 && known->relpages > 0)
		return Max(1.0, (double) known->reltuples / known->relpages * blocks);
	return Max(1.0, ROWS_PER_PAGE * blocks);
}
