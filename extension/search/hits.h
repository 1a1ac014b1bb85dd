/*
 * hits.h: the conversations that a search has met, each with the place in the list that it is known to have.
 *
 * The table lives in the memory context current at parley_hits_create(). A place only ever moves to a newer message,
 * until parley_hits_reopen(), or until a match before the cursor tells that the conversation has been shown.
 */
#ifndef PARLEY_HITS_H
#define PARLEY_HITS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/hsearch.h"

/* A place in the list: newer first, at the same time the higher conversation first. */
typedef struct Position
{
	TimestampTz at;
	int64 conversation_id;
} Position;

typedef enum HitState
{
	HIT_OUTSIDE, /* not of this list, or shown before the cursor */
	HIT_OPEN,    /* of this list, without a match so far */
	HIT_MESSAGE, /* shows the message `number`, the newest match so far */
	HIT_NAMED    /* its contact matches: shows its newest message, whichever that is */
} HitState;

typedef struct Hit
{
	int64 conversation_id; /* the key, so it comes first */
	HitState state;
	TimestampTz at;
	int64 number; /* HIT_MESSAGE */
} Hit;

typedef struct Hits
{
	HTAB *table;
	Position before; /* only what is strictly older is asked for */
	int64 wanted;    /* how many of those, from the newest on */
} Hits;

extern void parley_hits_create(Hits *hits, Position before, int64 wanted);

/* NULL: not met yet. */
extern Hit *parley_hits_find(const Hits *hits, int64 conversation_id);

/* The conversation's entry; *found tells whether it was there, otherwise all but its key is for the caller to set. */
extern Hit *parley_hits_enter(Hits *hits, int64 conversation_id, bool *found);

/* Those that are shown, newest first, in the current context; all_places: also those before the first that is asked
 * for. */
extern Hit *parley_hits_sorted(const Hits *hits, bool all_places, int64 *count);

/* Makes what is shown by a message open again. */
extern void parley_hits_reopen(Hits *hits);

extern bool parley_hits_asks_for(const Hits *hits, Position position);

/* The place of the last one wanted, as far as is known; false where there are not that many. since: it is known not to
 * be older. */
extern bool parley_hits_last_wanted(const Hits *hits, TimestampTz since, Position *position);

static inline bool
parley_position_is_newer(Position a, Position b)
{
	return a.at != b.at ? a.at > b.at : a.conversation_id > b.conversation_id;
}

static inline bool
parley_hit_is_shown(const Hit *hit)
{
	return hit->state == HIT_MESSAGE || hit->state == HIT_NAMED;
}

/*
 * For those who meet conversations from the newest on: knows when all that is wanted is newer than where they are. What
 * was met before they began is ahead; what they meet must be told.
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
