/*
 * early_release.c: committing without holding locks while the disk writes.
 *
 * PostgreSQL keeps a transaction's locks until its commit record is on disk, and on that of a synchronous standby. On
 * an account that everybody pays into, or in a chat that everybody writes to, that makes the latency of both the time
 * between two commits. Here the commit record is written as with synchronous_commit = off, which frees the locks at
 * once, and flush and standby are waited for after that, before the client hears of it: early lock release, as in
 * Johnson et al., "Aether: A Scalable Approach to Logging", VLDB 2010.
 *
 * It is done only where somebody waits or had to: an asynchronous commit also wakes the WAL writer, for nothing where
 * nobody gains by it.
 *
 * A transaction that saw this one's rows has its commit record behind this one's, so it cannot be durable, nor with the
 * standby, without it. Who only reads writes no commit record: the reading functions of the ledger and of chats end
 * with await_durable(), so that nobody is shown what a crash or a failover could take back.
 *
 * Owns no memory; state is that of the current transaction, crowded_row the session's.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "utils/guc.h"
#include "utils/resowner.h"
#include "utils/wait_event.h"

#include "ledger/early_release.h"

PG_FUNCTION_INFO_V1(parley_release_locks_early);
PG_FUNCTION_INFO_V1(parley_await_durable);

static enum {
	AS_USUAL,
	ALLOWED,     /* by the transaction that runs */
	CONTENDED,   /* and it had to wait itself, or does lately */
	NOT_FLUSHED, /* it is committing: synchronous_commit_setting has what is to be restored */
} state = AS_USUAL;

static int synchronous_commit_setting;

static bool early_release = true; /* the setting */

/* A row that made this session wait will do so again, also where it happens to be free just now. */
#define CROWDED_FOR 100
static uint64 crowded_row;
static int crowded_left; /* transactions until it is taken for an ordinary one */

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

/* Whether somebody waits for a row that this transaction has locked: they wait for its id. */
static bool
is_waited_for(void)
{
	TransactionId xid = GetTopTransactionIdIfAny();
	LOCKTAG tag;

	if (!TransactionIdIsValid(xid))
		return false;
	SET_LOCKTAG_TRANSACTION(tag, xid);
	return LockHasWaiters(&tag, ExclusiveLock, false);
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
on_transaction_event(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_COMMIT && (state == CONTENDED || (state == ALLOWED && is_waited_for())))
	{
		synchronous_commit_setting = synchronous_commit;
		synchronous_commit = SYNCHRONOUS_COMMIT_OFF;
		state = NOT_FLUSHED;
	}
	else if ((event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT) && state == NOT_FLUSHED)
	{
		synchronous_commit = synchronous_commit_setting;
		if (event == XACT_EVENT_ABORT)
			state = AS_USUAL;
	}
	else if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		state = AS_USUAL;
}

static void
on_locks_released(ResourceReleasePhase phase, bool is_commit, bool is_top_level, void *arg)
{
	if (state != NOT_FLUSHED || phase != RESOURCE_RELEASE_AFTER_LOCKS || !is_commit || !is_top_level)
		return;
	state = AS_USUAL;
	/* It is committed: if it cannot be made durable, nobody may hear that it was. */
	START_CRIT_SECTION();
	XLogFlush(XactLastCommitEnd);
	END_CRIT_SECTION();
	SyncRepWaitForLSN(XactLastCommitEnd, true);
}

void
parley_early_release_init(void)
{
	DefineCustomBoolVariable(
		"parley.early_release", "Lets postings free their account before their commit is durable.",
		"Their answer waits for that all the same. Set it off for a function that posts, and writes "
		"tables of its own as well: who reads those does not wait.",
		&early_release, true, PGC_USERSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(on_transaction_event, NULL);
	RegisterResourceReleaseCallback(on_locks_released, NULL);
}

/* The end of the last record inserted. At a page's start GetXLogInsertRecPtr() is past a header that is not written
 * yet. */
static XLogRecPtr
log_end(void)
{
	XLogRecPtr end = GetXLogInsertRecPtr();

	if (XLogSegmentOffset(end, wal_segment_size) == SizeOfXLogLongPHD)
		return end - SizeOfXLogLongPHD;
	return end % XLOG_BLCKSZ == SizeOfXLogShortPHD ? end - SizeOfXLogShortPHD : end;
}

void
parley_await_durable_log(void)
{
	/* What a snapshot shows was inserted into the log before now. A standby replays only what is flushed. */
	if (!RecoveryInProgress())
		XLogFlush(log_end());
}

/* Whether the synchronous standbys, where there are any, have confirmed the log as far as the place. */
static bool
is_confirmed(XLogRecPtr place)
{
	bool confirmed;

	LWLockAcquire(SyncRepLock, LW_SHARED);
	confirmed =
		(WalSndCtl->sync_standbys_status & SYNC_STANDBY_DEFINED) == 0 || WalSndCtl->lsn[SYNC_REP_WAIT_FLUSH] >= place;
	LWLockRelease(SyncRepLock);
	return confirmed;
}

/* SyncRepWaitForLSN() is for who has committed: cancelled, it only warns. A reader is to be told nothing then. */
static void
await_standby(XLogRecPtr place)
{
	while (!is_confirmed(place))
	{
		CHECK_FOR_INTERRUPTS();
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 1, WAIT_EVENT_SYNC_REP);
		ResetLatch(MyLatch);
	}
}

void
parley_await_durable_place(XLogRecPtr place)
{
	XLogFlush(place);
	if (max_wal_senders > 0)
		await_standby(place);
}

Datum
parley_await_durable(PG_FUNCTION_ARGS)
{
	if (!RecoveryInProgress())
		parley_await_durable_place(log_end());
	PG_RETURN_VOID();
}
