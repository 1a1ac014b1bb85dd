/*
 * reading.h: reads the database for a cursor, and makes the next cursor.
 */
#ifndef PARLEY_SYNC_READING_H
#define PARLEY_SYNC_READING_H

#include "postgres.h"

#include "sync/cursor.h"
#include "sync/horizon.h"

typedef struct Reading
{
	SyncCursor cursor;
	uint64 place;    /* in the change log, from before the snapshot; 0 if there is none */
	Horizon horizon; /* what the snapshot sees */
	bool reached;    /* something has changed, even if there was nothing to deliver */
	uint64 newest;   /* the newest transaction that was delivered, plus one */
	bool thorough;
	XLogRecPtr told_end; /* what is told lies before it in the WAL, unless it was on disk before it was visible */
} Reading;

/*
 * Starts reading at the given cursor, or at the beginning if it is NULL. Pushes an active snapshot. If `thorough`, does
 * not use the change log. Fails like parley_cursor_parse() and parley_cursor_require_resumable().
 */
extern Reading parley_reading_begin(const text *cursor, int64 user_id, bool thorough);

/* Returns the user's sources that may have changed since the cursor, as parley_changes_since() does. Returns false if
 * they are not known. */
extern bool parley_reading_changes(const Reading *reading, int64 **sources, int *count);

/* Returns whether a row of the transaction has to be delivered. */
extern bool parley_reading_wants(const Reading *reading, TransactionId xid);

/* Call this for each row that is delivered, and for each row that is new even if it had nothing to deliver. */
extern void parley_reading_tell(Reading *reading, TransactionId xid);

/* Pops the snapshot and turns the cursor into the next one. Pass `more` if this was a page, and not the last one of its
 * round. */
extern void parley_reading_end(Reading *reading, bool more);

#endif
