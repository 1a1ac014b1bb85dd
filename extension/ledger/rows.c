/*
 * rows.c: see rows.h.
 *
 * An account's row is locked as by SELECT FOR NO KEY UPDATE. The lock is released when the commit record is written,
 * possibly before it is on disk (early_release.h). Memory is allocated in the caller's context. A locked Account has a
 * slot with its row, which parley_account_save() frees.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "index/lookup.h"
#include "ledger/early_release.h"
#include "ledger/rows.h"
#include "live/wakeups.h"
#include "rows/row_lock.h"
#include "rows/row_writer.h"

/* The columns that the ledger uses. Their numbers are looked up, because the owner may add and drop other columns. */
enum
{
	ACCOUNT_BALANCE,
	ACCOUNT_LAST_NUMBER,
	ACCOUNT_LAST_TRANSACTION_AT,
	ACCOUNT_HAS_REFUSALS,
	ACCOUNT_WRITTEN_COLUMNS,
	ACCOUNT_USER_ID = ACCOUNT_WRITTEN_COLUMNS,
	ACCOUNT_ID,
	ACCOUNT_CLOSED_AT,
	ACCOUNT_ALLOW_NEGATIVE,
	ACCOUNT_CURRENCY,
	ACCOUNT_COLUMNS
};
static const char *const account_columns[ACCOUNT_COLUMNS] = { "balance",      "last_number",    "last_transaction_at",
															  "has_refusals", "user_id",        "id",
															  "closed_at",    "allow_negative", "currency" };
static const Oid account_types[ACCOUNT_COLUMNS] = { INT8OID, INT8OID,        TIMESTAMPTZOID, BOOLOID, INT8OID,
													INT8OID, TIMESTAMPTZOID, BOOLOID,        TEXTOID };
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
static const Oid transaction_types[TRANSACTION_COLUMNS] = { INT8OID, INT8OID,        INT8OID, INT8OID,
															INT8OID, TIMESTAMPTZOID, TEXTOID, TEXTOID };

enum
{
	ACCOUNTS,
	TRANSACTIONS,
	TABLES
};

struct LedgerRows
{
	RowWriter writer;
	RowTable tables[TABLES];
	Relation accounts_key;
	Relation idempotency_keys; /* NULL until first used */
	bool release_early;
};

static const IndexForm accounts_key = { NULL, BTREE_AM_OID, { "user_id", "id" }, .keys_are_fixed = true };
static const IndexForm idempotency_keys = { "transactions_idempotency_key",
											BTREE_AM_OID,
											{ "user_id", "account_id",
											  "hashtextextended((idempotency_key)::text, (0)::bigint)" },
											"(idempotency_key IS NOT NULL)",
											.keys_are_fixed = true };

LedgerRows *
parley_ledger_rows_open(bool release_early)
{
	static RowForm account_form, transaction_form;
	LedgerRows *rows = palloc0(sizeof(LedgerRows));
	RowTable *accounts = &rows->tables[ACCOUNTS];
	RowTable *transactions = &rows->tables[TRANSACTIONS];

	/* The executor makes the same checks. */
	PreventCommandIfReadOnly("posting");
	PreventCommandIfParallelMode("posting");
	*accounts = (RowTable){ .name = "accounts",
							.command = CMD_UPDATE,
							.column_names = account_columns,
							.column_types = account_types,
							.column_count = ACCOUNT_COLUMNS,
							.written_count = ACCOUNT_WRITTEN_COLUMNS,
							.form = &account_form };
	*transactions = (RowTable){ .name = "transactions",
								.command = CMD_INSERT,
								.column_names = transaction_columns,
								.column_types = transaction_types,
								.column_count = TRANSACTION_COLUMNS,
								.written_count = TRANSACTION_COLUMNS,
								.form = &transaction_form };
	parley_row_writer_open(&rows->writer, rows->tables, TABLES);
	rows->accounts_key = parley_index_open(accounts->relation, &accounts_key, false);
	/* A trigger may write to other tables, whose readers do not wait until it is durable. */
	rows->release_early = release_early && !accounts->has_triggers && !transactions->has_triggers;
	return rows;
}

/* Locks are held until the transaction ends. */
void
parley_ledger_rows_close(LedgerRows *rows)
{
	if (rows->idempotency_keys != NULL)
		index_close(rows->idempotency_keys, NoLock);
	index_close(rows->accounts_key, NoLock);
	parley_row_writer_close(&rows->writer);
	pfree(rows);
}

static Datum
row_value(const RowTable *table, TupleTableSlot *slot, int column)
{
	bool isnull;

	return slot_getattr(slot, table->columns[column], &isnull);
}

static void
account_read(const RowTable *accounts, TupleTableSlot *slot, Account *account)
{
	account->row = slot;
	account->user_id = DatumGetInt64(row_value(accounts, slot, ACCOUNT_USER_ID));
	account->id = DatumGetInt64(row_value(accounts, slot, ACCOUNT_ID));
	account->balance = DatumGetInt64(row_value(accounts, slot, ACCOUNT_BALANCE));
	account->last_number = DatumGetInt64(row_value(accounts, slot, ACCOUNT_LAST_NUMBER));
	account->last_transaction_at = DatumGetTimestampTz(row_value(accounts, slot, ACCOUNT_LAST_TRANSACTION_AT));
	account->closed = !slot_attisnull(slot, accounts->columns[ACCOUNT_CLOSED_AT]);
	account->allow_negative = DatumGetBool(row_value(accounts, slot, ACCOUNT_ALLOW_NEGATIVE));
	account->has_refusals = DatumGetBool(row_value(accounts, slot, ACCOUNT_HAS_REFUSALS));
	text_to_cstring_buffer(DatumGetTextPP(row_value(accounts, slot, ACCOUNT_CURRENCY)), account->currency,
						   sizeof(account->currency));
	account->changed = false;
}

bool
parley_account_lock(LedgerRows *rows, int64 user_id, int64 account_id, Account *account)
{
	const RowTable *accounts = &rows->tables[ACCOUNTS];
	TupleTableSlot *slot = table_slot_create(accounts->relation, NULL);
	int64 keys[] = { user_id, account_id };
	uint64 hash = hash_combine64((uint64) user_id, (uint64) account_id);
	bool had_to_wait = false;
	bool locked;

	if (rows->release_early)
		parley_release_early(hash);
	locked = parley_row_find(accounts->relation, rows->accounts_key, keys, lengthof(keys), slot) &&
			 parley_row_lock(accounts->relation, slot, &had_to_wait);
	if (had_to_wait)
		parley_release_early_contended(hash);
	if (locked)
		account_read(accounts, slot, account);
	else
		ExecDropSingleTupleTableSlot(slot);
	return locked;
}

void
parley_account_save(LedgerRows *rows, const Account *account)
{
	Datum values[ACCOUNT_WRITTEN_COLUMNS] = { Int64GetDatum(account->balance), Int64GetDatum(account->last_number),
											  TimestampTzGetDatum(account->last_transaction_at),
											  BoolGetDatum(account->has_refusals) };
	bool nulls[ACCOUNT_WRITTEN_COLUMNS] = { [ACCOUNT_LAST_TRANSACTION_AT] = account->last_number == 0 };

	if (account->changed)
	{
		parley_row_update(&rows->writer, &rows->tables[ACCOUNTS], account->row, values, nulls);
		parley_wake(account->user_id, -account->id);
	}
	ExecDropSingleTupleTableSlot(account->row);
}

void
parley_transaction_insert(LedgerRows *rows, const Transaction *transaction)
{
	Datum values[TRANSACTION_COLUMNS] = { Int64GetDatum(transaction->user_id),
										  Int64GetDatum(transaction->account_id),
										  Int64GetDatum(transaction->number),
										  Int64GetDatum(transaction->amount),
										  Int64GetDatum(transaction->balance),
										  TimestampTzGetDatum(transaction->created_at),
										  PointerGetDatum(transaction->idempotency_key),
										  PointerGetDatum(transaction->memo) };
	bool nulls[TRANSACTION_COLUMNS] = { [TRANSACTION_IDEMPOTENCY_KEY] = transaction->idempotency_key == NULL,
										[TRANSACTION_MEMO] = transaction->memo == NULL };

	parley_row_insert(&rows->writer, &rows->tables[TRANSACTIONS], values, nulls);
}

static text *
row_text(const RowTable *table, TupleTableSlot *slot, int column)
{
	bool isnull;
	Datum value = slot_getattr(slot, table->columns[column], &isnull);

	return isnull ? NULL : DatumGetTextPCopy(value);
}

static void
transaction_read(const RowTable *transactions, TupleTableSlot *slot, Transaction *transaction)
{
	transaction->user_id = DatumGetInt64(row_value(transactions, slot, TRANSACTION_USER_ID));
	transaction->account_id = DatumGetInt64(row_value(transactions, slot, TRANSACTION_ACCOUNT_ID));
	transaction->number = DatumGetInt64(row_value(transactions, slot, TRANSACTION_NUMBER));
	transaction->amount = DatumGetInt64(row_value(transactions, slot, TRANSACTION_AMOUNT));
	transaction->balance = DatumGetInt64(row_value(transactions, slot, TRANSACTION_BALANCE));
	transaction->created_at = DatumGetTimestampTz(row_value(transactions, slot, TRANSACTION_CREATED_AT));
	transaction->idempotency_key = row_text(transactions, slot, TRANSACTION_IDEMPOTENCY_KEY);
	transaction->memo = row_text(transactions, slot, TRANSACTION_MEMO);
}

static int64
key_hash(text *idempotency_key)
{
	/* Must match hashtextextended(), which the index uses. */
	return (int64) hash_bytes_extended((unsigned char *) VARDATA_ANY(idempotency_key),
									   VARSIZE_ANY_EXHDR(idempotency_key), 0);
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
	const RowTable *transactions = &rows->tables[TRANSACTIONS];
	TupleTableSlot *slot = table_slot_create(transactions->relation, NULL);
	ScanKeyData keys[3];
	IndexScanDesc scan;
	bool found = false;

	if (rows->idempotency_keys == NULL)
		rows->idempotency_keys = parley_index_open(transactions->relation, &idempotency_keys, false);
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(user_id));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(account_id));
	ScanKeyInit(&keys[2], 3, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(key_hash(idempotency_key)));
	/* No snapshot is needed: rows never change, and nobody else can insert any while we hold the account's lock. */
	scan = compat_index_beginscan(transactions->relation, rows->idempotency_keys, SnapshotSelf, 3);
	index_rescan(scan, keys, 3, NULL, 0);
	while (!found && index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		transaction_read(transactions, slot, transaction);
		found = text_equals(transaction->idempotency_key, idempotency_key);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return found;
}
