/*
 * hits.h: the conversations that a search has met, each with the place in the list that it is known to have.
 *
 * The table lives in the memory context current at parley_hits_create(). A place only ever moves to a newer message,
 * until parley_hits_reopen(), or until a match before the cursor tells that the conversation has been shown.
 */
#ifndef PARLEY_HITS_H
#define PARLEY_HITS_H

#include "postgres.h"

#include "utils/hsearch.h"

#include "search/scope.h"

typedef enum HitState
{
	HIT_OUTSIDE, /* not in this list, or shown before the cursor */
	HIT_OPEN,    /* in this list, without a match so far */
	HIT_MESSAGE, /* shows the message `number`, the newest match so far */
	HIT_NAMED    /* its contact matches: shows its newest message, whichever that is */
} HitState;

typedef struct Hit
{
	int64 conversation_id; /* the key, so it comes first */
	HitState state;
	TimestampTz at;
	int64 number;   /* HIT_MESSAGE */
	bool is_named;  /* its contact is known to match */
	bool is_placed; /* it has been read for its newest match, which holds */
} Hit;

typedef struct Hits
{
	Scope *scope;
	HTAB *table;
	bool is_closed;      /* the table has all conversations of the list, their contacts looked at */
	int64 message_count; /* with is_closed: how many messages these have */
} Hits;

/* What is known of a conversation's contact: that it has the term; nothing, so it is asked; or it is left for later. */
typedef enum Naming
{
	NAMING_KNOWN,
	NAMING_ASKED,
	NAMING_LATER
} Naming;

extern void parley_hits_create(Hits *hits, Scope *scope);

/* What part of all messages is in conversations of the list, as far as is known. */
extern double parley_hits_share(const Hits *hits, double messages);

/* NULL: not met yet. */
extern Hit *parley_hits_find(const Hits *hits, int64 conversation_id);

/* The conversation's entry; *found tells whether it was there, otherwise all but its key is for the caller to set. */
extern Hit *parley_hits_enter(Hits *hits, int64 conversation_id, bool *found);

/* The conversation's entry, made on the first meeting; NULL: not in this list. */
extern Hit *parley_hits_meet(Hits *hits, int64 conversation_id, Naming naming);

/* Meets the conversation in the slot, maybe again; HIT_OUTSIDE: not in this list. */
extern Hit *parley_hits_meet_row(Hits *hits, TupleTableSlot *conversation, Naming naming);

/* Those that are shown, newest first, in the current context; all_places: also those before the first that is asked
 * for. */
extern Hit *parley_hits_sorted(const Hits *hits, bool all_places, int64 *count);

/* Reads the conversation, which is in the slot, for its newest match, and returns how many messages that took. */
extern int64 parley_hits_place(Hits *hits, Hit *hit, TupleTableSlot *conversation);

/* Makes what is shown by a message open again. */
extern void parley_hits_reopen(Hits *hits);

/* The place of the last one wanted, as far as is known; false if there are not that many. since: it is known not to be
 * older. */
extern bool parley_hits_last_wanted(const Hits *hits, TimestampTz since, Position *position);

static inline bool
parley_hit_is_shown(const Hit *hit)
{
	return hit->state == HIT_MESSAGE || hit->state == HIT_NAMED;
}

/*
 * For streams that meet conversations from the newest on: knows when all that is wanted is newer than where they are.
 * What was met before they began is ahead; what they meet must be told.
 */
typedef struct Countdown
{
	Hit *ahead; /* newest first */
	int64 ahead_count;
	int64 passed; /* of ahead */
	int64 met;    /* since */
	int64 wanted;
} Countdown;

extern Countdown parley_countdown_start(const Hits *hits);

/* Whether nothing at `here` or older is wanted. */
extern bool parley_countdown_is_over(Countdown *countdown, Position here);

#endif
