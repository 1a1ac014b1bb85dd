/*
 * scope.h: what one search is about, constant once it is open: whose list, which term, after which position, how many
 * rows, and the tables as one snapshot sees them. docs/search.md has an overview.
 */
#ifndef PARLEY_SCOPE_H
#define PARLEY_SCOPE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "index/lookup.h"
#include "search/filter.h"
#include "text/matcher.h"

/* A place in the list. Newer ones come first and, at the same time, the higher conversation. */
typedef struct Position
{
	TimestampTz at;
	int64 conversation_id;
} Position;

static inline bool
parley_position_is_newer(Position a, Position b)
{
	return a.at != b.at ? a.at > b.at : a.conversation_id > b.conversation_id;
}

typedef struct Scope
{
	Filter filter;
	Position before;  /* only conversations strictly older than this are wanted */
	int64 wanted;     /* how many of those, newest first */
	bool knows_cases; /* the conversations that are met at the moment have cases as the filter asks for */

	Matcher matcher;
	bool is_phone;  /* the term consists of digits and the characters between the digits of a phone */
	Matcher digits; /* for the digits of the term, if is_phone */

	Snapshot snapshot;
	Relation messages, conversations, contacts;
	Relation members; /* if of_user */
	Relation cases;   /* if opened */
	Lookup conversation_by_id, contact_by_id;
	Lookup member;      /* if of_user */
	Lookup messages_of; /* of a conversation, up to a number */
	Lookup case_of;     /* of a conversation; if there are cases */
	Lookup unread_of;   /* of a conversation after a number; if opened */
	struct
	{
		AttrNumber id, contact_id, low_contact_id, high_contact_id, last_number, last_message_at, is_dated_in_order;
		AttrNumber is_settled, operator_read_number;
	} conversation;
	struct
	{
		AttrNumber id, name, phone, phone_digits;
	} contact;
	struct
	{
		AttrNumber conversation_id, number, created_at, content, sender_id;
	} message;
	struct
	{
		AttrNumber status, snoozed_until, assignee_id, labels;
	} case_; /* if there are cases */
} Scope;

extern const IndexForm parley_messages_key;
extern const IndexForm parley_messages_grams;

/* Opens a search in the current memory context, under the active snapshot. AccessShareLock on the tables and indexes
 * that it reads is held until the end of the transaction. */
extern void parley_scope_open(Scope *scope, const Filter *filter, Position before, int64 wanted);
extern void parley_scope_close(Scope *scope);

/* Open what only some filters and lists need, unless it is open already. */
extern void parley_scope_open_cases(Scope *scope);
extern void parley_scope_open_unread(Scope *scope);

/* Returns whether the operator's scope could be opened, with cases. */
extern bool parley_scope_is_possible(void);

/* Returns whether what is before a cursor may be left unread, which is not the case if everything is counted. */
static inline bool
parley_scope_has_cursor(const Scope *scope)
{
	return (scope->before.at != DT_NOEND || scope->before.conversation_id != PG_INT64_MAX) &&
		   scope->wanted != PG_INT64_MAX;
}

static inline bool
parley_scope_asks_for(const Scope *scope, Position position)
{
	return parley_position_is_newer(scope->before, position);
}

/* Returns whether a contact of the conversation in the slot contains the term. Always true without a term. */
extern bool parley_scope_conversation_is_named(Scope *scope, TupleTableSlot *conversation);

/* Returns whether the contact in the slot contains the term. */
extern bool parley_scope_contact_matches(Scope *scope, TupleTableSlot *contact);

/* Returns whether the message in the slot matches: the filter allows it, and it contains the term or its conversation's
 * contact does. */
extern bool parley_scope_message_matches(Scope *scope, TupleTableSlot *message, bool is_named);

/* Finds the newest message of the conversation in the slot that matches. Returns false if there is none. Adds the
 * number of messages read to *read. */
extern bool parley_scope_newest_match(Scope *scope, TupleTableSlot *conversation, bool is_named, Position *place,
									  int64 *number, int64 *read);

/* Starts messages_of at the last message of the conversation in the slot that the filter allows to match, to be read
 * backwards. */
extern void parley_scope_read_back(Scope *scope, TupleTableSlot *conversation);

/* Returns a bigint column of a slot. *isnull may be NULL if the column is not nullable. */
extern int64 parley_slot_int64(TupleTableSlot *slot, AttrNumber column, bool *isnull);

/* Estimates the number of rows of a table. */
extern double parley_table_rows(Relation table);

#endif
