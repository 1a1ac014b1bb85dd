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
#include "common/hashfn.h"
#include "storage/bufmgr.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "search/scope.h"

/* Rows a page of a table that was never analyzed is taken to have. */
#define ROWS_PER_PAGE 40.0

const IndexForm parley_messages_key = { NULL, BTREE_AM_OID, { "conversation_id", "number" } };
const IndexForm parley_messages_grams = { "messages_grams", GIN_AM_OID, { "content" } };
static const IndexForm by_id = { NULL, BTREE_AM_OID, { "id" } };
static const IndexForm members_key = { NULL, BTREE_AM_OID, { "conversation_id", "contact_id" } };

uint32
parley_filter_hash(const Filter *filter)
{
	uint32 hash = filter->term == NULL
					  ? 0
					  : hash_bytes((unsigned char *) VARDATA_ANY(filter->term), (int) VARSIZE_ANY_EXHDR(filter->term));

	return filter->of_user ? hash_combine(hash, hash_bytes((unsigned char *) &filter->user_id, sizeof(int64))) : hash;
}

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
		else if (*c == '\0' || strchr("+-(). /", *c) == NULL)
			return NULL;
	SET_VARSIZE(digits, VARHDRSZ + count);
	return count > 0 ? digits : NULL;
}

void
parley_scope_open(Scope *scope, const Filter *filter, Position before, int64 wanted)
{
	text *digits = phone_digits(filter->term);

	*scope = (Scope){ .filter = *filter,
					  .before = before,
					  .wanted = wanted,
					  .is_phone = digits != NULL,
					  .snapshot = GetActiveSnapshot() };
	parley_matcher_init(&scope->matcher, filter->term, DEFAULT_COLLATION_OID);
	if (scope->is_phone)
		parley_matcher_init(&scope->digits, digits, DEFAULT_COLLATION_OID);
	scope_open_tables(scope);
	parley_lookup_open(&scope->conversation_by_id, scope->conversations, &by_id, 1, scope->snapshot);
	parley_lookup_open(&scope->contact_by_id, scope->contacts, &by_id, 1, scope->snapshot);
	if (parley_scope_has_cursor(scope))
		parley_lookup_open(&scope->messages_of, scope->messages, &parley_messages_key, 1, scope->snapshot);
	if (filter->of_user)
	{
		scope->members = parley_table_open("members");
		parley_lookup_open(&scope->member, scope->members, &members_key, 2, scope->snapshot);
	}
}

/* A relation is closed after all that was opened on it: a scan reads the relation's entry in the cache to its end. */
void
parley_scope_close(Scope *scope)
{
	if (scope->filter.of_user)
	{
		parley_lookup_close(&scope->member);
		relation_close(scope->members, NoLock);
	}
	if (parley_scope_has_cursor(scope))
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

bool
parley_scope_message_matches(Scope *scope, TupleTableSlot *message)
{
	return slot_contains(&scope->matcher, message, scope->message.content);
}

/* Whether a member's row of a conversation is there and says so in a column. */
static bool
member_says(Scope *scope, int64 conversation_id, int64 contact_id, const char *column)
{
	bool isnull;

	parley_lookup_start(&scope->member, (int64[]){ conversation_id, contact_id });
	return parley_lookup_next(&scope->member) &&
		   DatumGetBool(slot_getattr(scope->member.slot, parley_column(scope->members, column, BOOLOID), &isnull));
}

/* As the list shows it: to its owner, to who gave it, and once its owner has written. */
static bool
phone_is_shown(Scope *scope, int64 conversation_id, int64 contact_id)
{
	return !scope->filter.hides_phones || contact_id == scope->filter.user_id ||
		   member_says(scope, conversation_id, scope->filter.user_id, "gave_phone") ||
		   member_says(scope, conversation_id, contact_id, "has_written");
}

/* Whether the contact that the conversation's column names has the term, in what the user may see of it. */
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
	return is_named_by(scope, conversation, scope->conversation.contact_id) ||
		   is_named_by(scope, conversation, scope->conversation.low_contact_id) ||
		   is_named_by(scope, conversation, scope->conversation.high_contact_id);
}

bool
parley_scope_has_conversation(Scope *scope, TupleTableSlot *conversation)
{
	/* An application's chat is in no list. */
	if (slot_attisnull(conversation, scope->conversation.contact_id) &&
		slot_attisnull(conversation, scope->conversation.low_contact_id))
		return false;
	if (!scope->filter.of_user)
		return true;
	parley_lookup_start(&scope->member, (int64[]){ parley_slot_int64(conversation, scope->conversation.id, NULL),
												   scope->filter.user_id });
	return parley_lookup_next(&scope->member);
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
