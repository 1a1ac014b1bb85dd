/*
 * posting.h: the only place that decides whether a balance may change, for single postings, batches and transfers.
 *
 * A mistake of the caller is not raised as an error here, but returned in the Posting, so that one bad row of a batch
 * does not affect the others. Callers that post a single draft raise the error with parley_posting_raise().
 */
#ifndef PARLEY_LEDGER_POSTING_H
#define PARLEY_LEDGER_POSTING_H

#include "postgres.h"

#include "fmgr.h"

#include "ledger/rows.h"

/* The limits of the domain parley.amount and of balances. Sums of several balances are far from overflowing. */
#define AMOUNT_MAX INT64CONST(1000000000000000)
#define BALANCE_MAX (100 * AMOUNT_MAX)

typedef struct PostingDraft
{
	int64 amount;          /* minor units, not 0, at most AMOUNT_MAX either way */
	text *memo;            /* NULL if there is none */
	text *idempotency_key; /* NULL if there is none */
	bool is_transfer;      /* the paying line of a transfer, whose target is in the fields below */
	int64 to_user_id;
	int64 to_account_id;
	bool has_conversation;
	int64 conversation_id;
} PostingDraft;

typedef struct Posting
{
	Transaction transaction; /* account_id and amount are set even if nothing was posted */
	bool replayed;           /* the result is that of an earlier call with the same key */
	int sqlerrcode;          /* 0 if posted */
	bool kept;               /* insufficient funds; the refusal is stored for the key, so the caller must commit */
	const char *detail;      /* the error message, if not posted */
	const char *field;       /* the argument at fault */
} Posting;

/* Returns a failed posting. `detail` is not copied. */
extern Posting parley_posting_fail(const Account *account, const PostingDraft *draft, int sqlerrcode, const char *field,
								   const char *detail);

/* Returns a failed posting for an account that does not exist. */
extern Posting parley_posting_no_account(int64 user_id, int64 account_id, const PostingDraft *draft, const char *field);

/*
 * Looks for an earlier posting with the draft's key in a locked account. Returns false if there is none. Otherwise
 * returns true, and *posting is the earlier result (replayed), or the failure PY422 if the key was used for something
 * else.
 */
extern bool parley_posting_replay(LedgerRows *rows, const Account *account, const PostingDraft *draft,
								  Posting *posting);

/*
 * Returns whether the account can take the draft. If not, *posting says why: PY409 if the account is closed, 22003 if
 * the balance would go beyond BALANCE_MAX, or PY409 if there are insufficient funds. The latter is stored in
 * parley.refusals if the draft has a key. Changes the account only in memory.
 */
extern bool parley_posting_allowed(Account *account, const PostingDraft *draft, Posting *posting);

/* Appends an allowed draft to its account: inserts the transaction, and changes the account only in memory. */
extern Posting parley_posting_append(LedgerRows *rows, Account *account, const PostingDraft *draft,
									 TimestampTz created_at);

/* Does all of the above for one draft of a locked account. The caller must call parley_account_save(). */
extern Posting parley_posting_make(LedgerRows *rows, Account *account, const PostingDraft *draft);

/* Returns the time of the account's next transaction: now, but never before its last one. */
extern TimestampTz parley_account_next_time(const Account *account);

/* Raises the error of a failed posting, unless it is kept. */
extern void parley_posting_raise(const Posting *posting);

/* Converts a posting to the columns of parley.posted_transaction, in order. */
#define POSTED_COLUMNS 9
extern void parley_posting_columns(const Posting *posting, Datum *values, bool *nulls);

#endif
