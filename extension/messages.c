/*
 * messages.c: posts messages.
 *
 * A post writes its rows directly if it can (message_rows.h), otherwise by statements. Either way it locks the
 * conversation's row, so posts to one conversation queue behind each other and are numbered in the order of their
 * commits. Then, if a member posts, it locks that member's row. What is read is allocated in SPI's context and freed by
 * SPI_finish().
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "message_rows.h"
#include "messages.h"
#include "schema.h"
#include "statement.h"

/* The maximum length of parley.message_content in bytes. */
#define CONTENT_BYTES_MAX 40000

PG_FUNCTION_INFO_V1(parley_post_message);
PG_FUNCTION_INFO_V1(parley_post_user_message);
/* The symbols of version 1.1. A library of version 1.0 that is still loaded does not have them: it would not maintain
 * the number of the newest message. */
PG_FUNCTION_INFO_V1(parley_post_message_1_1);
PG_FUNCTION_INFO_V1(parley_post_user_message_1_1);

static Statement lock_conversation = {
	"SELECT FROM parley.conversations WHERE id = $1 FOR NO KEY UPDATE",
	{ INT8OID },
};
static Statement find_agent = {
	"SELECT FROM parley.agents WHERE id = $1",
	{ INT8OID },
};
static Statement open_case = {
	"UPDATE parley.cases SET status = 'open', snoozed_until = NULL WHERE conversation_id = $1",
	{ INT8OID },
};
static Statement reopen_case = {
	"WITH opened AS (UPDATE parley.cases SET status = 'open', snoozed_until = NULL WHERE conversation_id = $1)"
	" UPDATE parley.conversations SET is_settled = false WHERE id = $1",
	{ INT8OID },
};
/*
 * Statements that differ for the tables of version 1.0. A message is never dated before the previous one, whatever the
 * clock does. If the operator ($2 of take_number) or a member had read everything before their own message, they have
 * read everything including it.
 */
typedef struct VersionStatements
{
	Statement is_member; /* also returns whether they are blocked */
	Statement find_by_key;
	Statement take_number;
	Statement insert_message;
	Statement note_written;
} VersionStatements;

#define FIND_BY_KEY(agent_id)                                                                        \
	"SELECT number, created_at, edited_at IS NOT NULL OR deleted_at IS NOT NULL, idempotency_hash, " \
	"sender_id, " agent_id " FROM parley.messages WHERE conversation_id = $1 AND idempotency_key = $2"
#define INSERT_MESSAGE(column, value)                                                                     \
	"INSERT INTO parley.messages"                                                                         \
	" (conversation_id, number, sender_id, created_at, content, idempotency_key, idempotency_hash" column \
	") VALUES ($1, $2, $3, $4, $5, $6, $7" value ")"
#define INSERT_PARAMETERS                                                             \
	{                                                                                 \
		INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID, TEXTOID, TEXTOID, INT8OID, INT8OID \
	}

static VersionStatements current_statements = {
	{ "SELECT is_blocked FROM parley.members WHERE conversation_id = $1 AND contact_id = $2", { INT8OID, INT8OID } },
	{ FIND_BY_KEY("agent_id"), { INT8OID, TEXTOID } },
	{ "UPDATE parley.conversations SET last_number = last_number + 1, newest_number = last_number + 1,"
	  "  last_message_at = greatest(last_message_at, clock_timestamp()),"
	  "  operator_read_number = operator_read_number + ($2 AND operator_read_number = last_number)::integer"
	  " WHERE id = $1 RETURNING last_number, last_message_at, is_settled, merged_id <> 0",
	  { INT8OID, BOOLOID } },
	{ INSERT_MESSAGE(", agent_id", ", $8"), INSERT_PARAMETERS },
	{ "UPDATE parley.members"
	  " SET has_written = true, read_number = CASE read_number WHEN $3 - 1 THEN $3 ELSE read_number END"
	  " WHERE conversation_id = $1 AND contact_id = $2 AND (read_number = $3 - 1 OR NOT has_written)",
	  { INT8OID, INT8OID, INT8OID } },
};
static VersionStatements statements_of_1_0 = {
	{ "SELECT false FROM parley.members WHERE conversation_id = $1 AND contact_id = $2", { INT8OID, INT8OID } },
	{ FIND_BY_KEY("NULL::bigint"), { INT8OID, TEXTOID } },
	{ "UPDATE parley.conversations"
	  " SET last_number = last_number + 1, last_message_at = greatest(last_message_at, clock_timestamp())"
	  " WHERE id = $1 RETURNING last_number, last_message_at, false, false",
	  { INT8OID, BOOLOID } },
	{ INSERT_MESSAGE("", ""), INSERT_PARAMETERS },
	{ "UPDATE parley.members SET read_number = $3"
	  " WHERE conversation_id = $1 AND contact_id = $2 AND read_number = $3 - 1",
	  { INT8OID, INT8OID, INT8OID } },
};

static Statement insert_receipt = {
	"INSERT INTO parley.messages (conversation_id, number, sender_id, created_at, content, transfer_id)"
	" VALUES ($1, $2, $3, $4, $5, $6)",
	{ INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID, TEXTOID, INT8OID },
};

static void
fail_no_conversation(int64 conversation_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND), errmsg("conversation %lld does not exist", (long long) conversation_id),
			 errargument("conversation_id")));
}

static void
fail_no_member(int64 conversation_id, int64 contact_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("contact %lld has no conversation %lld", (long long) contact_id, (long long) conversation_id),
			 errargument("conversation_id")));
}

static void
fail_blocked(void)
{
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("you cannot write in this conversation")));
}

static VersionStatements *
version_statements(void)
{
	return parley_schema_is_1_0() ? &statements_of_1_0 : &current_statements;
}

/* Fails if the contact is not a member. Returns whether the other side has blocked them. */
static bool
member_is_blocked(int64 conversation_id, int64 contact_id)
{
	Datum values[] = { Int64GetDatum(conversation_id), Int64GetDatum(contact_id) };

	if (parley_statement_run(&version_statements()->is_member, values, NULL, false, 1) == 0)
		fail_no_member(conversation_id, contact_id);
	return DatumGetBool(parley_statement_value(0, 1, BOOLOID, NULL));
}

void
parley_require_member(int64 conversation_id, int64 contact_id)
{
	(void) member_is_blocked(conversation_id, contact_id);
}

/* A hash by which a replay is distinguished from another message with the same key. */
static int64
draft_hash(const MessageDraft *draft)
{
	return (int64) hash_bytes_extended((unsigned char *) VARDATA_ANY(draft->content), VARSIZE_ANY_EXHDR(draft->content),
									   (uint64) draft->sender_id);
}

/*
 * Returns whether the row that find_by_key found was created from such a draft. For a changed message we keep nothing
 * from which its first content could be guessed, so we compare only the length. Rows that were changed by version 1.0
 * still have a hash, or nothing.
 */
static bool
message_is_of(const MessageDraft *draft)
{
	bool is_changed = DatumGetBool(parley_statement_value(0, 3, BOOLOID, NULL));
	bool has_nothing, from_operator;
	int64 kept = DatumGetInt64(parley_statement_value(0, 4, INT8OID, &has_nothing));
	Datum sender_id = parley_statement_value(0, 5, INT8OID, &from_operator);

	if (from_operator != draft->from_operator || (!from_operator && DatumGetInt64(sender_id) != draft->sender_id))
		return false;
	if (is_changed && has_nothing)
		return true;
	return kept == (is_changed && kept >= 0 && kept <= CONTENT_BYTES_MAX ? (int64) VARSIZE_ANY_EXHDR(draft->content)
																		 : draft_hash(draft));
}

/*
 * Finds what an earlier call with the draft's key created. The conversation must be locked: if the same call is in
 * progress elsewhere, we have waited for it to commit, and see its message.
 */
static bool
message_replay(const MessageDraft *draft, Statement *find_by_key, Message *message)
{
	Datum values[] = { Int64GetDatum(draft->conversation_id), PointerGetDatum(draft->idempotency_key) };
	bool has_no_agent;

	if (draft->idempotency_key == NULL || parley_statement_run(find_by_key, values, NULL, false, 1) == 0)
		return false;
	if (!message_is_of(draft))
		ereport(ERROR,
				(errcode(ERRCODE_PARLEY_KEY_REUSED),
				 errmsg("idempotency key \"%s\" was used for another message", text_to_cstring(draft->idempotency_key)),
				 errhint("Use a new key for a new message."), errargument("idempotency_key")));
	message->number = DatumGetInt64(parley_statement_value(0, 1, INT8OID, NULL));
	message->created_at = DatumGetTimestampTz(parley_statement_value(0, 2, TIMESTAMPTZOID, NULL));
	message->agent_id = DatumGetInt64(parley_statement_value(0, 6, INT8OID, &has_no_agent));
	message->replayed = true;
	return true;
}

static void
message_insert(const MessageDraft *draft, const Message *message, Statement *insert_message)
{
	Datum values[8] = { Int64GetDatum(draft->conversation_id), Int64GetDatum(message->number),
						Int64GetDatum(draft->sender_id), TimestampTzGetDatum(message->created_at),
						PointerGetDatum(draft->content) };
	char nulls[] = "        ";

	if (draft->from_operator)
		nulls[2] = 'n';
	if (draft->idempotency_key != NULL)
	{
		values[5] = PointerGetDatum(draft->idempotency_key);
		values[6] = Int64GetDatum(draft_hash(draft));
	}
	else
		nulls[5] = nulls[6] = 'n';
	values[7] = Int64GetDatum(message->agent_id);
	if (message->agent_id == 0)
		nulls[7] = 'n';
	if (draft->transfer_id != 0)
	{
		/* A receipt is not sent by a request of its own, so it has no key. */
		values[5] = Int64GetDatum(draft->transfer_id);
		parley_statement_run(&insert_receipt, values, NULL, false, 0);
	}
	else
		parley_statement_run(insert_message, values, nulls, false, 0);
}

static void
message_note_written(const MessageDraft *draft, const Message *message, Statement *note_written)
{
	Datum values[] = { Int64GetDatum(draft->conversation_id), Int64GetDatum(draft->sender_id),
					   Int64GetDatum(message->number) };

	if (!draft->from_operator)
		parley_statement_run(note_written, values, NULL, false, 0);
}

static int64
draft_agent_id(const MessageDraft *draft)
{
	Datum value = Int64GetDatum(draft->caller_id);

	return draft->caller_id != 0 && parley_statement_run(&find_agent, &value, NULL, false, 1) > 0 ? draft->caller_id
																								  : 0;
}

/* Posts by statements. */
static Message
message_post_by_sql(const MessageDraft *draft)
{
	Message message = { 0 };
	VersionStatements *statements = version_statements();
	Datum values[] = { Int64GetDatum(draft->conversation_id), BoolGetDatum(draft->from_operator) };
	bool is_settled;

	if (!draft->from_operator && member_is_blocked(draft->conversation_id, draft->sender_id))
		fail_blocked();
	if (draft->idempotency_key != NULL && parley_statement_run(&lock_conversation, values, NULL, false, 1) == 0)
		fail_no_conversation(draft->conversation_id);
	if (message_replay(draft, &statements->find_by_key, &message))
		return message;
	if (parley_statement_run(&statements->take_number, values, NULL, false, 1) == 0)
		fail_no_conversation(draft->conversation_id);
	message.number = DatumGetInt64(parley_statement_value(0, 1, INT8OID, NULL));
	message.created_at = DatumGetTimestampTz(parley_statement_value(0, 2, TIMESTAMPTZOID, NULL));
	is_settled = DatumGetBool(parley_statement_value(0, 3, BOOLOID, NULL));
	/* The sender may have been merged into another contact while this waited for the conversation. */
	if (!draft->from_operator && DatumGetBool(parley_statement_value(0, 4, BOOLOID, NULL)))
		parley_require_member(draft->conversation_id, draft->sender_id);
	if (!draft->from_operator && is_settled)
		parley_statement_run(&reopen_case, values, NULL, false, 0);
	message.agent_id = draft_agent_id(draft);
	message_insert(draft, &message, &statements->insert_message);
	message_note_written(draft, &message, &statements->note_written);
	return message;
}

/* Returns the conversation's row with its next number taken. */
static ConversationRow
conversation_counted(const ConversationRow *conversation, const MessageDraft *draft)
{
	ConversationRow counted = *conversation;

	counted.newest_number = ++counted.last_number;
	counted.last_message_at = Max(conversation->last_message_at, GetCurrentTimestamp());
	if (draft->from_operator)
		counted.operator_read_number += conversation->operator_read_number == conversation->last_number;
	else
		counted.is_settled = false;
	return counted;
}

/* Takes the next number of a conversation that was found, or locked since. */
static ConversationRow
conversation_count(MessageRows *rows, const MessageDraft *draft, ConversationRow *conversation)
{
	ConversationRow counted = conversation_counted(conversation, draft);
	Datum value = Int64GetDatum(conversation->id);

	if (!parley_conversation_save(rows, &counted))
	{
		if (!parley_conversation_lock(rows, conversation))
			fail_no_conversation(draft->conversation_id);
		counted = conversation_counted(conversation, draft);
		if (!parley_conversation_save(rows, &counted))
			elog(ERROR, "conversation %lld changed while it was locked", (long long) draft->conversation_id);
	}
	if (conversation->is_settled && !counted.is_settled)
		parley_statement_run(&open_case, &value, NULL, false, 0);
	return counted;
}

static void
message_insert_row(MessageRows *rows, const MessageDraft *draft, const Message *message)
{
	parley_message_insert(rows,
						  &(MessageRow){ .conversation_id = draft->conversation_id,
										 .number = message->number,
										 .sender_id = draft->from_operator ? 0 : draft->sender_id,
										 .created_at = message->created_at,
										 .content = draft->content,
										 .idempotency_key = draft->idempotency_key,
										 .idempotency_hash = draft->idempotency_key == NULL ? 0 : draft_hash(draft),
										 .agent_id = message->agent_id,
										 .transfer_id = draft->transfer_id });
}

/* Posts to the conversation that was found. */
static Message
message_append(MessageRows *rows, const MessageDraft *draft, ConversationRow conversation)
{
	Message message = { 0 };
	int64 found_number = conversation.last_number;
	bool is_blocked;

	if (draft->idempotency_key != NULL && !parley_conversation_lock(rows, &conversation))
		fail_no_conversation(draft->conversation_id);
	if (message_replay(draft, &current_statements.find_by_key, &message))
		return message;
	conversation = conversation_count(rows, draft, &conversation);
	if (!draft->from_operator && conversation.is_merged &&
		!parley_member_find(rows, draft->conversation_id, draft->sender_id, &is_blocked))
		fail_no_member(draft->conversation_id, draft->sender_id);
	message.number = conversation.last_number;
	message.overtaken = message.number > found_number + 1;
	message.created_at = conversation.last_message_at;
	message.agent_id = draft_agent_id(draft);
	message_insert_row(rows, draft, &message);
	if (!draft->from_operator)
		parley_member_note_written(rows, draft->conversation_id, draft->sender_id, message.number);
	return message;
}

/* Does the same as message_post_by_sql(), without statements. */
static Message
message_post_by_rows(MessageRows *rows, const MessageDraft *draft)
{
	ConversationRow conversation;
	bool is_blocked = false;

	if (!draft->from_operator && !parley_member_find(rows, draft->conversation_id, draft->sender_id, &is_blocked))
		fail_no_member(draft->conversation_id, draft->sender_id);
	if (is_blocked)
		fail_blocked();
	if (!parley_conversation_find(rows, draft->conversation_id, &conversation))
		fail_no_conversation(draft->conversation_id);
	return message_append(rows, draft, conversation);
}

Message
parley_message_post(const MessageDraft *draft)
{
	MessageRows *rows = parley_message_rows_open(draft->from_operator ? FROM_OPERATOR : FROM_MEMBER);
	Message message;

	if (rows == NULL)
		return message_post_by_sql(draft);
	message = message_post_by_rows(rows, draft);
	parley_message_rows_close(rows);
	return message;
}

bool
parley_message_try_post_in_chat(MessageDraft *draft, int64 application_id, int64 chat_number, Message *message)
{
	MessageRows *rows = parley_message_rows_open(FROM_APPLICATION);
	ConversationRow conversation;
	bool found;

	if (rows == NULL)
		return false;
	found = parley_chat_find(rows, application_id, chat_number, &conversation);
	if (found)
	{
		draft->conversation_id = conversation.id;
		*message = message_append(rows, draft, conversation);
	}
	parley_message_rows_close(rows);
	return found;
}

/* Returns the columns of parley.posted_message: the first response, even if the message has been changed since. */
static Datum
message_form(FunctionCallInfo fcinfo, const MessageDraft *draft, const Message *message)
{
	TupleDesc desc;
	Datum values[10] = { Int64GetDatum(draft->conversation_id), Int64GetDatum(message->number),
						 Int64GetDatum(draft->sender_id), PointerGetDatum(draft->content),
						 TimestampTzGetDatum(message->created_at) };
	bool nulls[10] = { [2] = draft->from_operator, [5] = true, [6] = true, [8] = message->agent_id == 0, [9] = true };

	values[7] = BoolGetDatum(message->replayed);
	values[8] = Int64GetDatum(message->agent_id);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "post_message must return a row");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

enum
{
	CALLER_ID = 4, /* positions of the arguments of post_message() */
	CALLER_ROLE
};

/* Both functions start with the arguments (conversation_id, content, sender, idempotency_key). The operator's also has
 * caller_id and caller_role. */
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
	/* If an installation lets users call this, a user's id is not an agent's. */
	if (from_operator && PG_NARGS() > CALLER_ROLE && !PG_ARGISNULL(CALLER_ID) &&
		(PG_ARGISNULL(CALLER_ROLE) || strcmp(text_to_cstring(PG_GETARG_TEXT_PP(CALLER_ROLE)), "user") != 0))
		draft.caller_id = PG_GETARG_INT64(CALLER_ID);

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

Datum
parley_post_message_1_1(PG_FUNCTION_ARGS)
{
	return parley_post_message(fcinfo);
}

Datum
parley_post_user_message_1_1(PG_FUNCTION_ARGS)
{
	return parley_post_user_message(fcinfo);
}
