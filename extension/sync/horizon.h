/*
 * horizon.h: which transactions an answer has told of.
 *
 * A horizon divides all transactions, past and to come, into those that are told and those that are not: not told are
 * the ids from "since" on, and of those below it the ones that were running when the rows were read.
 */
#ifndef PARLEY_SYNC_HORIZON_H
#define PARLEY_SYNC_HORIZON_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "utils/snapshot.h"

#define HORIZON_RUNNING_MAX 32

typedef struct Horizon
{
	uint64 since;  /* 0: nothing is told */
	bool is_exact; /* false: what was running is not known one by one, and since is not above the oldest of it */
	int running_count;
	uint64 running[HORIZON_RUNNING_MAX]; /* below since */
} Horizon;

/* The 64-bit form of a row's transaction id, right for one that began at most 2^32 transactions ago. */
extern uint64 parley_xid_widen(TransactionId xid);

/* Whether a row of that transaction is still to be told. Ids that are not normal are from before PostgreSQL 9.4. */
extern bool parley_horizon_is_new(const Horizon *horizon, TransactionId xid);

/*
 * What the snapshot shows is told. The snapshot of a transaction that has written already, one of more running
 * transactions than there is room for, or of subtransactions that PostgreSQL lost count of, gives an inexact horizon.
 */
extern Horizon parley_horizon_of_snapshot(Snapshot snapshot);

/* Lowers since, and forgets what is not below it any more. */
extern void parley_horizon_lower(Horizon *horizon, uint64 since);

/* What either leaves untold is untold. */
extern Horizon parley_horizon_merge(const Horizon *a, const Horizon *b);

#endif
