/*
 * reading.h: one reading of the database for a cursor: from what the cursor has told to the cursor that goes on.
 */
#ifndef PARLEY_SYNC_READING_H
#define PARLEY_SYNC_READING_H

#include "postgres.h"

#include "sync/cursor.h"
#include "sync/horizon.h"

typedef struct Reading
{
	SyncCursor cursor;
	uint64 place;    /* in the log of changes, before the snapshot; 0: there is none */
	Horizon horizon; /* what the snapshot shows */
	bool reached;    /* something has changed, whether there is anything to tell of it or not */
	uint64 newest;   /* transaction that is told of, plus one */
	bool thorough;
	XLogRecPtr told_end; /* of what was visible before it was on disk, where the last ends in the log */
} Reading;

/*
 * Begins at the cursor given (NULL: at the beginning), with an active snapshot of its own. thorough: the log of changes
 * is not asked.
 * Errors: as parley_cursor_parse() and parley_cursor_require_resumable().
 */
extern Reading parley_reading_begin(const text *cursor, int64 user_id, bool thorough);

/* The user's sources that may have changed since the cursor; false: it is not known. As parley_changes_since(). */
extern bool parley_reading_changes(const Reading *reading, int64 **sources, int *count);

/* Whether a row of the transaction is to be told. */
extern bool parley_reading_wants(const Reading *reading, TransactionId xid);

/* A row of the transaction is told, or would be if there were anything to tell. */
extern void parley_reading_tell(Reading *reading, TransactionId xid);

/* Ends it, and makes the cursor the next one; more: what it tells is a page, and not the last of its round. */
extern void parley_reading_end(Reading *reading, bool more);

#endif
