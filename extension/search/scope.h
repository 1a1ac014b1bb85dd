/*
 * scope.h: what one search is about, constant once it is open: whose list, which term, after which position, how many
 * rows, and the tables as one snapshot sees them. docs/search.md has the whole picture.
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

/* A place in the list: newer first, at the same time the higher conversation first. */
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
	Position before; /* only what is strictly older is asked for */
	int64 wanted;    /* how many conversations of those, from the newest on */

	Matcher matcher;
	bool is_phone;  /* the term is of digits and what stands between a phone's digits */
	Matcher digits; /* of the term, with is_phone */

	Snapshot snapshot;
	Relation messages, conversations, contacts;
	Relation members; /* of_user */
	Relation cases;   /* where the filter asks for them */
	Lookup conversation_by_id, contact_by_id;
	Lookup member;      /* of_user */
	Lookup messages_of; /* a conversation, up to a number */
	Lookup case_of;     /* a conversation; with cases */
	Lookup unread_of;   /* a conversation after a number; where the filter asks for what is unread */
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
	} case_; /* with cases */
} Scope;

extern const IndexForm parley_messages_key;
extern const IndexForm parley_messages_grams;

/* Opens a search in the current context, under the active snapshot. AccessShareLock on the tables and indexes it reads
 * is kept until the transaction ends. */
extern void parley_scope_open(Scope *scope, const Filter *filter, Position before, int64 wanted);
extern void parley_scope_close(Scope *scope);

/* Whether what is before a cursor may be left unread, which it may not if all are counted. */
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

/* Whether a contact of the conversation in the slot has the term; always so without a term. */
extern bool parley_scope_conversation_is_named(Scope *scope, TupleTableSlot *conversation);

/* Whether the contact in the slot has the term. */
extern bool parley_scope_contact_matches(Scope *scope, TupleTableSlot *contact);

/* Whether the message in the slot matches: the filter lets it, and it has the term, or its conversation is named. */
extern bool parley_scope_message_matches(Scope *scope, TupleTableSlot *message, bool is_named);

/* The newest message of the conversation in the slot that matches; false: there is none. Adds to *read how many were
 * looked at. */
extern bool parley_scope_newest_match(Scope *scope, TupleTableSlot *conversation, bool is_named, Position *place,
									  int64 *number, int64 *read);

/* Starts messages_of at the last message of the conversation in the slot that the filter may let match. */
extern void parley_scope_read_back(Scope *scope, TupleTableSlot *conversation);

/* A bigint column of a slot that is not null; *isnull may be NULL. */
extern int64 parley_slot_int64(TupleTableSlot *slot, AttrNumber column, bool *isnull);

/* About how many rows a table has. */
extern double parley_table_rows(Relation table);

#endif
