/*
 * rows.h: the rows of accounts and transactions, locked, found and written without a plan.
 *
 * A posting is one row locked, one looked for, one inserted and one updated, each by a known key; through SPI the four
 * statements cost more than all the rest of it. What goes past the executor here also goes past privileges: only the
 * ledger's own functions, which decide who may what, call this.
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
	int64 last_number; /* 0: no transaction */
	TimestampTz last_transaction_at;
	bool closed;
	bool allow_negative;
	bool has_refusals;
	char currency[4];
	bool changed;               /* in memory, since it was locked */
	struct TupleTableSlot *row; /* the version that is locked */
} Account;

typedef struct Transaction
{
	int64 user_id;
	int64 account_id;
	int64 number;
	int64 amount;  /* minor units */
	int64 balance; /* of the account, after it */
	TimestampTz created_at;
	text *idempotency_key; /* NULL: none */
	text *memo;            /* NULL: none */
} Transaction;

typedef struct LedgerRows LedgerRows;

/*
 * Opens the tables until parley_ledger_rows_close(). release_early: whether others may have the accounts before the
 * commit is on disk (early_release.h), since who reads what is written waits for that.
 */
extern LedgerRows *parley_ledger_rows_open(bool release_early);
extern void parley_ledger_rows_close(LedgerRows *rows);

/* Locks an account's row until the transaction ends and reads it; false: no such account. 40001 as FOR NO KEY UPDATE
 * has it. */
extern bool parley_account_lock(LedgerRows *rows, int64 user_id, int64 account_id, Account *account);

/*
 * Writes balance, last_number, last_transaction_at and has_refusals of a locked account, if it changed, and lets
 * go of it in memory: once for every account that was locked. */
extern void parley_account_save(LedgerRows *rows, const Account *account);

/* Only for the account's locker. The row is visible to the next statement or look-up. */
extern void parley_transaction_insert(LedgerRows *rows, const Transaction *transaction);

/* Finds what a key made in an account that the caller has locked; sees what committed last, and all of its own. */
extern bool parley_transaction_find(LedgerRows *rows, int64 user_id, int64 account_id, text *idempotency_key,
									Transaction *transaction);

#endif
