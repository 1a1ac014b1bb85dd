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

/*
 * Which conversations are in a list, and which of their messages may match. Every condition has its part in
 * parley_scope_has_conversation() or parley_scope_message_matches(), in the estimate parley_hits_share(), and in the
 * hash by which a cursor is known to belong to the list.
 */
typedef struct Filter
{
	bool of_user; /* the conversations of user_id; otherwise the operator's */
	int64 user_id;
	bool hides_phones; /* of_user: a phone matches only where the list shows it */
	text *term;        /* NULL: no term */
} Filter;

extern uint32 parley_filter_hash(const Filter *filter);

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
	Lookup conversation_by_id, contact_by_id;
	Lookup member;      /* of_user */
	Lookup messages_of; /* a conversation; with a cursor only */
	struct
	{
		AttrNumber id, contact_id, low_contact_id, high_contact_id, last_number, last_message_at, is_dated_in_order;
	} conversation;
	struct
	{
		AttrNumber id, name, phone, phone_digits;
	} contact;
	struct
	{
		AttrNumber conversation_id, number, created_at, content;
	} message;
} Scope;

extern const IndexForm parley_messages_key;
extern const IndexForm parley_messages_grams;

/* Opens a search in the current context, under the active snapshot; the filter has a term. AccessShareLock on the
 * tables and indexes it reads is kept until the transaction ends. */
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

/* Whether the conversation in the slot is in the list, whatever of it matches. */
extern bool parley_scope_has_conversation(Scope *scope, TupleTableSlot *conversation);

/* Whether a contact of the conversation in the slot has the term. */
extern bool parley_scope_conversation_is_named(Scope *scope, TupleTableSlot *conversation);

/* Whether the contact, or the message, in the slot has the term. */
extern bool parley_scope_contact_matches(Scope *scope, TupleTableSlot *contact);
extern bool parley_scope_message_matches(Scope *scope, TupleTableSlot *message);

/* A bigint column of a slot that is not null; *isnull may be NULL. */
extern int64 parley_slot_int64(TupleTableSlot *slot, AttrNumber column, bool *isnull);

/* About how many rows a table has. */
extern double parley_table_rows(Relation table);

#endif
