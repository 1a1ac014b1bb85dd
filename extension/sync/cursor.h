/*
 * cursor.h: where a reader is: what it has been told, and in which history.
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
	XLogRecPtr lsn; /* all that was told lies before it */
	int64 user_id;  /* what has been told to one user, another has not seen; 0: the operator */
	uint64 changes; /* the place in the log of changes (live/wakeups.h); 0: none */
	Horizon told;   /* by the rounds that are over */
	/* Of a backlog that comes in pages. */
	bool in_round;
	Horizon round;   /* what is told when the round is over */
	int64 source_id; /* where the last page ended: this entry of this source (sync.c) */
	int64 number;
	int64 told_number; /* in that source, the last entry told by the rounds before */
} SyncCursor;

/* Errors: 22023 not a cursor of sync's, or another user's. */
extern SyncCursor parley_cursor_parse(const text *given, int64 user_id);

extern text *parley_cursor_form(const SyncCursor *cursor);

/*
 * Sets system_identifier, timeline and lsn to where this server is. commit_end: where the last commit ends of what was
 * shown; InvalidXLogRecPtr: not known. told_end: a place before which all that has been
 * told lies, as far as it is known; InvalidXLogRecPtr: what was told was confirmed before anyone saw it.
 */
extern void parley_cursor_locate(SyncCursor *cursor, XLogRecPtr commit_end, XLogRecPtr told_end);

/* Errors: PY410 the cursor is of another cluster, of a lost timeline, or too old. */
extern void parley_cursor_require_resumable(const SyncCursor *cursor);

#endif
