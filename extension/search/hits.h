/*
 * hits.h: the conversations that a search has met, each with its place in the list as far as it is known.
 *
 * The table is allocated in the memory context that is current at parley_hits_create(). A place only ever moves to a
 * newer message, until parley_hits_reopen(), or until a match before the cursor shows that the conversation was on an
 * earlier page.
 */
#ifndef PARLEY_HITS_H
#define PARLEY_HITS_H

#include "postgres.h"

#include "utils/hsearch.h"

#include "index/rows.h"
#include "search/scope.h"

typedef enum HitState
{
	HIT_OUTSIDE, /* not in this list, or shown before the cursor */
	HIT_CHOSEN,  /* in this list according to its case, but it has not been looked up */
	HIT_OPEN,    /* in this list, without a match so far */
	HIT_MESSAGE, /* shows the message `number`, which is the newest match so far */
	HIT_NAMED    /* its contact matches, so it shows its newest message, whichever that is */
} HitState;

typedef struct Hit
{
	int64 conversation_id; /* the key, which must come first */
	HitState state;
	TimestampTz at;
	int64 number;   /* if HIT_MESSAGE */
	bool is_named;  /* its contact is known to match */
	bool is_placed; /* it has been read for its newest match, so this one is final */
} Hit;

typedef struct Hits
{
	Scope *scope;
	HTAB *table;
	bool is_closed;      /* the table contains all conversations of the list, and their contacts have been looked at */
	int64 message_count; /* if is_closed: the number of messages in these conversations */
} Hits;

/* Whether a conversation's contact matches: it does, it is unknown and must be checked, or that is left for later. */
typedef enum Naming
{
	NAMING_KNOWN,
	NAMING_ASKED,
	NAMING_LATER
} Naming;

extern void parley_hits_create(Hits *hits, Scope *scope);

/* Returns the share of all messages that are in conversations of the list, as far as is known. */
extern double parley_hits_share(const Hits *hits, double messages);

/* Returns NULL if the conversation has not been met. */
extern Hit *parley_hits_find(const Hits *hits, int64 conversation_id);

/* Returns the conversation's entry. If it did not exist (*found), the caller must set everything except the key. */
extern Hit *parley_hits_enter(Hits *hits, int64 conversation_id, bool *found);

/* Returns the conversation's entry, and creates it at the first meeting. Returns NULL if it is not in this list. */
extern Hit *parley_hits_meet(Hits *hits, int64 conversation_id, Naming naming);

/* Enters a conversation that is in this list according to its case, without looking it up. */
extern void parley_hits_choose(Hits *hits, int64 conversation_id);

/* Same as parley_hits_meet() for the conversation in the slot, which may have been met before. HIT_OUTSIDE means that
 * it is not in this list. */
extern Hit *parley_hits_meet_row(Hits *hits, TupleTableSlot *conversation, Naming naming);

/* Returns the hits that are shown, newest first, in the current memory context. If all_places, includes those before
 * the first one that is asked for. */
extern Hit *parley_hits_sorted(const Hits *hits, bool all_places, int64 *count);

/* Finds the newest match of a conversation, which is in the slot, by reading it. Returns the number of messages read.
 */
extern int64 parley_hits_place(Hits *hits, Hit *hit, TupleTableSlot *conversation);

/* Returns the messages in a set that are in conversations of the list that have been met, in physical order. Only reads
 * the index. */
extern Rows parley_hits_rows(const Hits *hits, const RowSet *set);

/* Makes all hits that show a message open again. */
extern void parley_hits_reopen(Hits *hits);

/* Finds the place of the last conversation wanted, as far as is known. Returns false if there are not that many. It is
 * known not to be older than `since`. */
extern bool parley_hits_last_wanted(const Hits *hits, TimestampTz since, Position *position);

static inline bool
parley_hit_is_shown(const Hit *hit)
{
	return hit->state == HIT_MESSAGE || hit->state == HIT_NAMED;
}

/*
 * For streams that meet conversations newest first: knows when everything wanted is newer than their position. What was
 * met before they began is in `ahead`; they must report what they meet.
 */
typedef struct Countdown
{
	Hit *ahead; /* newest first */
	int64 ahead_count;
	int64 passed; /* number of entries of `ahead` */
	int64 met;    /* since the start */
	int64 wanted;
} Countdown;

extern Countdown parley_countdown_start(const Hits *hits);

/* Returns whether nothing at `here` or older is wanted. */
extern bool parley_countdown_is_over(Countdown *countdown, Position here);

#endif
