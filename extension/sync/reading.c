/*
 * reading.c: see reading.h.
 *
 * Whatever is delivered must survive a crash. Otherwise the IDs of lost transactions would be assigned again, and the
 * new ones would count as told. So we wait for commits that were visible before they were on disk, and "since" is never
 * above the newest transaction that was delivered, plus one. Only if a backlog is delivered in several pages do we
 * wait for the whole WAL, once.
 *
 * Rows keep only 32 bits of their transaction's ID, which distinguish the last 2^32 transactions. A message in an older
 * row may be delivered again, and a cursor older than 2^30 transactions is refused. A cursor with nothing new is kept
 * from getting that old: IDs below the next ID of the last checkpoint are never assigned again.
 *
 * Locks XactTruncationLock or ControlFileLock briefly. Memory is allocated in the current context.
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

/* How far "since" may fall behind before we look at the last checkpoint. */
#define YOUNG_MAX (UINT64CONST(1) << 20)

/*
 * The change log contains everything that a snapshot taken after its place sees. So we take a new snapshot rather than
 * the caller's, which is older. We do not use the log if the snapshot must be the caller's (in a parallel worker too),
 * or sees the transaction's own writes, which are not in the log yet.
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
	if (!IsolationUsesXactSnapshot() && !IsInParallelMode() && !TransactionIdIsValid(GetTopTransactionIdIfAny()))
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

void
parley_reading_tell(Reading *reading, TransactionId xid)
{
	XLogRecPtr commit_end = InvalidXLogRecPtr;

	reading->reached = true;
	if (!TransactionIdIsNormal(xid))
		return;
	/*
	 * The transaction may have become visible before its commit was on disk. If it is so old that its status was
	 * truncated, its commit is on disk.
	 */
	if (!RecoveryInProgress())
	{
		LWLockAcquire(XactTruncationLock, LW_SHARED);
		if (TransactionIdFollowsOrEquals(xid, compat_oldest_clog_xid()))
			commit_end = TransactionIdGetCommitLSN(xid);
		LWLockRelease(XactTruncationLock);
	}
	reading->told_end = Max(reading->told_end, commit_end);
	reading->newest = Max(reading->newest, parley_xid_widen(xid) + 1);
}

/* Returns the next ID of the last checkpoint. IDs below it are never assigned again. The end of the checkpoint's record
 * counts as delivered. */
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
 * Merges the horizon of each page, because a standby that lags may have served one of them. A standby has no change
 * log, so what it leaves untold may be before the place where the round began.
 */
static void
round_merge(Reading *reading)
{
	SyncCursor *cursor = &reading->cursor;

	cursor->round = parley_horizon_merge(&cursor->round, &reading->horizon);
	if (reading->place == 0)
		cursor->changes = 0;
}

/*
 * When the round is complete, everything is told that its first snapshot sees. That may be more than what was
 * delivered, so it must be on disk, and confirmed by a synchronous standby.
 */
static void
round_continue(Reading *reading)
{
	SyncCursor *cursor = &reading->cursor;

	if (cursor->in_round)
		round_merge(reading);
	else
	{
		cursor->round = reading->horizon;
		cursor->changes = reading->place;
		cursor->in_round = true;
		if (!RecoveryInProgress())
			reading->told_end = Max(reading->told_end, parley_log_end());
	}
}

/* Returns false if there is nothing to deliver. The cursor then stays as it was, including the place where it was
 * issued. */
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
	XLogRecPtr shown_end = parley_changes_commit_end(GetActiveSnapshot());

	PopActiveSnapshot();
	if (more)
		round_continue(reading);
	else if (!round_end(reading))
		return;
	if (!RecoveryInProgress())
		parley_await_durable_place(reading->told_end);
	parley_cursor_locate(&reading->cursor, shown_end, reading->told_end);
}
