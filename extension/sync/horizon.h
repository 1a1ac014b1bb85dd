/*
 * horizon.h: the set of transactions whose changes have been delivered.
 *
 * A horizon divides all transactions, past and future, into those that are "told", that is, delivered, and those that
 * are not. Not told are the IDs from "since" on, and those below it that were running when the rows were read.
 */
#ifndef PARLEY_SYNC_HORIZON_H
#define PARLEY_SYNC_HORIZON_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "utils/snapshot.h"

#define HORIZON_RUNNING_MAX 32

typedef struct Horizon
{
	uint64 since;  /* 0 if nothing is told */
	bool is_exact; /* if false, we do not know what was running, and since is not above the oldest of it */
	int running_count;
	uint64 running[HORIZON_RUNNING_MAX]; /* all below since */
} Horizon;

/* Returns the 64-bit form of a row's transaction ID. It is correct if the transaction began at most 2^32 transactions
 * ago. */
extern uint64 parley_xid_widen(TransactionId xid);

/* Returns whether a row of that transaction still has to be delivered. IDs that are not normal are from before
 * PostgreSQL 9.4, so their rows are old. */
extern bool parley_horizon_is_new(const Horizon *horizon, TransactionId xid);

/*
 * Returns a horizon in which everything that the snapshot sees is told. It is inexact if the transaction has already
 * written, if there are more running transactions than HORIZON_RUNNING_MAX, or if the snapshot's subtransactions
 * overflowed.
 */
extern Horizon parley_horizon_of_snapshot(Snapshot snapshot);

/* Lowers since, and removes the running transactions that are no longer below it. */
extern void parley_horizon_lower(Horizon *horizon, uint64 since);

/* Returns a horizon that leaves untold whatever either of them does. */
extern Horizon parley_horizon_merge(const Horizon *a, const Horizon *b);

#endif
