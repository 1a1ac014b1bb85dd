/*
 * cursor.h: a reader's position: what has been delivered to it, and in which history.
 */
#ifndef PARLEY_SYNC_CURSOR_H
#define PARLEY_SYNC_CURSOR_H

#include "postgres.h"

#include "access/xlogdefs.h"

#include "sync/horizon.h"

typedef struct SyncCursor
{
	uint64 system_identifier;
	TimeLineID timeline;
	XLogRecPtr lsn; /* everything that was delivered lies before this */
	int64 user_id;  /* whose cursor it is, because users are sent different things; 0 is the operator */
	uint64 changes; /* the position in the change log (live/wakeups.h), or 0 if there is none */
	Horizon told;   /* what the completed rounds delivered */
	/* For a backlog that is delivered in several pages, which form a round. */
	bool in_round;
	Horizon round;   /* what is delivered when the round is complete */
	int64 source_id; /* where the last page ended: at this entry of this source (sync.c) */
	int64 number;
	int64 told_number; /* the last entry of that source that earlier rounds delivered */
} SyncCursor;

/* Parses a cursor. Fails with 22023 if it is not a valid cursor, or belongs to another user. */
extern SyncCursor parley_cursor_parse(const text *given, int64 user_id);

extern text *parley_cursor_form(const SyncCursor *cursor);

/*
 * Sets system_identifier, timeline and lsn to the current position of this server. commit_end is the end of the last
 * durable commit that was shown, or InvalidXLogRecPtr if it is not known. told_end is a place before which everything
 * that is told is known to lie, or InvalidXLogRecPtr if everything was confirmed before anyone saw it. lsn does not go
 * back, except on a standby, whose snapshot must then be all that is told.
 */
extern void parley_cursor_locate(SyncCursor *cursor, XLogRecPtr commit_end, XLogRecPtr told_end);

/* Fails with PY410 if the cursor comes from another cluster or a lost timeline, or is too old. */
extern void parley_cursor_require_resumable(const SyncCursor *cursor);

#endif
