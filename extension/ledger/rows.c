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
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
#include "utils/snapmgr.h"

#include "index/lookup.h"
#include "ledger/early_release.h"
#include "ledger/rows.h"

/* The columns that the ledger knows. Where they stand in a table is looked up, since owners add and drop others. */
enum
{
	ACCOUNT_USER_ID,
	ACCOUNT_ID,
	ACCOUNT_BALANCE,
	ACCOUNT_LAST_NUMBER,
	ACCOUNT_LAST_TRANSACTION_AT,
	ACCOUNT_CLOSED_AT,
	ACCOUNT_ALLOW_NEGATIVE,
	ACCOUNT_HAS_REFUSALS,
	ACCOUNT_CURRENCY,
	ACCOUNT_COLUMNS
};
static const char *const account_columns[ACCOUNT_COLUMNS] = {
	"user_id",        "id",           "balance", "last_number", "last_transaction_at", "closed_at",
	"allow_negative", "has_refusals", "currency"
};
enum
{
	TRANSACTION_USER_ID,
	TRANSACTION_ACCOUNT_ID,
	TRANSACTION_NUMBER,
	TRANSACTION_AMOUNT,
	TRANSACTION_BALANCE,
	TRANSACTION_CREATED_AT,
	TRANSACTION_IDEMPOTENCY_KEY,
	TRANSACTION_MEMO,
	TRANSACTION_COLUMNS
};
static const char *const transaction_columns[TRANSACTION_COLUMNS] = { "user_id",         "account_id", "number",
																	  "amount",          "balance",    "created_at",
																	  "idempotency_key", "memo" };

/* A default of a column that somebody added to transactions. */
typedef struct ColumnDefault
{
	AttrNumber column;
	ExprState *value;
} ColumnDefault;

struct LedgerRows
{
	Relation accounts;
	Relation accounts_key;
	Relation transactions;
	Relation transactions_key;
	Relation transactions_by_idempotency_key;
	AttrNumber account[ACCOUNT_COLUMNS];
	AttrNumber transaction[TRANSACTION_COLUMNS];
	EState *estate; /* evaluates defaults */
	ColumnDefault *defaults;
	int default_count;
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

static void
columns_find(Relation table, const char *const *names, int count, AttrNumber *columns)
{
	for (int i = 0; i < count; i++)
		columns[i] = parley_column(table, names[i]);
}

static bool
is_ours(const LedgerRows *rows, AttrNumber column)
{
	for (int i = 0; i < TRANSACTION_COLUMNS; i++)
		if (rows->transaction[i] == column)
			return true;
	return false;
}

/* What an INSERT that does not name them would put into the columns that somebody added. */
static void
defaults_find(LedgerRows *rows)
{
	TupleDesc desc = RelationGetDescr(rows->transactions);

	rows->estate = CreateExecutorState();
	rows->defaults = palloc(sizeof(ColumnDefault) * desc->natts);
	for (AttrNumber column = 1; column <= desc->natts; column++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, column - 1);
		Expr *value;

		if (attribute->attisdropped || attribute->attgenerated != '\0' || is_ours(rows, column))
			continue;
		value = (Expr *) build_column_default(rows->transactions, column);
		if (value != NULL)
			rows->defaults[rows->default_count++] =
				(ColumnDefault){ .column = column, .value = ExecPrepareExpr(value, rows->estate) };
	}
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
	columns_find(rows->accounts, account_columns, ACCOUNT_COLUMNS, rows->account);
	columns_find(rows->transactions, transaction_columns, TRANSACTION_COLUMNS, rows->transaction);
	if (RelationGetNumberOfAttributes(rows->transactions) > TRANSACTION_COLUMNS)
		defaults_find(rows);
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
	if (rows->estate != NULL)
		FreeExecutorState(rows->estate);
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
slot_value(TupleTableSlot *slot, AttrNumber column)
{
	bool isnull;

	return slot_getattr(slot, column, &isnull);
}

static void
account_read(const LedgerRows *rows, TupleTableSlot *slot, Account *account)
{
	const AttrNumber *columns = rows->account;

	account->row = slot;
	account->user_id = DatumGetInt64(slot_value(slot, columns[ACCOUNT_USER_ID]));
	account->id = DatumGetInt64(slot_value(slot, columns[ACCOUNT_ID]));
	account->balance = DatumGetInt64(slot_value(slot, columns[ACCOUNT_BALANCE]));
	account->last_number = DatumGetInt64(slot_value(slot, columns[ACCOUNT_LAST_NUMBER]));
	account->last_transaction_at = DatumGetTimestampTz(slot_value(slot, columns[ACCOUNT_LAST_TRANSACTION_AT]));
	account->closed = !slot_attisnull(slot, columns[ACCOUNT_CLOSED_AT]);
	account->allow_negative = DatumGetBool(slot_value(slot, columns[ACCOUNT_ALLOW_NEGATIVE]));
	account->has_refusals = DatumGetBool(slot_value(slot, columns[ACCOUNT_HAS_REFUSALS]));
	text_to_cstring_buffer(DatumGetTextPP(slot_value(slot, columns[ACCOUNT_CURRENCY])), account->currency,
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
		account_read(rows, slot, account);
	else
		ExecDropSingleTupleTableSlot(slot);
	return locked;
}

static void
slot_set(TupleTableSlot *slot, AttrNumber column, Datum value, bool isnull)
{
	slot->tts_values[column - 1] = value;
	slot->tts_isnull[column - 1] = isnull;
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
	for (AttrNumber column = 1; column <= desc->natts; column++)
		slot->tts_values[column - 1] = slot_getattr(account->row, column, &slot->tts_isnull[column - 1]);
	slot_set(slot, rows->account[ACCOUNT_BALANCE], Int64GetDatum(account->balance), false);
	slot_set(slot, rows->account[ACCOUNT_LAST_NUMBER], Int64GetDatum(account->last_number), false);
	slot_set(slot, rows->account[ACCOUNT_LAST_TRANSACTION_AT], TimestampTzGetDatum(account->last_transaction_at),
			 account->last_number == 0);
	slot_set(slot, rows->account[ACCOUNT_HAS_REFUSALS], BoolGetDatum(account->has_refusals), false);
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
	Datum values[TRANSACTION_COLUMNS] = { Int64GetDatum(transaction->user_id),
										  Int64GetDatum(transaction->account_id),
										  Int64GetDatum(transaction->number),
										  Int64GetDatum(transaction->amount),
										  Int64GetDatum(transaction->balance),
										  TimestampTzGetDatum(transaction->created_at),
										  PointerGetDatum(transaction->idempotency_key),
										  PointerGetDatum(transaction->memo) };

	memset(slot->tts_isnull, true, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	for (int i = 0; i < rows->default_count; i++)
	{
		const ColumnDefault *other = &rows->defaults[i];
		bool isnull;
		Datum value = ExecEvalExpr(other->value, GetPerTupleExprContext(rows->estate), &isnull);

		slot_set(slot, other->column, value, isnull);
	}
	for (int i = 0; i < TRANSACTION_COLUMNS; i++)
		slot_set(slot, rows->transaction[i], values[i], false);
	slot->tts_isnull[rows->transaction[TRANSACTION_IDEMPOTENCY_KEY] - 1] = transaction->idempotency_key == NULL;
	slot->tts_isnull[rows->transaction[TRANSACTION_MEMO] - 1] = transaction->memo == NULL;
	ExecStoreVirtualTuple(slot);
	simple_table_tuple_insert(rows->transactions, slot);
	if (rows->indexes_are_ours)
		transaction_index(rows, transaction, slot);
	else
		index_by_executor(rows->transactions, slot);
	ExecDropSingleTupleTableSlot(slot);
	if (rows->estate != NULL)
		ResetPerTupleExprContext(rows->estate);
	CommandCounterIncrement();
}

static text *
slot_text(TupleTableSlot *slot, AttrNumber column)
{
	bool isnull;
	Datum value = slot_getattr(slot, column, &isnull);

	return isnull ? NULL : DatumGetTextPCopy(value);
}

static void
transaction_read(const LedgerRows *rows, TupleTableSlot *slot, Transaction *transaction)
{
	const AttrNumber *columns = rows->transaction;

	transaction->user_id = DatumGetInt64(slot_value(slot, columns[TRANSACTION_USER_ID]));
	transaction->account_id = DatumGetInt64(slot_value(slot, columns[TRANSACTION_ACCOUNT_ID]));
	transaction->number = DatumGetInt64(slot_value(slot, columns[TRANSACTION_NUMBER]));
	transaction->amount = DatumGetInt64(slot_value(slot, columns[TRANSACTION_AMOUNT]));
	transaction->balance = DatumGetInt64(slot_value(slot, columns[TRANSACTION_BALANCE]));
	transaction->created_at = DatumGetTimestampTz(slot_value(slot, columns[TRANSACTION_CREATED_AT]));
	transaction->idempotency_key = slot_text(slot, columns[TRANSACTION_IDEMPOTENCY_KEY]);
	transaction->memo = slot_text(slot, columns[TRANSACTION_MEMO]);
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
		transaction_read(rows, slot, transaction);
		found = text_equals(transaction->idempotency_key, idempotency_key);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return found;
}
