/*
 * early_release.c: see early_release.h.
 *
 * PostgreSQL holds a transaction's locks until its commit record is on disk, and on the disk of a synchronous standby.
 * If everybody pays into one account, or writes to one chat, commits are then as far apart as both latencies together.
 * Here the commit record is written as with synchronous_commit = off, which releases the locks at once. After that, but
 * before the client hears of it, we wait for the flush and the standby. This is early lock release, as in Johnson et
 * al., "Aether: A Scalable Approach to Logging", VLDB 2010.
 *
 * We do it only if someone waits for us, or if we had to wait ourselves. An asynchronous commit also wakes the WAL
 * writer, which would be wasted if nobody gains from it.
 *
 * A transaction that has seen our rows writes its commit record after ours, so it cannot become durable, here or on the
 * standby, without ours. A transaction that only reads writes no commit record. That is why the reading functions of
 * the ledger and of chats call await_durable(): nobody is shown what a crash or a failover could undo.
 *
 * Owns no memory. `state` belongs to the current transaction, crowded_row to the session.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "utils/guc.h"
#include "utils/resowner.h"
#include "utils/wait_event.h"

#include "compat.h"
#include "ledger/early_release.h"

PG_FUNCTION_INFO_V1(parley_release_locks_early);
PG_FUNCTION_INFO_V1(parley_await_durable);

static enum {
	AS_USUAL,
	ALLOWED,     /* the transaction may release early */
	CONTENDED,   /* also, it had to wait for the row, or this session recently had to */
	NOT_FLUSHED, /* committing; synchronous_commit_setting has the value to restore */
} state = AS_USUAL;

static int synchronous_commit_setting;

static bool early_release = true; /* the setting */

/* A row that made this session wait is likely to do so again, even if it happens to be free right now. */
#define CROWDED_FOR 100
static uint64 crowded_row;
static int crowded_left; /* number of transactions for which we still expect crowded_row to be contended */

void
parley_release_early(uint64 row)
{
	if (!early_release || synchronous_commit == SYNCHRONOUS_COMMIT_OFF || IsTransactionBlock())
		return;
	if (state == AS_USUAL)
		state = ALLOWED;
	if (crowded_left > 0 && row == crowded_row)
	{
		crowded_left--;
		state = CONTENDED;
	}
}

void
parley_release_early_contended(uint64 row)
{
	crowded_row = row;
	crowded_left = CROWDED_FOR;
	if (state == ALLOWED)
		state = CONTENDED;
}

Datum
parley_release_locks_early(PG_FUNCTION_ARGS)
{
	uint64 row = (uint64) PG_GETARG_INT64(0);

	parley_release_early(row);
	if (PG_GETARG_BOOL(1))
		parley_release_early_contended(row);
	PG_RETURN_VOID();
}

static void
commit_as_usual(void)
{
	if (state == NOT_FLUSHED)
		synchronous_commit = synchronous_commit_setting;
	state = AS_USUAL;
}

static void
on_transaction_event(XactEvent event, void *arg)
{
	TransactionId xid = GetTopTransactionIdIfAny();
	bool is_waited_for = false;

	/* Whoever waits for a row that this transaction has locked waits for its transaction ID. */
	if (event == XACT_EVENT_PRE_COMMIT && state == ALLOWED && TransactionIdIsValid(xid))
	{
		LOCKTAG tag;

		SET_LOCKTAG_TRANSACTION(tag, xid);
		is_waited_for = LockHasWaiters(&tag, ExclusiveLock, false);
	}
	if (event == XACT_EVENT_PRE_COMMIT && (state == CONTENDED || is_waited_for))
	{
		synchronous_commit_setting = synchronous_commit;
		synchronous_commit = SYNCHRONOUS_COMMIT_OFF;
		state = NOT_FLUSHED;
	}
	/* If it has not been flushed, on_locks_released() follows the commit. */
	else if ((event == XACT_EVENT_COMMIT && state != NOT_FLUSHED) || event == XACT_EVENT_ABORT ||
			 event == XACT_EVENT_PREPARE)
		commit_as_usual();
}

static void
on_locks_released(ResourceReleasePhase phase, bool is_commit, bool is_top_level, void *arg)
{
	if (state != NOT_FLUSHED || phase != RESOURCE_RELEASE_AFTER_LOCKS || !is_commit || !is_top_level)
		return;
	commit_as_usual();
	/* The transaction is committed. If we cannot make it durable, nobody may hear that it succeeded. */
	START_CRIT_SECTION();
	XLogFlush(XactLastCommitEnd);
	END_CRIT_SECTION();
	SyncRepWaitForLSN(XactLastCommitEnd, true);
}

void
parley_early_release_init(void)
{
	DefineCustomBoolVariable(
		"parley.early_release", "Releases the locks of postings before their commit is durable.",
		"The client is still told only when it is durable. Turn this off for functions that post and also "
		"write to tables of their own, because readers of those do not wait.",
		&early_release, true, PGC_USERSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(on_transaction_event, NULL);
	RegisterResourceReleaseCallback(on_locks_released, NULL);
}

XLogRecPtr
parley_log_end(void)
{
	XLogRecPtr end = GetXLogInsertRecPtr();

	/* At the start of a page, this is past the page header, which is not written yet. */
	if (XLogSegmentOffset(end, wal_segment_size) == SizeOfXLogLongPHD)
		return end - SizeOfXLogLongPHD;
	return end % XLOG_BLCKSZ == SizeOfXLogShortPHD ? end - SizeOfXLogShortPHD : end;
}

/* Returns whether the synchronous standbys, if any, have confirmed the WAL up to `place`. */
static bool
standbys_have_confirmed(XLogRecPtr place)
{
	bool confirmed;

	LWLockAcquire(SyncRepLock, LW_SHARED);
	confirmed = !compat_sync_standbys_defined() || WalSndCtl->lsn[SYNC_REP_WAIT_FLUSH] >= place;
	LWLockRelease(SyncRepLock);
	return confirmed;
}

void
parley_await_durable_place(XLogRecPtr place)
{
	XLogFlush(place);
	/* We cannot use SyncRepWaitForLSN(), which is for transactions that have committed: if cancelled, it only warns. A
	 * reader must get an error instead of a result. */
	while (max_wal_senders > 0 && !standbys_have_confirmed(place))
	{
		CHECK_FOR_INTERRUPTS();
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 1, WAIT_EVENT_SYNC_REP);
		ResetLatch(MyLatch);
	}
}

Datum
parley_await_durable(PG_FUNCTION_ARGS)
{
	if (!RecoveryInProgress())
		parley_await_durable_place(parley_log_end());
	PG_RETURN_VOID();
}
