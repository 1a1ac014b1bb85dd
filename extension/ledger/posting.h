/*
 * posting.h: the one place where a balance is decided, for single postings, batches and transfers.
 *
 * Nothing here raises for what a caller got wrong: a Posting says what became of a draft, so that one bad row of a
 * batch leaves the others alone. Who answers for one draft alone turns it into an error by parley_posting_raise().
 */
#ifndef PARLEY_LEDGER_POSTING_H
#define PARLEY_LEDGER_POSTING_H

#include "postgres.h"

#include "fmgr.h"

#include "ledger/rows.h"

/* What the domain parley.amount takes, and where balances end: far from where a sum of several would overflow. */
#define AMOUNT_MAX INT64CONST(1000000000000000)
#define BALANCE_MAX (100 * AMOUNT_MAX)

typedef struct PostingDraft
{
	int64 amount;          /* minor units, not 0, at most AMOUNT_MAX either way */
	text *memo;            /* NULL: none */
	text *idempotency_key; /* NULL: none */
	bool is_transfer;      /* the paying line of one; the rest says where to */
	int64 to_user_id;
	int64 to_account_id;
	bool has_conversation;
	int64 conversation_id;
} PostingDraft;

typedef struct Posting
{
	Transaction transaction; /* its account_id and amount are set even where nothing was posted */
	bool replayed;           /* an earlier call with the same key made it, or was refused */
	int sqlerrcode;          /* 0: posted */
	bool kept; /* refused for want of money: the caller's transaction has to commit, so that the key keeps it */
	const char *detail; /* why not, as errmsg() has it */
	const char *field;  /* the argument at fault */
} Posting;

/* A posting that failed. detail is not copied. */
extern Posting parley_posting_fail(const Account *account, const PostingDraft *draft, int sqlerrcode, const char *field,
								   const char *detail);

/* Fails where there is no such account, before it could be locked. */
extern Posting parley_posting_no_account(int64 user_id, int64 account_id, const PostingDraft *draft, const char *field);

/*
 * What the draft's key made before, of an account that is locked: the same again (true, replayed), or the failure PY422
 * where it came with another payload. False: nothing.
 */
extern bool parley_posting_replay(LedgerRows *rows, const Account *account, const PostingDraft *draft,
								  Posting *posting);

/*
 * Whether the account can take the draft; if not, why: PY409 closed, 22003 the balance would go further beyond
 * BALANCE_MAX, PY409 not enough money, which is kept in refusals where the draft has a key. Changes the account in
 * memory alone.
 */
extern bool parley_posting_allowed(Account *account, const PostingDraft *draft, Posting *posting);

/* Appends an allowed draft to its account: inserts the transaction, changes the account in memory alone. */
extern Posting parley_posting_append(LedgerRows *rows, Account *account, const PostingDraft *draft,
									 TimestampTz created_at);

/* The whole of it for one draft of a locked account; parley_account_save() is left to the caller. */
extern Posting parley_posting_make(LedgerRows *rows, Account *account, const PostingDraft *draft);

/* When the account's next transaction is dated: now, but never before its last one. */
extern TimestampTz parley_account_next_time(const Account *account);

/* Raises what failed, unless it is kept. */
extern void parley_posting_raise(const Posting *posting);

/* What a posting looks like in SQL: parley.posted_transaction, in the order of its columns. */
#define POSTED_COLUMNS 9
extern void parley_posting_columns(const Posting *posting, Datum *values, bool *nulls);

#endif
