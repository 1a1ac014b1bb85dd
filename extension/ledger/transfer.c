/*
 * transfer.c: moves money from one account to another, optionally with a receipt in a conversation.
 *
 * Locks both accounts, the one with the smaller (user_id, id) first, and then the conversation's row. Memory is
 * allocated in the caller's context.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "errors.h"
#include "ledger/posting.h"
#include "messages.h"
#include "statement.h"

PG_FUNCTION_INFO_V1(parley_move_money);
PG_FUNCTION_INFO_V1(parley_move_money_1_1);

typedef struct Transfer
{
	PostingDraft draft; /* the paying line */
	int64 user_id;
	int64 account_id;
	Account from;
	Account to;
	Posting paid;
	int64 to_number;
	int64 message_number; /* 0 if there is no receipt */
	bool has_id;          /* false for the tables of version 1.0 */
	int64 id;
} Transfer;

static Statement find_other_line = {
	"SELECT to_number, message_number FROM parley.transfers WHERE user_id = $1 AND account_id = $2 AND number = $3",
	{ INT8OID, INT8OID, INT8OID },
};
static Statement insert_transfer = {
	"INSERT INTO parley.transfers"
	" (user_id, account_id, number, to_user_id, to_account_id, to_number, conversation_id, message_number)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	{ INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID },
};
static Statement take_id = { "SELECT nextval('parley.transfers_id_seq')" };
static Statement insert_transfer_with_id = {
	"INSERT INTO parley.transfers"
	" (user_id, account_id, number, to_user_id, to_account_id, to_number, conversation_id, message_number, id)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
	{ INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID },
};
static Statement write_receipt = {
	"SELECT 'paid ' || parley.format_amount($1, $2) || coalesce(': ' || $3, '')",
	{ INT8OID, TEXTOID, TEXTOID },
};

static void
lock_account(LedgerRows *rows, int64 user_id, int64 account_id, const char *field, Account *account)
{
	PostingDraft draft = { 0 };
	Posting missing;

	if (parley_account_lock(rows, user_id, account_id, account))
		return;
	missing = parley_posting_no_account(user_id, account_id, &draft, field);
	parley_posting_raise(&missing);
}

static void
lock_both(LedgerRows *rows, Transfer *transfer)
{
	const PostingDraft *draft = &transfer->draft;
	bool from_first = transfer->user_id != draft->to_user_id ? transfer->user_id < draft->to_user_id
															 : transfer->account_id < draft->to_account_id;

	if (from_first)
		lock_account(rows, transfer->user_id, transfer->account_id, "from_account_id", &transfer->from);
	lock_account(rows, draft->to_user_id, draft->to_account_id, "to_account_id", &transfer->to);
	if (!from_first)
		lock_account(rows, transfer->user_id, transfer->account_id, "from_account_id", &transfer->from);
}

/*
 * Checks both accounts. If the receiving account belongs to another user, the payer gets the same message whatever the
 * reason. The paying account is checked first: otherwise someone without money could probe the receiver's balance.
 */
static bool
transfer_allowed(Transfer *transfer)
{
	PostingDraft received = { .amount = -transfer->draft.amount };
	bool is_own = transfer->user_id == transfer->draft.to_user_id;
	bool same_currency = strcmp(transfer->from.currency, transfer->to.currency) == 0;

	if (!parley_posting_allowed(&transfer->from, &transfer->draft, &transfer->paid))
	{
		transfer->paid.field = transfer->paid.kept ? "amount" : "from_account_id";
		return false;
	}
	if (same_currency && parley_posting_allowed(&transfer->to, &received, &transfer->paid))
		return true;
	if (!is_own)
		transfer->paid = parley_posting_fail(&transfer->to, &transfer->draft, ERRCODE_PARLEY_CONFLICT, NULL,
											 psprintf("account %lld of user %lld cannot receive this",
													  (long long) transfer->to.id, (long long) transfer->to.user_id));
	else if (!same_currency)
		transfer->paid =
			parley_posting_fail(&transfer->from, &transfer->draft, ERRCODE_INVALID_PARAMETER_VALUE, NULL,
								psprintf("account %lld has currency %s, not %s", (long long) transfer->to.id,
										 transfer->to.currency, transfer->from.currency));
	transfer->paid.field = "to_account_id";
	return false;
}

static void
transfer_post_receipt(Transfer *transfer)
{
	MessageDraft message = { .conversation_id = transfer->draft.conversation_id,
							 .sender_id = transfer->user_id,
							 .transfer_id = transfer->id };
	Datum values[] = { Int64GetDatum(-transfer->draft.amount), CStringGetTextDatum(transfer->from.currency),
					   PointerGetDatum(transfer->draft.memo) };

	parley_require_member(transfer->draft.conversation_id, transfer->draft.to_user_id);
	parley_statement_run(&write_receipt, values, transfer->draft.memo == NULL ? "  n" : NULL, true, 1);
	message.content = DatumGetTextPCopy(parley_statement_value(0, 1, TEXTOID, NULL));
	transfer->message_number = parley_message_post(&message).number;
}

static void
transfer_record(const Transfer *transfer)
{
	const PostingDraft *draft = &transfer->draft;
	Datum values[] = { Int64GetDatum(transfer->user_id),
					   Int64GetDatum(transfer->account_id),
					   Int64GetDatum(transfer->paid.transaction.number),
					   Int64GetDatum(draft->to_user_id),
					   Int64GetDatum(draft->to_account_id),
					   Int64GetDatum(transfer->to_number),
					   Int64GetDatum(draft->conversation_id),
					   Int64GetDatum(transfer->message_number),
					   Int64GetDatum(transfer->id) };

	if (parley_statement_run(transfer->has_id ? &insert_transfer_with_id : &insert_transfer, values,
							 draft->has_conversation ? NULL : "      nn ", false, 0) == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("the next transfer id is taken"),
						errhint("Transfers were loaded without advancing the sequence. Set parley.transfers_id_seq to "
								"the largest id.")));
}

static void
transfer_post(LedgerRows *rows, Transfer *transfer)
{
	PostingDraft received = { .amount = -transfer->draft.amount, .memo = transfer->draft.memo };
	TimestampTz at = Max(parley_account_next_time(&transfer->from), parley_account_next_time(&transfer->to));

	transfer->paid = parley_posting_append(rows, &transfer->from, &transfer->draft, at);
	transfer->to_number = parley_posting_append(rows, &transfer->to, &received, at).transaction.number;
	SPI_connect();
	if (transfer->has_id)
	{
		parley_statement_run(&take_id, NULL, NULL, false, 1);
		transfer->id = DatumGetInt64(parley_statement_value(0, 1, INT8OID, NULL));
	}
	if (transfer->draft.has_conversation)
		transfer_post_receipt(transfer);
	transfer_record(transfer);
	SPI_finish();
}

/* Fills in what the first call with the key made in addition to the paying line. */
static void
transfer_recall(Transfer *transfer)
{
	Datum values[] = { Int64GetDatum(transfer->user_id), Int64GetDatum(transfer->account_id),
					   Int64GetDatum(transfer->paid.transaction.number) };
	bool no_receipt;

	if (transfer->paid.sqlerrcode != 0)
		return;
	SPI_connect();
	parley_statement_run(&find_other_line, values, NULL, false, 1);
	transfer->to_number = DatumGetInt64(parley_statement_value(0, 1, INT8OID, NULL));
	transfer->message_number = DatumGetInt64(parley_statement_value(0, 2, INT8OID, &no_receipt));
	SPI_finish();
}

static void
transfer_make(Transfer *transfer)
{
	/* Readers of messages do not wait for durability, so a transfer with a receipt must not release early. */
	LedgerRows *rows = parley_ledger_rows_open(!transfer->draft.has_conversation);

	lock_both(rows, transfer);
	if (parley_posting_replay(rows, &transfer->from, &transfer->draft, &transfer->paid))
		transfer_recall(transfer);
	else if (transfer_allowed(transfer))
		transfer_post(rows, transfer);
	parley_posting_raise(&transfer->paid);
	parley_account_save(rows, &transfer->from);
	parley_account_save(rows, &transfer->to);
	parley_ledger_rows_close(rows);
}

static Transfer
transfer_read(FunctionCallInfo fcinfo)
{
	static const char *const required[] = { "user_id", "from_account_id", "to_user_id", "to_account_id", "amount" };
	Transfer transfer = { 0 };
	PostingDraft *draft = &transfer.draft;

	for (int i = 0; i < (int) lengthof(required); i++)
		parley_require_argument(fcinfo, i, required[i]);
	transfer.user_id = PG_GETARG_INT64(0);
	transfer.account_id = PG_GETARG_INT64(1);
	draft->is_transfer = true;
	draft->to_user_id = PG_GETARG_INT64(2);
	draft->to_account_id = PG_GETARG_INT64(3);
	draft->amount = -PG_GETARG_INT64(4);
	draft->memo = PG_ARGISNULL(5) ? NULL : PG_GETARG_TEXT_PP(5);
	draft->has_conversation = !PG_ARGISNULL(6);
	draft->conversation_id = draft->has_conversation ? PG_GETARG_INT64(6) : 0;
	draft->idempotency_key = PG_ARGISNULL(7) ? NULL : PG_GETARG_TEXT_PP(7);
	if (transfer.user_id == draft->to_user_id && transfer.account_id == draft->to_account_id)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("account %lld cannot pay itself", (long long) transfer.account_id),
						errargument("to_account_id")));
	if (transfer.user_id == draft->to_user_id && draft->has_conversation)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a transfer between accounts of one user has no receipt"), errargument("conversation_id")));
	return transfer;
}

static Datum
money_move(FunctionCallInfo fcinfo, bool has_id)
{
	Transfer transfer = transfer_read(fcinfo);
	const Posting *paid = &transfer.paid;
	bool refused;
	TupleDesc desc;

	transfer.has_id = has_id;
	transfer_make(&transfer);
	refused = paid->sqlerrcode != 0;
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "move_money must return a row");
	{
		Datum values[] = { Int64GetDatum(paid->transaction.number),
						   Int64GetDatum(transfer.to_number),
						   Int64GetDatum(transfer.message_number),
						   BoolGetDatum(paid->replayed),
						   refused ? CStringGetTextDatum(unpack_sql_state(paid->sqlerrcode)) : (Datum) 0,
						   refused ? CStringGetTextDatum(paid->detail) : (Datum) 0 };
		bool nulls[] = { refused, refused, transfer.message_number == 0, false, !refused, !refused };

		return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
	}
}

/* The symbol of version 1.0, whose parley.transfers has no id. */
Datum
parley_move_money(PG_FUNCTION_ARGS)
{
	return money_move(fcinfo, false);
}

Datum
parley_move_money_1_1(PG_FUNCTION_ARGS)
{
	return money_move(fcinfo, true);
}
