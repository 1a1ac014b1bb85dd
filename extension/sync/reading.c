/*
 * reading.c: see reading.h.
 *
 * What is told must survive a crash, or the ids of transactions that are lost would be given out anew, and taken to be
 * told. A commit that was visible before it was on disk is waited for; "since" is not above the newest transaction that
 * is told, plus one. Only where a backlog comes in pages the whole log is flushed, once.
 *
 * Rows keep 32 bits of their transaction's id, which tells the last 2^32 apart: of older rows a message may be
 * repeated, and a cursor older than 2^30 transactions is refused. A cursor of which nothing became new is kept from
 * getting that old: ids below the last checkpoint's next one are not given out again.
 *
 * Locks XactTruncationLock or ControlFileLock for a moment. Memory: the current context's.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_control.h"
#include "common/controldata_utils.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "ledger/early_release.h"
#include "live/wakeups.h"
#include "sync/reading.h"

/* How far "since" may fall behind before the last checkpoint is looked up. */
#define YOUNG_MAX (UINT64CONST(1) << 20)

/*
 * The log of changes says what a snapshot taken after its place shows. So the caller's, which is older, is not used;
 * and the log is not where the snapshot must be the caller's, or shows what is not in the log yet, the transaction's
 * own writes.
 */
Reading
parley_reading_begin(const text *cursor, int64 user_id, bool thorough)
{
	Reading reading = { .cursor.user_id = user_id, .thorough = thorough };

	if (cursor != NULL)
	{
		reading.cursor = parley_cursor_parse(cursor, user_id);
		parley_cursor_require_resumable(&reading.cursor);
	}
	if (!IsolationUsesXactSnapshot() && !TransactionIdIsValid(GetTopTransactionIdIfAny()))
		reading.place = parley_changes_place();
	PushActiveSnapshot(reading.place == 0 ? GetActiveSnapshot() : GetLatestSnapshot());
	reading.horizon = parley_horizon_of_snapshot(GetActiveSnapshot());
	return reading;
}

bool
parley_reading_changes(const Reading *reading, int64 **sources, int *count)
{
	return reading->place != 0 && !reading->thorough && !reading->cursor.in_round &&
		   parley_changes_since(reading->cursor.changes, reading->cursor.user_id, sources, count);
}

bool
parley_reading_wants(const Reading *reading, TransactionId xid)
{
	const SyncCursor *cursor = &reading->cursor;

	return parley_horizon_is_new(&cursor->told, xid) &&
		   !(cursor->in_round && cursor->round.is_exact && parley_horizon_is_new(&cursor->round, xid));
}

/*
 * Where the commit ends in the log, if the transaction may have become visible before it was on disk. Of one so old
 * that its status is forgotten, the commit is on disk.
 */
static XLogRecPtr
commit_end(TransactionId xid)
{
	XLogRecPtr end = InvalidXLogRecPtr;

	if (RecoveryInProgress())
		return end;
	LWLockAcquire(XactTruncationLock, LW_SHARED);
	if (TransactionIdFollowsOrEquals(xid, compat_oldest_clog_xid()))
		end = TransactionIdGetCommitLSN(xid);
	LWLockRelease(XactTruncationLock);
	return end;
}

void
parley_reading_tell(Reading *reading, TransactionId xid)
{
	reading->reached = true;
	if (!TransactionIdIsNormal(xid))
		return;
	reading->told_end = Max(reading->told_end, commit_end(xid));
	reading->newest = Max(reading->newest, parley_xid_widen(xid) + 1);
}

/* Ids below the last checkpoint's next one are not given out again. The end of its record counts as told. */
static uint64
checkpoint_since(XLogRecPtr *told_end)
{
	bool is_intact;
	ControlFileData *control;
	uint64 since = 0;

	LWLockAcquire(ControlFileLock, LW_SHARED);
	control = get_controlfile(DataDir, &is_intact);
	LWLockRelease(ControlFileLock);
	if (is_intact)
	{
		since = U64FromFullTransactionId(control->checkPointCopy.nextXid);
		*told_end = Max(*told_end, control->checkPoint + 1);
	}
	pfree(control);
	return since;
}

/*
 * Each page has its say, since a standby that lags may read one of them. It does not know the log of changes, and what
 * it leaves untold may stand before the place where the round began.
 */
static void
round_merge(Reading *reading)
{
	SyncCursor *cursor = &reading->cursor;

	cursor->round = parley_horizon_merge(&cursor->round, &reading->horizon);
	if (reading->place == 0)
		cursor->changes = 0;
}

/* The round is told when it is over: what its first snapshot shows, which has to be on disk for that. */
static void
round_continue(Reading *reading)
{
	SyncCursor *cursor = &reading->cursor;

	if (cursor->in_round)
		round_merge(reading);
	else
	{
		parley_await_durable_log();
		cursor->round = reading->horizon;
		cursor->changes = reading->place;
		cursor->in_round = true;
	}
	if (!RecoveryInProgress())
		reading->told_end = GetFlushRecPtr(NULL);
}

/* False: there is nothing to tell of, and the cursor stays as it was, with the place where it was issued. */
static bool
round_end(Reading *reading)
{
	SyncCursor *cursor = &reading->cursor;
	uint64 since = Max(cursor->told.since, reading->newest);
	bool is_young = reading->horizon.since < since + YOUNG_MAX;

	if (cursor->in_round)
	{
		round_merge(reading);
		cursor->told = cursor->round;
		cursor->in_round = false;
		return true;
	}
	cursor->changes = reading->place;
	if (!reading->reached && cursor->told.is_exact && cursor->told.since != 0 && is_young)
		return false;
	cursor->told = reading->horizon;
	parley_horizon_lower(&cursor->told, is_young ? since : Max(since, checkpoint_since(&reading->told_end)));
	return true;
}

void
parley_reading_end(Reading *reading, bool more)
{
	XLogRecPtr told_early = reading->told_end;

	XLogRecPtr shown_end = parley_changes_commit_end(GetActiveSnapshot());

	PopActiveSnapshot();
	if (more)
		round_continue(reading);
	else if (!round_end(reading))
		return;
	if (!RecoveryInProgress())
	{
		parley_await_durable_place(told_early);
		XLogFlush(reading->told_end);
	}
	parley_cursor_locate(&reading->cursor, shown_end, reading->told_end);
}
