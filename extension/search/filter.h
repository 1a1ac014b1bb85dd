/*
 * filter.h: which conversations are in a list, and which of their messages may match, according to the arguments.
 */
#ifndef PARLEY_FILTER_H
#define PARLEY_FILTER_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"

typedef enum SenderFilter
{
	SENDER_ANY,
	SENDER_CONTACT, /* any contact */
	SENDER_OPERATOR,
	SENDER_ONE /* that with sender_id */
} SenderFilter;

typedef enum StatusFilter
{
	STATUS_ANY,
	STATUS_OPEN,
	STATUS_SNOOZED,
	STATUS_RESOLVED
} StatusFilter;

typedef enum UnreadFilter
{
	UNREAD_ANY,
	UNREAD_SOME,
	UNREAD_NONE
} UnreadFilter;

/*
 * Every condition has its part in parley_is_listed() or parley_scope_message_matches(), in the estimate
 * parley_hits_share(), and in the hash by which a cursor is known to belong to the list.
 */
typedef struct Filter
{
	bool of_user; /* the conversations of user_id, otherwise the operator's */
	int64 user_id;
	bool hides_phones; /* if of_user: a phone matches only if the list shows it */
	text *term;        /* NULL if there is none */

	/* Which messages may match. */
	TimestampTz from, to;
	SenderFilter sender;
	int64 sender_id;

	/* Which conversations are listed. */
	UnreadFilter unread;
	StatusFilter status;
	bool has_assignee;
	int64 assignee_id; /* 0 for unassigned */
	text *label;       /* NULL for any */
} Filter;

/* The filter that lets everything through. */
#define FILTER_NONE                        \
	{                                      \
		.from = DT_NOBEGIN, .to = DT_NOEND \
	}

/*
 * Reads the arguments from the first on, as many of them as the function has: from, to, sender, unread, status,
 * assignee_id, label. Fails with 22023 if from is after to.
 */
extern void parley_filter_read(Filter *filter, FunctionCallInfo fcinfo, int first);

/* Not for STATUS_ANY. */
extern const char *parley_status_name(StatusFilter status);

extern uint32 parley_filter_hash(const Filter *filter);

/* Returns whether only some messages may match. */
static inline bool
parley_filter_narrows(const Filter *filter)
{
	return filter->from != DT_NOBEGIN || filter->to != DT_NOEND || filter->sender != SENDER_ANY;
}

/* Returns whether the case of a conversation must be looked up. */
static inline bool
parley_filter_asks_case(const Filter *filter)
{
	return filter->status != STATUS_ANY || filter->has_assignee || filter->label != NULL;
}

static inline bool
parley_filter_is_empty(const Filter *filter)
{
	return filter->term == NULL && !parley_filter_narrows(filter) && !parley_filter_asks_case(filter) &&
		   filter->unread == UNREAD_ANY;
}

#endif
