/*
 * compat.h: wrappers for what differs between PostgreSQL 15 and 18, and for every call into the internals of an access
 * method. No other file tests PG_VERSION_NUM.
 */
#ifndef PARLEY_COMPAT_H
#define PARLEY_COMPAT_H

#include "postgres.h"

#include "access/brin_tuple.h"
#include "access/genam.h"
#include "access/gin_private.h"
#include "access/heapam.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "executor/executor.h"
#include "nodes/tidbitmap.h"
#include "parser/parse_relation.h"
#include "replication/walsender_private.h"
#include "rewrite/rewriteHandler.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"
#include "storage/proc.h"
#include "utils/pg_locale.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Index scans. */

static inline IndexScanDesc
compat_index_beginscan(Relation table, Relation index, Snapshot snapshot, int key_count)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(table, index, snapshot, NULL, key_count, 0);
#else
	return index_beginscan(table, index, snapshot, key_count, 0);
#endif
}

/* Returns InvalidOid if the table has no primary key that is valid and not deferrable. */
static inline Oid
compat_primary_key(Relation table)
{
#if PG_VERSION_NUM >= 180000
	return RelationGetPrimaryKeyIndex(table, false);
#else
	return RelationGetPrimaryKeyIndex(table);
#endif
}

/* Fails if old_snapshot_threshold has made the snapshot too old. PostgreSQL 17 removed that setting. */
static inline void
compat_test_for_old_snapshot(Snapshot snapshot, Relation relation, Page page)
{
#if PG_VERSION_NUM < 170000
	TestForOldSnapshot(snapshot, relation, page);
#endif
}

/* The heap. */

/* Pins a block if this buffer still contains it. Returns whether it does. */
static inline bool
compat_read_recent_buffer(Relation table, BlockNumber block, Buffer buffer)
{
#if PG_VERSION_NUM >= 160000
	return ReadRecentBuffer(table->rd_locator, MAIN_FORKNUM, block, buffer);
#else
	return ReadRecentBuffer(table->rd_node, MAIN_FORKNUM, block, buffer);
#endif
}

/* Returns whether the buffer manager believes that a buffer was used lately. */
static inline bool
compat_buffer_was_used(Buffer buffer)
{
	return BUF_STATE_GET_USAGECOUNT(pg_atomic_read_u32(&GetBufferDescriptor(buffer - 1)->state)) > 0;
}

/* Gives a pinned buffer to a fetch, which will need it for its next row. */
static inline void
compat_heap_fetch_take(IndexFetchTableData *fetch, Buffer buffer)
{
	IndexFetchHeapData *heap_fetch = (IndexFetchHeapData *) fetch;

	if (BufferIsValid(heap_fetch->xs_cbuf))
		ReleaseBuffer(heap_fetch->xs_cbuf);
	heap_fetch->xs_cbuf = buffer;
}

/* Returns the buffer that a fetch has pinned. */
static inline Buffer
compat_heap_fetch_buffer(const IndexFetchTableData *fetch)
{
	return ((const IndexFetchHeapData *) fetch)->xs_cbuf;
}

/* GIN. Its page format has not changed since 9.4. */

/* Descends to the leaf of the entry tree where the key belongs. The leaf is pinned and share-locked, and stack->off is
 * the key, or the next key if it is not there. */
static inline GinBtreeStack *
compat_gin_entry_find(GinBtree entries, GinState *state, OffsetNumber column, Datum key, Snapshot snapshot)
{
	GinBtreeStack *stack;

	ginPrepareEntryScan(entries, column, key, GIN_CAT_NORM_KEY, state);
#if PG_VERSION_NUM >= 170000
	stack = ginFindLeafPage(entries, true, false);
#else
	stack = ginFindLeafPage(entries, true, false, snapshot);
#endif
	entries->findItem(entries, stack);
	return stack;
}

static inline void
compat_gin_entry_release(GinBtreeStack *stack)
{
	LockBuffer(stack->buffer, GIN_UNLOCK);
	freeGinBtreeStack(stack);
}

#define compat_gin_state_init(state, index) initGinState((state), (index))
#define compat_gin_entry_column(state, entry) gintuple_get_attrnum((state), (entry))
#define compat_gin_entry_key(state, entry, category) gintuple_get_key((state), (entry), (category))
#define compat_gin_entry_rows(state, column, entry, count) ginReadTuple((state), (column), (entry), (count))
#define compat_gin_step_right(buffer, index) ginStepRight((buffer), (index), GIN_SHARE)
#define compat_gin_segment_rows(segment, count) ginPostingListDecode((segment), (count))
#define compat_gin_segments_rows(first, bytes, count) ginPostingListDecodeAllSegments((first), (bytes), (count))

/* BRIN. Releases 15.0 to 15.3 do not mark empty ranges, but can encounter marked ones after a downgrade. */

#ifndef BRIN_EMPTY_RANGE_MASK
#define BRIN_EMPTY_RANGE_MASK 0x20
#endif

/* Returns whether a summary contains the minimum and maximum of its range. */
static inline bool
compat_brin_summary_is_known(const BrinTuple *summary)
{
	return !BrinTupleIsPlaceholder(summary) && !BrinTupleHasNulls(summary) &&
		   (summary->bt_info & BRIN_EMPTY_RANGE_MASK) == 0;
}

/* TID bitmaps. */

#if PG_VERSION_NUM >= 180000
typedef TBMPrivateIterator CompatBitmapIterator;
#define compat_bitmap_iterate_begin(bitmap) tbm_begin_private_iterate(bitmap)
#define compat_bitmap_iterate_end(iterator) tbm_end_private_iterate(iterator)
#else
typedef TBMIterator CompatBitmapIterator;
#define compat_bitmap_iterate_begin(bitmap) tbm_begin_iterate(bitmap)
#define compat_bitmap_iterate_end(iterator) tbm_end_iterate(iterator)
#endif

/* Returns the number of rows in the next block and stores their offsets, at most MaxHeapTuplesPerPage of them. Returns
 * -1 if the block is lossy, that is, any of its rows may be in the bitmap, and -2 if there are no more blocks. */
static inline int
compat_bitmap_iterate(CompatBitmapIterator *iterator, BlockNumber *block, OffsetNumber *offsets)
{
#if PG_VERSION_NUM >= 180000
	TBMIterateResult result;

	if (!tbm_private_iterate(iterator, &result))
		return -2;
	*block = result.blockno;
	return result.lossy ? -1 : tbm_extract_page_tuple(&result, offsets, MaxHeapTuplesPerPage);
#else
	TBMIterateResult *result = tbm_iterate(iterator);

	if (result == NULL)
		return -2;
	*block = result->blockno;
	if (result->ntuples > 0)
		memcpy(offsets, result->offsets, result->ntuples * sizeof(OffsetNumber));
	return result->ntuples;
#endif
}

/* The executor. */

/* Adds a table that a statement reads and writes to the range table, with the privileges and columns that the statement
 * needs. */
static inline void
compat_range_table_add(List **range_table, List **permissions, RangeTblEntry *entry, CmdType command, Bitmapset *used,
					   Bitmapset *written)
{
	AclMode right = command == CMD_INSERT ? ACL_INSERT : ACL_UPDATE;
#if PG_VERSION_NUM >= 160000
	RTEPermissionInfo *info = addRTEPermissionInfo(permissions, entry);
#else
	RangeTblEntry *info = entry;
#endif

	info->requiredPerms = right | ACL_SELECT;
	info->selectedCols = used;
	if (command == CMD_INSERT)
		info->insertedCols = written;
	else
		info->updatedCols = written;
	*range_table = lappend(*range_table, entry);
}

/* Checks the permissions and passes the range table to the executor. */
static inline void
compat_range_table_init(EState *estate, List *range_table, List *permissions)
{
#if PG_VERSION_NUM >= 180000
	ExecCheckPermissions(range_table, permissions, true);
	ExecInitRangeTable(estate, range_table, permissions, bms_add_range(NULL, 1, list_length(range_table)));
#elif PG_VERSION_NUM >= 160000
	ExecCheckPermissions(range_table, permissions, true);
	ExecInitRangeTable(estate, range_table, permissions);
#else
	ExecCheckRTPerms(range_table, true);
	ExecInitRangeTable(estate, range_table);
#endif
}

#if PG_VERSION_NUM >= 160000
#define compat_eval_plan_qual_init(epq, estate) EvalPlanQualInit((epq), (estate), NULL, NIL, -1, NIL)
#else
#define compat_eval_plan_qual_init(epq, estate) EvalPlanQualInit((epq), (estate), NULL, NIL, -1)
#endif

/* Returns the expression of a CHECK constraint, or NULL if it is NOT ENFORCED, which exists since 18. */
static inline Expr *
compat_check_expression(Relation table, int place)
{
	ConstrCheck *check = &RelationGetDescr(table)->constr->check[place];
	Node *expression = stringToNode(check->ccbin);

#if PG_VERSION_NUM >= 180000
	if (!check->ccenforced)
		return NULL;
	expression = expand_generated_columns_in_expr(expression, table, 1);
#endif
	return (Expr *) expression;
}

/* The field in which the executor keeps the prepared CHECK constraints. */
#if PG_VERSION_NUM >= 180000
#define compat_check_states(info) ((info)->ri_CheckConstraintExprs)
#else
#define compat_check_states(info) ((info)->ri_ConstraintExprs)
#endif

/* Passes the prepared expressions of generated columns to the executor: one for each column of the table, NULL if it is
 * not generated. `count` is the number of those that are, `columns` the set of them as updatedCols has it. */
static inline void
compat_use_generated(ResultRelInfo *info, CmdType command, ExprState **states, int count, Bitmapset *columns)
{
#if PG_VERSION_NUM >= 160000
	if (command == CMD_INSERT)
	{
		info->ri_GeneratedExprsI = states;
		info->ri_NumGeneratedNeededI = count;
		return;
	}
	info->ri_GeneratedExprsU = states;
	info->ri_NumGeneratedNeededU = count;
	info->ri_extraUpdatedCols = columns;
#if PG_VERSION_NUM >= 180000
	info->ri_extraUpdatedCols_valid = true;
#endif
#else
	info->ri_GeneratedExprs = states;
	info->ri_NumGeneratedNeeded = count;
#endif
}

/* Which indexes an update must insert into. */
#if PG_VERSION_NUM >= 160000
typedef TU_UpdateIndexes CompatUpdateIndexes;
#define compat_update_index_tuples(info, slot, estate, indexes) \
	ExecInsertIndexTuples((info), (slot), (estate), true, false, NULL, NIL, (indexes) == TU_Summarizing)
#else
typedef bool CompatUpdateIndexes;
#define compat_update_index_tuples(info, slot, estate, indexes) \
	ExecInsertIndexTuples((info), (slot), (estate), true, false, NULL, NIL)
#endif

/* Transactions. */

#if PG_VERSION_NUM >= 170000
#define compat_local_transaction() (MyProc->vxid.lxid)
#define compat_oldest_clog_xid() (TransamVariables->oldestClogXid)
#else
#define compat_local_transaction() (MyProc->lxid)
#define compat_oldest_clog_xid() (ShmemVariableCache->oldestClogXid)
#endif

/* Returns whether commits wait for a synchronous standby. The caller holds SyncRepLock. A flag became bits
 * in 15.13, 16.9 and 17.5. */
static inline bool
compat_sync_standbys_defined(void)
{
#ifdef SYNC_STANDBY_DEFINED
	return (WalSndCtl->sync_standbys_status & SYNC_STANDBY_DEFINED) != 0;
#else
	return WalSndCtl->sync_standbys_defined;
#endif
}

/* Collations. */

/* Returns whether the collation folds only A to Z. */
static inline bool
compat_collation_is_c(Oid collation)
{
#if PG_VERSION_NUM >= 180000
	return pg_newlocale_from_collation(collation)->ctype_is_c;
#else
	return lc_ctype_is_c(collation);
#endif
}

/* Returns whether the collation is the database's default and its provider is libc. In that case lower() calls this
 * process's towlower(). Before 18 such a locale is a null pointer. */
static inline bool
compat_collation_is_process_locale(Oid collation)
{
	pg_locale_t locale = pg_newlocale_from_collation(collation);

#if PG_VERSION_NUM >= 180000
	return collation == DEFAULT_COLLATION_OID && locale->provider == COLLPROVIDER_LIBC;
#else
	return locale == NULL;
#endif
}

#endif
