/*
 * horizon.c: see horizon.h.
 *
 * Takes no locks.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "fmgr.h"

#include "sync/horizon.h"

PG_FUNCTION_INFO_V1(parley_xid_reached);

uint64
parley_xid_widen(TransactionId xid)
{
	uint64 next = U64FromFullTransactionId(ReadNextFullTransactionId());

	return next - (uint32) ((uint32) next - xid);
}

static bool
horizon_is_running(const Horizon *horizon, uint64 xid)
{
	for (int i = 0; i < horizon->running_count; i++)
		if (horizon->running[i] == xid)
			return true;
	return false;
}

bool
parley_horizon_is_new(const Horizon *horizon, TransactionId xid)
{
	uint64 wide;

	if (horizon->since == 0)
		return true;
	if (!TransactionIdIsNormal(xid))
		return false;
	wide = parley_xid_widen(xid);
	return wide >= horizon->since || horizon_is_running(horizon, wide);
}

/* Called by sync() of version 1.0 for each row. */
Datum
parley_xid_reached(PG_FUNCTION_ARGS)
{
	Horizon horizon = { .since = (uint64) PG_GETARG_INT64(1) };

	PG_RETURN_BOOL(parley_horizon_is_new(&horizon, PG_GETARG_TRANSACTIONID(0)));
}

/* Adds the IDs that are below since. Returns false if there are too many. */
static bool
running_add(Horizon *horizon, const TransactionId *xids, int count)
{
	for (int i = 0; i < count; i++)
	{
		uint64 wide = parley_xid_widen(xids[i]);

		if (wide >= horizon->since)
			continue;
		if (horizon->running_count == HORIZON_RUNNING_MAX)
			return false;
		horizon->running[horizon->running_count++] = wide;
	}
	return true;
}

Horizon
parley_horizon_of_snapshot(Snapshot snapshot)
{
	Horizon horizon = { .since = parley_xid_widen(snapshot->xmax), .is_exact = true };

	/* A snapshot does not list the transaction that took it among the running ones. */
	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()) && !snapshot->suboverflowed &&
		running_add(&horizon, snapshot->xip, snapshot->xcnt) &&
		running_add(&horizon, snapshot->subxip, snapshot->subxcnt))
		return horizon;
	return (Horizon){ .since = parley_xid_widen(snapshot->xmin) };
}

void
parley_horizon_lower(Horizon *horizon, uint64 since)
{
	int kept = 0;

	if (since >= horizon->since)
		return;
	horizon->since = since;
	for (int i = 0; i < horizon->running_count; i++)
		if (horizon->running[i] < since)
			horizon->running[kept++] = horizon->running[i];
	horizon->running_count = kept;
}

Horizon
parley_horizon_merge(const Horizon *a, const Horizon *b)
{
	Horizon merged = *a, other = *b;

	parley_horizon_lower(&merged, b->since);
	parley_horizon_lower(&other, merged.since);
	merged.is_exact = a->is_exact && b->is_exact;
	for (int i = 0; i < other.running_count; i++)
	{
		if (other.running[i] >= merged.since || horizon_is_running(&merged, other.running[i]))
			continue;
		if (merged.running_count == HORIZON_RUNNING_MAX)
		{
			/* If there is no room for it, nothing from it on is told. */
			parley_horizon_lower(&merged, other.running[i]);
			merged.is_exact = false;
			continue;
		}
		merged.running[merged.running_count++] = other.running[i];
	}
	return merged;
}
