/*
 * posting.c: see posting.h.
 *
 * Locks the account (rows.h) and nothing else. What a Posting points to is allocated in the caller's memory context.
 * SPI is connected around single statements only, with the search path pinned. In the catalog parley_post_transaction()
 * is not SECURITY DEFINER: it acts as its owner by itself (owner.h).
 *
 * SQL statements are used only for what is rare: a key that was used before, a refusal, every 64th transaction.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "ledger/posting.h"
#include "owner.h"
#include "statement.h"

PG_FUNCTION_INFO_V1(parley_post_transaction);
PG_FUNCTION_INFO_V1(parley_post_transaction_1_1);

/* One row of expense_peaks summarizes this many transactions, or this many peaks of the level below. */
#define PEAK_BLOCK 64

static Statement find_transfer = {
	"SELECT to_user_id, to_account_id, conversation_id FROM parley.transfers"
	" WHERE user_id = $1 AND account_id = $2 AND number = $3",
	{ INT8OID, INT8OID, INT8OID },
};
static Statement find_refusal = {
	"SELECT amount, balance, to_user_id, to_account_id, conversation_id, memo::text, created_at FROM parley.refusals"
	" WHERE user_id = $1 AND account_id = $2 AND idempotency_key = $3",
	{ INT8OID, INT8OID, TEXTOID },
};
static Statement insert_refusal = {
	"INSERT INTO parley.refusals"
	" (user_id, account_id, idempotency_key, amount, balance, memo, to_user_id, to_account_id, conversation_id)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	{ INT8OID, INT8OID, TEXTOID, INT8OID, INT8OID, TEXTOID, INT8OID, INT8OID, INT8OID },
};
/* $3 is the block's number, $4 and $5 are its first and last transaction. */
static Statement insert_lowest_peak = {
	"INSERT INTO parley.expense_peaks (user_id, account_id, level, block, number, amount)"
	" SELECT user_id, account_id, 1, $3, number, amount FROM parley.transactions"
	" WHERE user_id = $1 AND account_id = $2 AND number BETWEEN $4 AND $5 AND amount < 0"
	" ORDER BY amount, number DESC LIMIT 1",
	{ INT8OID, INT8OID, INT8OID, INT8OID, INT8OID },
};
/* $4 and $5 are the first and last block of level $6 - 1. */
static Statement insert_higher_peak = {
	"INSERT INTO parley.expense_peaks (user_id, account_id, level, block, number, amount)"
	" SELECT user_id, account_id, $6, $3, number, amount FROM parley.expense_peaks"
	" WHERE user_id = $1 AND account_id = $2 AND level = $6 - 1 AND block BETWEEN $4 AND $5"
	" ORDER BY amount, number DESC LIMIT 1",
	{ INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT4OID },
};

static void
statements_begin(void)
{
	parley_pin_search_path();
	SPI_connect();
}

Posting
parley_posting_fail(const Account *account, const PostingDraft *draft, int sqlerrcode, const char *field,
					const char *detail)
{
	Posting posting = { .sqlerrcode = sqlerrcode, .field = field, .detail = detail };

	posting.transaction.user_id = account->user_id;
	posting.transaction.account_id = account->id;
	posting.transaction.amount = draft->amount;
	posting.transaction.memo = draft->memo;
	return posting;
}

Posting
parley_posting_no_account(int64 user_id, int64 account_id, const PostingDraft *draft, const char *field)
{
	Account account = { .user_id = user_id, .id = account_id };

	return parley_posting_fail(
		&account, draft, ERRCODE_NO_DATA_FOUND, field,
		psprintf("account %lld of user %lld does not exist", (long long) account_id, (long long) user_id));
}

static Posting
fail_key_reused(const Account *account, const PostingDraft *draft)
{
	return parley_posting_fail(
		account, draft, ERRCODE_PARLEY_KEY_REUSED, "idempotency_key",
		psprintf("idempotency key \"%s\" was used for another request", text_to_cstring(draft->idempotency_key)));
}

/* The message is built from the balance and the amount alone, so that a replay can build it from a row of refusals. */
static Posting
fail_not_enough(const Account *account, const PostingDraft *draft, int64 balance)
{
	Posting posting = parley_posting_fail(
		account, draft, ERRCODE_PARLEY_CONFLICT, "amount",
		psprintf("insufficient funds in account %lld: the balance is %lld, %lld too little", (long long) account->id,
				 (long long) balance, (long long) -(balance + draft->amount)));

	posting.kept = true;
	return posting;
}

static bool
texts_match(text *a, text *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		   memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* Returns whether a column of the row that was found equals the value, or is null if there is no value. */
static bool
column_matches(int column, bool has_value, int64 value)
{
	bool isnull;
	Datum found = parley_statement_value(0, column, INT8OID, &isnull);

	return isnull ? !has_value : has_value && DatumGetInt64(found) == value;
}

static bool
target_matches(const PostingDraft *draft, int first_column)
{
	return column_matches(first_column, draft->is_transfer, draft->to_user_id) &&
		   column_matches(first_column + 1, draft->is_transfer, draft->to_account_id) &&
		   column_matches(first_column + 2, draft->has_conversation, draft->conversation_id);
}

static bool
same_transfer(const Transaction *made, const PostingDraft *draft)
{
	Datum values[] = { Int64GetDatum(made->user_id), Int64GetDatum(made->account_id), Int64GetDatum(made->number) };
	bool same;

	statements_begin();
	if (parley_statement_run(&find_transfer, values, NULL, false, 1) == 0)
		same = !draft->is_transfer;
	else
		same = target_matches(draft, 1);
	SPI_finish();
	return same;
}

static bool
refusal_replay(const Account *account, const PostingDraft *draft, Posting *posting)
{
	Datum values[] = { Int64GetDatum(account->user_id), Int64GetDatum(account->id),
					   PointerGetDatum(draft->idempotency_key) };
	MemoryContext caller = CurrentMemoryContext;
	bool found;

	statements_begin();
	found = parley_statement_run(&find_refusal, values, NULL, false, 1) > 0;
	if (found)
	{
		int64 amount = DatumGetInt64(parley_statement_value(0, 1, INT8OID, NULL));
		int64 balance = DatumGetInt64(parley_statement_value(0, 2, INT8OID, NULL));
		bool no_memo;
		Datum memo = parley_statement_value(0, 6, TEXTOID, &no_memo);
		bool same = amount == draft->amount && target_matches(draft, 3) &&
					texts_match(no_memo ? NULL : DatumGetTextPP(memo), draft->memo);

		MemoryContextSwitchTo(caller);
		*posting = same ? fail_not_enough(account, draft, balance) : fail_key_reused(account, draft);
		posting->replayed = same;
	}
	SPI_finish();
	return found;
}

bool
parley_posting_replay(LedgerRows *rows, const Account *account, const PostingDraft *draft, Posting *posting)
{
	Transaction made;

	if (draft->idempotency_key == NULL)
		return false;
	if (!parley_transaction_find(rows, account->user_id, account->id, draft->idempotency_key, &made))
		return account->has_refusals && refusal_replay(account, draft, posting);
	if (made.amount != draft->amount || !texts_match(made.memo, draft->memo) || !same_transfer(&made, draft))
		*posting = fail_key_reused(account, draft);
	else
		*posting = (Posting){ .transaction = made, .replayed = true };
	return true;
}

static void
refusal_insert(Account *account, const PostingDraft *draft)
{
	Datum values[] = { Int64GetDatum(account->user_id),         Int64GetDatum(account->id),
					   PointerGetDatum(draft->idempotency_key), Int64GetDatum(draft->amount),
					   Int64GetDatum(account->balance),         PointerGetDatum(draft->memo),
					   Int64GetDatum(draft->to_user_id),        Int64GetDatum(draft->to_account_id),
					   Int64GetDatum(draft->conversation_id) };
	char nulls[] = "         ";

	if (draft->memo == NULL)
		nulls[5] = 'n';
	if (!draft->is_transfer)
		nulls[6] = nulls[7] = 'n';
	if (!draft->has_conversation)
		nulls[8] = 'n';
	statements_begin();
	parley_statement_run(&insert_refusal, values, nulls, false, 0);
	SPI_finish();
	account->has_refusals = account->changed = true;
}

bool
parley_posting_allowed(Account *account, const PostingDraft *draft, Posting *posting)
{
	int64 balance = account->balance + draft->amount;

	if (account->closed)
		*posting = parley_posting_fail(
			account, draft, ERRCODE_PARLEY_CONFLICT, "account_id",
			psprintf("account %lld of user %lld is closed", (long long) account->id, (long long) account->user_id));
	else if (draft->amount > 0 ? balance > BALANCE_MAX : balance < -BALANCE_MAX)
		*posting =
			parley_posting_fail(account, draft, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "amount",
								psprintf("amount %lld would take the balance out of range", (long long) draft->amount));
	else if (balance < 0 && !account->allow_negative)
	{
		*posting = fail_not_enough(account, draft, account->balance);
		if (draft->idempotency_key != NULL)
			refusal_insert(account, draft);
	}
	else
		return true;
	return false;
}

/* Adds the peaks of the blocks that end with the account's last transaction. */
static void
peaks_append(const Account *account)
{
	Datum values[6] = { Int64GetDatum(account->user_id), Int64GetDatum(account->id) };
	int64 block = account->last_number;

	if (block % PEAK_BLOCK != 0)
		return;
	statements_begin();
	for (int level = 1; block % PEAK_BLOCK == 0; level++)
	{
		values[3] = Int64GetDatum(block - PEAK_BLOCK + 1);
		values[4] = Int64GetDatum(block);
		block /= PEAK_BLOCK;
		values[2] = Int64GetDatum(block);
		values[5] = Int32GetDatum(level);
		parley_statement_run(level == 1 ? &insert_lowest_peak : &insert_higher_peak, values, NULL, false, 0);
	}
	SPI_finish();
}

Posting
parley_posting_append(LedgerRows *rows, Account *account, const PostingDraft *draft, TimestampTz created_at)
{
	Posting posting = { 0 };

	account->balance += draft->amount;
	account->last_number++;
	account->last_transaction_at = created_at;
	account->changed = true;
	posting.transaction = (Transaction){ .user_id = account->user_id,
										 .account_id = account->id,
										 .number = account->last_number,
										 .amount = draft->amount,
										 .balance = account->balance,
										 .created_at = created_at,
										 .idempotency_key = draft->idempotency_key,
										 .memo = draft->memo };
	parley_transaction_insert(rows, &posting.transaction);
	peaks_append(account);
	return posting;
}

TimestampTz
parley_account_next_time(const Account *account)
{
	return account->last_number == 0 ? GetCurrentTimestamp() : Max(account->last_transaction_at, GetCurrentTimestamp());
}

Posting
parley_posting_make(LedgerRows *rows, Account *account, const PostingDraft *draft)
{
	Posting posting;

	if (parley_posting_replay(rows, account, draft, &posting) || !parley_posting_allowed(account, draft, &posting))
		return posting;
	return parley_posting_append(rows, account, draft, parley_account_next_time(account));
}

void
parley_posting_raise(const Posting *posting)
{
	if (posting->sqlerrcode == 0 || posting->kept)
		return;
	ereport(ERROR, (errcode(posting->sqlerrcode), errmsg("%s", posting->detail),
					posting->sqlerrcode == ERRCODE_PARLEY_KEY_REUSED ? errhint("Use a new key for a new request.") : 0,
					errargument(posting->field)));
}

void
parley_posting_columns(const Posting *posting, Datum *values, bool *nulls)
{
	const Transaction *transaction = &posting->transaction;
	bool refused = posting->sqlerrcode != 0;

	memset(nulls, false, POSTED_COLUMNS);
	values[0] = Int64GetDatum(transaction->number);
	values[1] = Int64GetDatum(transaction->account_id);
	values[2] = Int64GetDatum(transaction->amount);
	values[3] = Int64GetDatum(transaction->balance);
	values[4] = PointerGetDatum(transaction->memo);
	values[5] = TimestampTzGetDatum(transaction->created_at);
	values[6] = BoolGetDatum(posting->replayed);
	nulls[0] = nulls[3] = nulls[5] = refused;
	nulls[1] = transaction->account_id == 0;
	nulls[4] = transaction->memo == NULL;
	nulls[7] = nulls[8] = !refused;
	if (refused)
	{
		values[7] = CStringGetTextDatum(unpack_sql_state(posting->sqlerrcode));
		values[8] = CStringGetTextDatum(posting->detail);
	}
}

static Posting
post_one(int64 user_id, int64 account_id, const PostingDraft *draft)
{
	LedgerRows *rows = parley_ledger_rows_open(true);
	Account account;
	Posting posting;

	if (!parley_account_lock(rows, user_id, account_id, &account))
		posting = parley_posting_no_account(user_id, account_id, draft, "account_id");
	else
		posting = parley_posting_make(rows, &account, draft);
	parley_posting_raise(&posting);
	parley_account_save(rows, &account);
	parley_ledger_rows_close(rows);
	return posting;
}

static Datum
transaction_post(FunctionCallInfo fcinfo, bool is_operator)
{
	static const char *const required[] = { "user_id", "account_id", "amount" };
	PostingDraft draft = { 0 };
	Caller caller;
	Posting posting;
	TupleDesc desc;
	Datum values[POSTED_COLUMNS];
	bool nulls[POSTED_COLUMNS];

	for (int i = 0; i < (int) lengthof(required); i++)
		parley_require_argument(fcinfo, i, required[i]);
	draft.amount = PG_GETARG_INT64(2);
	draft.memo = PG_ARGISNULL(3) ? NULL : PG_GETARG_TEXT_PP(3);
	draft.idempotency_key = PG_ARGISNULL(4) ? NULL : PG_GETARG_TEXT_PP(4);
	if (draft.amount > 0 && !is_operator)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("only the operator can pay money in"),
						errargument("amount")));
	caller = parley_owner_begin(fcinfo);
	posting = post_one(PG_GETARG_INT64(0), PG_GETARG_INT64(1), &draft);
	parley_owner_end(&caller);
	parley_posting_columns(&posting, values, nulls);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "post_transaction must return a row");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* The symbol of version 1.0, which does not check the caller's role. */
Datum
parley_post_transaction(PG_FUNCTION_ARGS)
{
	return transaction_post(fcinfo, true);
}

Datum
parley_post_transaction_1_1(PG_FUNCTION_ARGS)
{
	return transaction_post(fcinfo, !PG_ARGISNULL(5) && strcmp(text_to_cstring(PG_GETARG_TEXT_PP(5)), "operator") == 0);
}
