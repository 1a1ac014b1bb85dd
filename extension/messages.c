/*
 * messages.c: posting a message.
 *
 * Locks the conversation's row, so posts to one conversation queue behind each other and are numbered in the order in
 * which they commit, and after it, where a member posts, that member's row. Memory: what is read comes from SPI's
 * context and is gone after SPI_finish().
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "messages.h"
#include "statement.h"

PG_FUNCTION_INFO_V1(parley_post_message);
PG_FUNCTION_INFO_V1(parley_post_user_message);

static Statement is_member = {
	"SELECT FROM parley.members WHERE conversation_id = $1 AND contact_id = $2",
	{ INT8OID, INT8OID },
};
static Statement lock_conversation = {
	"SELECT FROM parley.conversations WHERE id = $1 FOR NO KEY UPDATE",
	{ INT8OID },
};
static Statement find_by_key = {
	"SELECT number, content::text, created_at, edited_at, deleted_at, idempotency_hash, sender_id FROM parley.messages"
	" WHERE conversation_id = $1 AND idempotency_key = $2",
	{ INT8OID, TEXTOID },
};
/* A message is never dated before the one before it, whatever the clock does. The operator ($2) who has read all before
 * their own message has read all with it. */
static Statement take_number = {
	"UPDATE parley.conversations"
	" SET last_number = last_number + 1, last_message_at = greatest(last_message_at, clock_timestamp()),"
	"  operator_read_number = operator_read_number + ($2 AND operator_read_number = last_number)::integer"
	" WHERE id = $1 RETURNING last_number, last_message_at, is_settled",
	{ INT8OID, BOOLOID },
};
/* In a database that is still at 1.0, which knows no cases. */
static Statement take_number_1_0 = {
	"UPDATE parley.conversations"
	" SET last_number = last_number + 1, last_message_at = greatest(last_message_at, clock_timestamp())"
	" WHERE id = $1 RETURNING last_number, last_message_at, false",
	{ INT8OID, BOOLOID },
};
static Statement reopen_case = {
	"WITH opened AS (UPDATE parley.cases SET status = 'open', snoozed_until = NULL WHERE conversation_id = $1)"
	" UPDATE parley.conversations SET is_settled = false WHERE id = $1",
	{ INT8OID },
};
/* Who has read all before their own message has read all with it. */
static Statement read_own = {
	"UPDATE parley.members SET read_number = $3"
	" WHERE conversation_id = $1 AND contact_id = $2 AND read_number = $3 - 1",
	{ INT8OID, INT8OID, INT8OID },
};
static Statement insert_message = {
	"INSERT INTO parley.messages (conversation_id, number, sender_id, created_at, content, idempotency_key, "
	"idempotency_hash)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7)",
	{ INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID, TEXTOID, TEXTOID, INT8OID },
};

static Statement insert_receipt = {
	"INSERT INTO parley.messages (conversation_id, number, sender_id, created_at, content, transfer_id)"
	" VALUES ($1, $2, $3, $4, $5, $6)",
	{ INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID, TEXTOID, INT8OID },
};

static void
fail_no_conversation(int64 conversation_id)
{
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("no conversation %lld", (long long) conversation_id),
					errargument("conversation_id")));
}

void
parley_require_member(int64 conversation_id, int64 contact_id)
{
	Datum values[] = { Int64GetDatum(conversation_id), Int64GetDatum(contact_id) };

	if (parley_statement_run(&is_member, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("no conversation %lld with member %lld", (long long) conversation_id, (long long) contact_id),
				 errargument("conversation_id")));
}

/* What tells a replay from another message under the same key. */
static int64
draft_hash(const MessageDraft *draft)
{
	return (int64) hash_bytes_extended((unsigned char *) VARDATA_ANY(draft->content), VARSIZE_ANY_EXHDR(draft->content),
									   (uint64) draft->sender_id);
}

/* The row that find_by_key found, detoasted into the current context. */
static Message
message_read(void)
{
	Message message = { .replayed = true };
	bool isnull;
	Datum value;

	message.number = DatumGetInt64(parley_statement_value(0, 1, NULL));
	value = parley_statement_value(0, 2, &isnull);
	message.content = isnull ? NULL : DatumGetTextPCopy(value);
	message.created_at = DatumGetTimestampTz(parley_statement_value(0, 3, NULL));
	value = parley_statement_value(0, 4, &isnull);
	message.edited_at = isnull ? 0 : DatumGetTimestampTz(value);
	value = parley_statement_value(0, 5, &isnull);
	message.deleted_at = isnull ? 0 : DatumGetTimestampTz(value);
	return message;
}

/* Whether the row that find_by_key found was made of such a draft; a tombstone has its sender left to tell by. */
static bool
message_is_of(const MessageDraft *draft)
{
	bool is_tombstone, from_operator;
	Datum hash = parley_statement_value(0, 6, &is_tombstone);
	Datum sender_id = parley_statement_value(0, 7, &from_operator);

	if (!is_tombstone)
		return DatumGetInt64(hash) == draft_hash(draft);
	return from_operator == draft->from_operator && (from_operator || DatumGetInt64(sender_id) == draft->sender_id);
}

/*
 * Finds what the draft's key made before. The conversation is locked first, so that a twin of this call that has not
 * committed is waited for, and then seen.
 */
static bool
message_replay(const MessageDraft *draft, Message *message)
{
	Datum values[] = { Int64GetDatum(draft->conversation_id), PointerGetDatum(draft->idempotency_key) };

	if (parley_statement_run(&lock_conversation, values, NULL, false, 1) == 0)
		fail_no_conversation(draft->conversation_id);
	if (parley_statement_run(&find_by_key, values, NULL, false, 1) == 0)
		return false;
	if (!message_is_of(draft))
		ereport(ERROR,
				(errcode(ERRCODE_PARLEY_KEY_REUSED),
				 errmsg("idempotency key \"%s\" was used for another message", text_to_cstring(draft->idempotency_key)),
				 errhint("Use a new key for a new message."), errargument("idempotency_key")));
	*message = message_read();
	return true;
}

static void
message_insert(const MessageDraft *draft, const Message *message)
{
	Datum values[7] = { Int64GetDatum(draft->conversation_id), Int64GetDatum(message->number),
						Int64GetDatum(draft->sender_id), TimestampTzGetDatum(message->created_at),
						PointerGetDatum(draft->content) };
	char nulls[] = "       ";

	if (draft->from_operator)
		nulls[2] = 'n';
	if (draft->idempotency_key != NULL)
	{
		values[5] = PointerGetDatum(draft->idempotency_key);
		values[6] = Int64GetDatum(draft_hash(draft));
	}
	else
		nulls[5] = nulls[6] = 'n';
	if (draft->transfer_id != 0)
	{
		/* Nobody sends a receipt, so nobody names its request. */
		values[5] = Int64GetDatum(draft->transfer_id);
		parley_statement_run(&insert_receipt, values, NULL, false, 0);
	}
	else
		parley_statement_run(&insert_message, values, nulls, false, 0);
}

static void
message_read_own(const MessageDraft *draft, const Message *message)
{
	Datum values[] = { Int64GetDatum(draft->conversation_id), Int64GetDatum(draft->sender_id),
					   Int64GetDatum(message->number) };

	if (!draft->from_operator)
		parley_statement_run(&read_own, values, NULL, false, 0);
}

static bool
has_cases(void)
{
	Oid conversations = get_relname_relid("conversations", get_namespace_oid("parley", false));

	return get_attnum(conversations, "is_settled") != InvalidAttrNumber;
}

Message
parley_message_post(const MessageDraft *draft)
{
	Message message = { .content = draft->content };
	Datum values[] = { Int64GetDatum(draft->conversation_id), BoolGetDatum(draft->from_operator) };

	if (!draft->from_operator)
		parley_require_member(draft->conversation_id, draft->sender_id);
	if (draft->idempotency_key != NULL && message_replay(draft, &message))
		return message;
	if (parley_statement_run(has_cases() ? &take_number : &take_number_1_0, values, NULL, false, 1) == 0)
		fail_no_conversation(draft->conversation_id);
	message.number = DatumGetInt64(parley_statement_value(0, 1, NULL));
	message.created_at = DatumGetTimestampTz(parley_statement_value(0, 2, NULL));
	if (!draft->from_operator && DatumGetBool(parley_statement_value(0, 3, NULL)))
		parley_statement_run(&reopen_case, values, NULL, false, 0);
	message_insert(draft, &message);
	message_read_own(draft, &message);
	return message;
}

/* parley.posted_message, in the order of its columns. */
static Datum
message_form(FunctionCallInfo fcinfo, const MessageDraft *draft, const Message *message)
{
	TupleDesc desc;
	Datum values[8] = { Int64GetDatum(draft->conversation_id),    Int64GetDatum(message->number),
						Int64GetDatum(draft->sender_id),          PointerGetDatum(message->content),
						TimestampTzGetDatum(message->created_at), TimestampTzGetDatum(message->edited_at),
						TimestampTzGetDatum(message->deleted_at), BoolGetDatum(message->replayed) };
	bool nulls[8] = { false,
					  false,
					  draft->from_operator,
					  message->content == NULL,
					  false,
					  message->edited_at == 0,
					  message->deleted_at == 0,
					  false };

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "post_message must return a row");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* (conversation_id, content, sender, idempotency_key), as both functions have their arguments. */
static Datum
post_message(FunctionCallInfo fcinfo, bool from_operator)
{
	MessageDraft draft = { .from_operator = from_operator };
	Message message;
	Datum result;
	MemoryContext caller = CurrentMemoryContext;

	draft.conversation_id = PG_GETARG_INT64(0);
	draft.content = PG_GETARG_TEXT_PP(1);
	if (!from_operator)
		draft.sender_id = PG_GETARG_INT64(2);
	if (!PG_ARGISNULL(3))
		draft.idempotency_key = PG_GETARG_TEXT_PP(3);

	SPI_connect();
	message = parley_message_post(&draft);
	MemoryContextSwitchTo(caller);
	result = message_form(fcinfo, &draft, &message);
	SPI_finish();
	return result;
}

Datum
parley_post_message(PG_FUNCTION_ARGS)
{
	parley_require_argument(fcinfo, 0, "conversation_id");
	parley_require_argument(fcinfo, 1, "content");
	return post_message(fcinfo, PG_ARGISNULL(2));
}

Datum
parley_post_user_message(PG_FUNCTION_ARGS)
{
	parley_require_argument(fcinfo, 0, "conversation_id");
	parley_require_argument(fcinfo, 1, "content");
	parley_require_argument(fcinfo, 2, "user_id");
	return post_message(fcinfo, false);
}
