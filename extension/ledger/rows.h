/*
 * rows.h: locks, finds and writes the rows of accounts and transactions without planning statements.
 *
 * A posting locks one row, looks for one, inserts one and updates one, each by a known key. As SPI statements, these
 * four would cost more than everything else.
 */
#ifndef PARLEY_LEDGER_ROWS_H
#define PARLEY_LEDGER_ROWS_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct Account
{
	int64 user_id;
	int64 id;
	int64 balance;     /* minor units */
	int64 last_number; /* 0 before the first transaction */
	TimestampTz last_transaction_at;
	bool closed;
	bool allow_negative;
	bool has_refusals;
	char currency[4];
	bool changed;               /* since it was locked */
	struct TupleTableSlot *row; /* the locked version */
} Account;

typedef struct Transaction
{
	int64 user_id;
	int64 account_id;
	int64 number;
	int64 amount;  /* minor units */
	int64 balance; /* of the account, after this transaction */
	TimestampTz created_at;
	text *idempotency_key; /* NULL if there is none */
	text *memo;            /* NULL if there is none */
} Transaction;

typedef struct LedgerRows LedgerRows;

/*
 * Opens the tables until parley_ledger_rows_close(). Pass release_early if everyone who reads what is written waits
 * until it is durable. The account locks may then be released before the commit is on disk (early_release.h).
 */
extern LedgerRows *parley_ledger_rows_open(bool release_early);
extern void parley_ledger_rows_close(LedgerRows *rows);

/* Locks an account's row until the transaction ends, and reads it. Returns false if it does not exist. Fails with 40001
 * when SELECT FOR NO KEY UPDATE would. */
extern bool parley_account_lock(LedgerRows *rows, int64 user_id, int64 account_id, Account *account);

/*
 * Writes balance, last_number, last_transaction_at and has_refusals of a locked account if they changed, and frees its
 * row. Call this once for every account that was locked.
 */
extern void parley_account_save(LedgerRows *rows, const Account *account);

/* Inserts a transaction. The caller must have locked the account. The row is visible to the next statement or lookup.
 */
extern void parley_transaction_insert(LedgerRows *rows, const Transaction *transaction);

/* Finds the transaction with a key in an account that the caller has locked. Sees all committed transactions, whatever
 * the snapshot, and the caller's own. */
extern bool parley_transaction_find(LedgerRows *rows, int64 user_id, int64 account_id, text *idempotency_key,
									Transaction *transaction);

#endif
