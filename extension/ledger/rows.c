/*
 * ledger_rows.c: see ledger_rows.h.
 *
 * Locks an account's row as FOR NO KEY UPDATE does, until its commit is written, if not yet on disk (early_release.h).
 * Memory: of the caller's context. A locked Account has the slot of its row, which parley_account_save() frees.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
#include "utils/snapmgr.h"

#include "ledger/early_release.h"
#include "ledger/rows.h"

/* As ledger.tables.sql has the columns. */
enum
{
	ACCOUNT_USER_ID = 1,
	ACCOUNT_ID,
	ACCOUNT_BALANCE,
	ACCOUNT_LAST_NUMBER,
	ACCOUNT_LAST_TRANSACTION_AT,
	ACCOUNT_CREATED_AT,
	ACCOUNT_CLOSED_AT,
	ACCOUNT_ALLOW_NEGATIVE,
	ACCOUNT_HAS_REFUSALS,
	ACCOUNT_CURRENCY
};
enum
{
	TRANSACTION_USER_ID = 1,
	TRANSACTION_ACCOUNT_ID,
	TRANSACTION_NUMBER,
	TRANSACTION_AMOUNT,
	TRANSACTION_BALANCE,
	TRANSACTION_CREATED_AT,
	TRANSACTION_IDEMPOTENCY_KEY,
	TRANSACTION_MEMO
};

struct LedgerRows
{
	Relation accounts;
	Relation accounts_key;
	Relation transactions;
	Relation transactions_key;
	Relation transactions_by_idempotency_key;
	bool release_early;
	bool indexes_are_ours; /* nobody has added one to transactions */
};

static Relation
table_begin(const char *name, Oid namespace_oid)
{
	Relation table = table_open(get_relname_relid(name, namespace_oid), RowExclusiveLock);

	/* Nothing here would fire it. */
	if (table->trigdesc != NULL && (table->trigdesc->trig_insert_before_row || table->trigdesc->trig_insert_after_row ||
									table->trigdesc->trig_update_before_row || table->trigdesc->trig_update_after_row))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("table \"%s\" has a row trigger, which the ledger would not fire", name)));
	return table;
}

LedgerRows *
parley_ledger_rows_open(bool release_early)
{
	LedgerRows *rows = palloc0(sizeof(LedgerRows));
	Oid namespace_oid = get_namespace_oid("parley", false);
	List *indexes;

	/* As the executor would ask. */
	PreventCommandIfReadOnly("posting");
	rows->release_early = release_early;
	rows->accounts = table_begin("accounts", namespace_oid);
	rows->accounts_key = index_open(RelationGetPrimaryKeyIndex(rows->accounts), RowExclusiveLock);
	rows->transactions = table_begin("transactions", namespace_oid);
	rows->transactions_key = index_open(RelationGetPrimaryKeyIndex(rows->transactions), RowExclusiveLock);
	rows->transactions_by_idempotency_key =
		index_open(get_relname_relid("transactions_idempotency_key", namespace_oid), RowExclusiveLock);
	indexes = RelationGetIndexList(rows->transactions);
	rows->indexes_are_ours = list_length(indexes) == 2;
	list_free(indexes);
	return rows;
}

/* The locks stay until the transaction ends. */
void
parley_ledger_rows_close(LedgerRows *rows)
{
	index_close(rows->transactions_by_idempotency_key, NoLock);
	index_close(rows->transactions_key, NoLock);
	table_close(rows->transactions, NoLock);
	index_close(rows->accounts_key, NoLock);
	table_close(rows->accounts, NoLock);
	pfree(rows);
}

/* Enters a new row, or a version that is no HOT one, in all indexes of its table, whatever they are. */
static void
index_by_executor(Relation table, TupleTableSlot *slot)
{
	EState *estate = CreateExecutorState();
	ResultRelInfo info;

	MemSet(&info, 0, sizeof(info));
	info.type = T_ResultRelInfo;
	InitResultRelInfo(&info, table, 0, NULL, 0);
	ExecOpenIndices(&info, false);
	ExecInsertIndexTuples(&info, slot, estate, false, false, NULL, NIL);
	ExecCloseIndices(&info);
	FreeExecutorState(estate);
}

static bool
account_fetch(LedgerRows *rows, int64 user_id, int64 account_id, Snapshot snapshot, TupleTableSlot *slot)
{
	ScanKeyData keys[2];
	IndexScanDesc scan;
	bool found;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(user_id));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account_id));
	scan = index_beginscan(rows->accounts, rows->accounts_key, snapshot, 2, 0);
	index_rescan(scan, keys, 2, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, slot);
	if (found)
		ExecMaterializeSlot(slot);
	index_endscan(scan);
	return found;
}

static TM_Result
account_try_lock(LedgerRows *rows, Snapshot snapshot, TupleTableSlot *slot, LockWaitPolicy policy)
{
	ItemPointerData tid = slot->tts_tid;
	TM_FailureData failure;

	return table_tuple_lock(rows->accounts, &tid, snapshot, slot, GetCurrentCommandId(false), LockTupleNoKeyExclusive,
							policy, IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
}

static bool
account_lock_version(LedgerRows *rows, Snapshot snapshot, TupleTableSlot *slot, uint64 hash)
{
	TM_Result result;

	if (rows->release_early)
		parley_release_early(hash);
	result = account_try_lock(rows, snapshot, slot, LockWaitSkip);
	if (result == TM_WouldBlock)
	{
		parley_release_early_contended(hash);
		result = account_try_lock(rows, snapshot, slot, LockWaitBlock);
	}
	if (result == TM_Ok)
		return true;
	if (IsolationUsesXactSnapshot())
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not serialize access due to concurrent update")));
	if (result == TM_Deleted)
		return false;
	elog(ERROR, "could not lock an account: %d", result);
}

static Datum
slot_value(TupleTableSlot *slot, int column)
{
	bool isnull;

	return slot_getattr(slot, column, &isnull);
}

static void
account_read(TupleTableSlot *slot, Account *account)
{
	account->row = slot;
	account->user_id = DatumGetInt64(slot_value(slot, ACCOUNT_USER_ID));
	account->id = DatumGetInt64(slot_value(slot, ACCOUNT_ID));
	account->balance = DatumGetInt64(slot_value(slot, ACCOUNT_BALANCE));
	account->last_number = DatumGetInt64(slot_value(slot, ACCOUNT_LAST_NUMBER));
	account->last_transaction_at = DatumGetTimestampTz(slot_value(slot, ACCOUNT_LAST_TRANSACTION_AT));
	account->closed = !slot_attisnull(slot, ACCOUNT_CLOSED_AT);
	account->allow_negative = DatumGetBool(slot_value(slot, ACCOUNT_ALLOW_NEGATIVE));
	account->has_refusals = DatumGetBool(slot_value(slot, ACCOUNT_HAS_REFUSALS));
	text_to_cstring_buffer(DatumGetTextPP(slot_value(slot, ACCOUNT_CURRENCY)), account->currency,
						   sizeof(account->currency));
	account->changed = false;
}

bool
parley_account_lock(LedgerRows *rows, int64 user_id, int64 account_id, Account *account)
{
	TupleTableSlot *slot = table_slot_create(rows->accounts, NULL);
	Snapshot snapshot = IsolationUsesXactSnapshot() ? GetTransactionSnapshot() : GetLatestSnapshot();
	bool locked;

	PushActiveSnapshot(snapshot);
	locked =
		account_fetch(rows, user_id, account_id, GetActiveSnapshot(), slot) &&
		account_lock_version(rows, GetActiveSnapshot(), slot, hash_combine64((uint64) user_id, (uint64) account_id));
	PopActiveSnapshot();
	if (locked)
		account_read(slot, account);
	else
		ExecDropSingleTupleTableSlot(slot);
	return locked;
}

void
parley_account_save(LedgerRows *rows, const Account *account)
{
	TupleDesc desc = RelationGetDescr(rows->accounts);
	TupleTableSlot *slot;
	bool needs_index;

	if (!account->changed)
	{
		ExecDropSingleTupleTableSlot(account->row);
		return;
	}
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	for (int column = 1; column <= desc->natts; column++)
		slot->tts_values[column - 1] = slot_getattr(account->row, column, &slot->tts_isnull[column - 1]);
	slot->tts_values[ACCOUNT_BALANCE - 1] = Int64GetDatum(account->balance);
	slot->tts_values[ACCOUNT_LAST_NUMBER - 1] = Int64GetDatum(account->last_number);
	slot->tts_values[ACCOUNT_LAST_TRANSACTION_AT - 1] = TimestampTzGetDatum(account->last_transaction_at);
	slot->tts_isnull[ACCOUNT_LAST_TRANSACTION_AT - 1] = account->last_number == 0;
	slot->tts_values[ACCOUNT_HAS_REFUSALS - 1] = BoolGetDatum(account->has_refusals);
	ExecStoreVirtualTuple(slot);
	simple_table_tuple_update(rows->accounts, &account->row->tts_tid, slot, InvalidSnapshot, &needs_index);
	if (needs_index)
		index_by_executor(rows->accounts, slot);
	CommandCounterIncrement();
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(account->row);
}

static int64
key_hash(text *idempotency_key)
{
	/* As hashtextextended() has it in the index. */
	return (int64) hash_bytes_extended((unsigned char *) VARDATA_ANY(idempotency_key),
									   VARSIZE_ANY_EXHDR(idempotency_key), 0);
}

/* What the executor would do for these two indexes, without compiling the expression and predicate of one of them anew.
 */
static void
transaction_index(LedgerRows *rows, const Transaction *transaction, TupleTableSlot *slot)
{
	Datum values[3] = { Int64GetDatum(transaction->user_id), Int64GetDatum(transaction->account_id),
						Int64GetDatum(transaction->number) };
	bool nulls[3] = { false };

	index_insert(rows->transactions_key, values, nulls, &slot->tts_tid, rows->transactions, UNIQUE_CHECK_YES, false,
				 NULL);
	if (transaction->idempotency_key == NULL)
		return;
	values[2] = Int64GetDatum(key_hash(transaction->idempotency_key));
	index_insert(rows->transactions_by_idempotency_key, values, nulls, &slot->tts_tid, rows->transactions,
				 UNIQUE_CHECK_NO, false, NULL);
}

void
parley_transaction_insert(LedgerRows *rows, const Transaction *transaction)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rows->transactions), &TTSOpsVirtual);
	Datum values[] = { Int64GetDatum(transaction->user_id),
					   Int64GetDatum(transaction->account_id),
					   Int64GetDatum(transaction->number),
					   Int64GetDatum(transaction->amount),
					   Int64GetDatum(transaction->balance),
					   TimestampTzGetDatum(transaction->created_at),
					   PointerGetDatum(transaction->idempotency_key),
					   PointerGetDatum(transaction->memo) };

	memcpy(slot->tts_values, values, sizeof(values));
	memset(slot->tts_isnull, false, lengthof(values));
	slot->tts_isnull[TRANSACTION_IDEMPOTENCY_KEY - 1] = transaction->idempotency_key == NULL;
	slot->tts_isnull[TRANSACTION_MEMO - 1] = transaction->memo == NULL;
	ExecStoreVirtualTuple(slot);
	simple_table_tuple_insert(rows->transactions, slot);
	if (rows->indexes_are_ours)
		transaction_index(rows, transaction, slot);
	else
		index_by_executor(rows->transactions, slot);
	ExecDropSingleTupleTableSlot(slot);
	CommandCounterIncrement();
}

static text *
slot_text(TupleTableSlot *slot, int column)
{
	bool isnull;
	Datum value = slot_getattr(slot, column, &isnull);

	return isnull ? NULL : DatumGetTextPCopy(value);
}

static void
transaction_read(TupleTableSlot *slot, Transaction *transaction)
{
	transaction->user_id = DatumGetInt64(slot_value(slot, TRANSACTION_USER_ID));
	transaction->account_id = DatumGetInt64(slot_value(slot, TRANSACTION_ACCOUNT_ID));
	transaction->number = DatumGetInt64(slot_value(slot, TRANSACTION_NUMBER));
	transaction->amount = DatumGetInt64(slot_value(slot, TRANSACTION_AMOUNT));
	transaction->balance = DatumGetInt64(slot_value(slot, TRANSACTION_BALANCE));
	transaction->created_at = DatumGetTimestampTz(slot_value(slot, TRANSACTION_CREATED_AT));
	transaction->idempotency_key = slot_text(slot, TRANSACTION_IDEMPOTENCY_KEY);
	transaction->memo = slot_text(slot, TRANSACTION_MEMO);
}

static bool
text_equals(text *a, text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		   memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

bool
parley_transaction_find(LedgerRows *rows, int64 user_id, int64 account_id, text *idempotency_key,
						Transaction *transaction)
{
	TupleTableSlot *slot = table_slot_create(rows->transactions, NULL);
	ScanKeyData keys[3];
	IndexScanDesc scan;
	bool found = false;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(user_id));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account_id));
	ScanKeyInit(&keys[2], 3, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(key_hash(idempotency_key)));
	/* Rows never change and the account is locked, so what is committed now is all there is: no snapshot is needed. */
	scan = index_beginscan(rows->transactions, rows->transactions_by_idempotency_key, SnapshotSelf, 3, 0);
	index_rescan(scan, keys, 3, NULL, 0);
	while (!found && index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		transaction_read(slot, transaction);
		found = text_equals(transaction->idempotency_key, idempotency_key);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return found;
}
