/*
 * row_lock.c: see row_lock.h. Owns no memory.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "rows/row_lock.h"

#define KEYS_MAX 2

bool
parley_row_find(Relation table, Relation index, const int64 *keys, int key_count, TupleTableSlot *slot)
{
	ScanKeyData scan_keys[KEYS_MAX];
	IndexScanDesc scan;
	bool found;

	Assert(key_count <= KEYS_MAX);
	for (int i = 0; i < key_count; i++)
		ScanKeyInit(&scan_keys[i], i + 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(keys[i]));
	PushActiveSnapshot(IsolationUsesXactSnapshot() ? GetTransactionSnapshot() : GetLatestSnapshot());
	scan = compat_index_beginscan(table, index, GetActiveSnapshot(), key_count);
	index_rescan(scan, scan_keys, key_count, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, slot);
	if (found)
		ExecMaterializeSlot(slot);
	index_endscan(scan);
	PopActiveSnapshot();
	return found;
}

static TM_Result
row_try_lock(Relation table, TupleTableSlot *slot, LockWaitPolicy policy)
{
	ItemPointerData tid = slot->tts_tid;
	TM_FailureData failure;

	return table_tuple_lock(table, &tid, GetActiveSnapshot(), slot, GetCurrentCommandId(false), LockTupleNoKeyExclusive,
							policy, IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
}

bool
parley_row_lock(Relation table, TupleTableSlot *slot, bool *had_to_wait)
{
	TM_Result result = row_try_lock(table, slot, had_to_wait == NULL ? LockWaitBlock : LockWaitSkip);

	if (had_to_wait != NULL)
		*had_to_wait = result == TM_WouldBlock;
	if (result == TM_WouldBlock)
		result = row_try_lock(table, slot, LockWaitBlock);
	if (result == TM_Ok)
		return true;
	if (IsolationUsesXactSnapshot())
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not serialize access due to concurrent update")));
	if (result == TM_Deleted)
		return false;
	elog(ERROR, "could not lock a row of table \"%s\": %d", RelationGetRelationName(table), result);
}
