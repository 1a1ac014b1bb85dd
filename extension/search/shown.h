/*
 * shown.h: the columns of the operator's list: a conversation, one of its messages, its contact and its case, read
 * directly. That takes half the time of a statement, which would look up the same rows.
 */
#ifndef PARLEY_SHOWN_H
#define PARLEY_SHOWN_H

#include "postgres.h"

#include "search/scope.h"

/* In the order of parley.recent_conversation, without total_count, next_cursor, match_start, match_length and
 * incomplete. */
enum
{
	SHOWN_CONVERSATION_ID,
	SHOWN_MESSAGE_ID,
	SHOWN_CONTENT,
	SHOWN_TIMESTAMP,
	SHOWN_CONTACT_ID,
	SHOWN_NAME,
	SHOWN_PHONE_NUMBER,
	SHOWN_KIND,
	SHOWN_STATUS,
	SHOWN_ASSIGNEE_ID,
	SHOWN_LABELS,
	SHOWN_UNREAD,
	SHOWN_SENDER_ID,
	SHOWN_AGENT_ID
};

typedef struct Shown
{
	Scope *scope;
	Lookup message; /* by conversation and number */
	AttrNumber kind, newest_number, agent_id;
	bool has_cases; /* in any conversation; assumed if a serializable transaction must notice new ones */
	Datum no_labels;
} Shown;

/* Returns whether parley_latest_open() and parley_shown_open() can read the tables. Otherwise a statement can. */
extern bool parley_shown_is_possible(void);

/* Opens what is needed beyond the scope, which must not be a user's, and must be closed later. kind_type is the type of
 * the column kind. */
extern void parley_shown_open(Shown *shown, Scope *scope, Oid kind_type);
extern void parley_shown_close(Shown *shown);

/* Sets the columns for the conversation in the slot and the message with the number, or its newest one if that is 0.
 * They are valid until the next row is read. Returns false if there is no such message. */
extern bool parley_shown_read(Shown *shown, TupleTableSlot *conversation, int64 number, Datum *values, bool *nulls);

#endif
