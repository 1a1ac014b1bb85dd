/*
 * message_rows.c: see message_rows.h.
 *
 * Locks the conversation's row, then the member's, by updating them: a lock of its own would write another record to
 * the WAL. Memory is allocated in the caller's context, and freed when the tables are closed.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_type_d.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "index/lookup.h"
#include "message_rows.h"
#include "rows/row_lock.h"
#include "rows/row_writer.h"

/* The columns that a post uses, those that it writes first. */
enum
{
	CONVERSATION_LAST_NUMBER,
	CONVERSATION_NEWEST_NUMBER,
	CONVERSATION_LAST_MESSAGE_AT,
	CONVERSATION_OPERATOR_READ_NUMBER,
	CONVERSATION_IS_SETTLED,
	CONVERSATION_WRITTEN_COLUMNS,
	CONVERSATION_MERGED_ID = CONVERSATION_WRITTEN_COLUMNS,
	CONVERSATION_ID,
	CONVERSATION_COLUMNS
};
static const char *const conversation_columns[CONVERSATION_COLUMNS] = {
	"last_number", "newest_number", "last_message_at", "operator_read_number", "is_settled", "merged_id", "id"
};
static const Oid conversation_types[CONVERSATION_COLUMNS] = { INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID,
															  BOOLOID, INT8OID, INT8OID };
enum
{
	MESSAGE_CONVERSATION_ID,
	MESSAGE_NUMBER,
	MESSAGE_SENDER_ID,
	MESSAGE_CREATED_AT,
	MESSAGE_CONTENT,
	MESSAGE_IDEMPOTENCY_KEY,
	MESSAGE_IDEMPOTENCY_HASH,
	MESSAGE_AGENT_ID,
	MESSAGE_TRANSFER_ID,
	MESSAGE_COLUMNS
};
static const char *const message_columns[MESSAGE_COLUMNS] = { "conversation_id",  "number",   "sender_id",
															  "created_at",       "content",  "idempotency_key",
															  "idempotency_hash", "agent_id", "transfer_id" };
static const Oid message_types[MESSAGE_COLUMNS] = { INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID, TEXTOID,
													TEXTOID, INT8OID, INT8OID, INT8OID };
enum
{
	MEMBER_HAS_WRITTEN,
	MEMBER_READ_NUMBER,
	MEMBER_WRITTEN_COLUMNS,
	MEMBER_CONTACT_ID = MEMBER_WRITTEN_COLUMNS,
	MEMBER_IS_BLOCKED,
	MEMBER_COLUMNS
};
static const char *const member_columns[MEMBER_COLUMNS] = { "has_written", "read_number", "contact_id", "is_blocked" };
static const Oid member_types[MEMBER_COLUMNS] = { BOOLOID, INT8OID, INT8OID, BOOLOID };

enum
{
	CONVERSATIONS,
	MESSAGES,
	MEMBERS, /* the last, because it need not be open */
	TABLES
};

struct MessageRows
{
	RowWriter writer;
	RowTable tables[TABLES];
	Relation keys[TABLES];        /* the unique indexes by which rows are found; NULL of messages */
	TupleTableSlot *rows[TABLES]; /* what was found or locked last */
};

static const IndexForm conversations_key = { NULL, BTREE_AM_OID, { "id" }, .keys_are_fixed = true };
static const IndexForm chats_key = { "conversations_chat_key",
									 BTREE_AM_OID,
									 { "application_id", "number" },
									 .predicate = "(kind = 'chat'::parley.conversation_kind)",
									 .keys_are_fixed = true };
static const IndexForm members_key = { NULL, BTREE_AM_OID, { "conversation_id", "contact_id" } };

MessageRows *
parley_message_rows_open(MessageSource source)
{
	static RowForm conversation_form, message_form, member_form;
	const IndexForm *conversation_key = source == FROM_APPLICATION ? &chats_key : &conversations_key;
	bool by_member = source == FROM_MEMBER;
	MessageRows *rows = palloc0(sizeof(MessageRows));

	/* The executor makes the same checks. */
	PreventCommandIfReadOnly("posting");
	PreventCommandIfParallelMode("posting");
	rows->tables[CONVERSATIONS] = (RowTable){ .name = "conversations",
											  .command = CMD_UPDATE,
											  .column_names = conversation_columns,
											  .column_types = conversation_types,
											  .column_count = CONVERSATION_COLUMNS,
											  .written_count = CONVERSATION_WRITTEN_COLUMNS,
											  .only_trigger = "conversations_wake",
											  .form = &conversation_form };
	rows->tables[MESSAGES] = (RowTable){ .name = "messages",
										 .command = CMD_INSERT,
										 .column_names = message_columns,
										 .column_types = message_types,
										 .column_count = MESSAGE_COLUMNS,
										 .written_count = MESSAGE_COLUMNS,
										 .only_trigger = "",
										 .form = &message_form };
	rows->tables[MEMBERS] = (RowTable){ .name = "members",
										.command = CMD_UPDATE,
										.column_names = member_columns,
										.column_types = member_types,
										.column_count = MEMBER_COLUMNS,
										.written_count = MEMBER_WRITTEN_COLUMNS,
										.only_trigger = "members_wake",
										.form = &member_form };
	if (!parley_row_writer_try_open(&rows->writer, rows->tables, by_member ? TABLES : MEMBERS))
	{
		pfree(rows);
		return NULL;
	}
	rows->keys[CONVERSATIONS] = parley_index_open(rows->tables[CONVERSATIONS].relation, conversation_key, true);
	if (by_member)
		rows->keys[MEMBERS] = parley_index_open(rows->tables[MEMBERS].relation, &members_key, true);
	if (rows->keys[CONVERSATIONS] != NULL && (rows->keys[MEMBERS] != NULL || !by_member))
		return rows;
	parley_message_rows_close(rows);
	return NULL;
}

void
parley_message_rows_close(MessageRows *rows)
{
	for (int i = 0; i < TABLES; i++)
	{
		if (rows->rows[i] != NULL)
			ExecDropSingleTupleTableSlot(rows->rows[i]);
		if (rows->keys[i] != NULL)
			index_close(rows->keys[i], NoLock);
	}
	parley_row_writer_close(&rows->writer);
	pfree(rows);
}

static bool
row_find(MessageRows *rows, int table, const int64 *keys, int key_count)
{
	Relation relation = rows->tables[table].relation;

	if (rows->rows[table] == NULL)
		rows->rows[table] = table_slot_create(relation, NULL);
	return parley_row_find(relation, rows->keys[table], keys, key_count, rows->rows[table]);
}

/* Returns 0 or false for null. */
static Datum
row_value(const MessageRows *rows, int table, int column)
{
	bool isnull;
	Datum value = slot_getattr(rows->rows[table], rows->tables[table].columns[column], &isnull);

	return isnull ? (Datum) 0 : value;
}

bool
parley_member_find(MessageRows *rows, int64 conversation_id, int64 contact_id, bool *is_blocked)
{
	int64 keys[] = { conversation_id, contact_id };

	if (!row_find(rows, MEMBERS, keys, lengthof(keys)))
		return false;
	*is_blocked = DatumGetBool(row_value(rows, MEMBERS, MEMBER_IS_BLOCKED));
	return true;
}

static void
conversation_read(const MessageRows *rows, ConversationRow *conversation)
{
	conversation->id = DatumGetInt64(row_value(rows, CONVERSATIONS, CONVERSATION_ID));
	conversation->last_number = DatumGetInt64(row_value(rows, CONVERSATIONS, CONVERSATION_LAST_NUMBER));
	conversation->newest_number = DatumGetInt64(row_value(rows, CONVERSATIONS, CONVERSATION_NEWEST_NUMBER));
	conversation->last_message_at = DatumGetTimestampTz(row_value(rows, CONVERSATIONS, CONVERSATION_LAST_MESSAGE_AT));
	conversation->operator_read_number =
		DatumGetInt64(row_value(rows, CONVERSATIONS, CONVERSATION_OPERATOR_READ_NUMBER));
	conversation->is_settled = DatumGetBool(row_value(rows, CONVERSATIONS, CONVERSATION_IS_SETTLED));
	conversation->is_merged = DatumGetInt64(row_value(rows, CONVERSATIONS, CONVERSATION_MERGED_ID)) != 0;
}

bool
parley_conversation_find(MessageRows *rows, int64 id, ConversationRow *conversation)
{
	if (!row_find(rows, CONVERSATIONS, &id, 1))
		return false;
	conversation_read(rows, conversation);
	return true;
}

bool
parley_chat_find(MessageRows *rows, int64 application_id, int64 number, ConversationRow *conversation)
{
	int64 keys[] = { application_id, number };

	if (!row_find(rows, CONVERSATIONS, keys, lengthof(keys)))
		return false;
	conversation_read(rows, conversation);
	return true;
}

bool
parley_conversation_lock(MessageRows *rows, ConversationRow *conversation)
{
	if (!parley_row_lock(rows->tables[CONVERSATIONS].relation, rows->rows[CONVERSATIONS], NULL))
		return false;
	conversation_read(rows, conversation);
	return true;
}

bool
parley_conversation_save(MessageRows *rows, const ConversationRow *conversation)
{
	Datum values[] = { Int64GetDatum(conversation->last_number), Int64GetDatum(conversation->newest_number),
					   TimestampTzGetDatum(conversation->last_message_at),
					   Int64GetDatum(conversation->operator_read_number), BoolGetDatum(conversation->is_settled) };
	bool nulls[CONVERSATION_WRITTEN_COLUMNS] = { false };

	return parley_row_try_update(&rows->writer, &rows->tables[CONVERSATIONS], rows->rows[CONVERSATIONS], values, nulls);
}

void
parley_message_insert(MessageRows *rows, const MessageRow *message)
{
	Datum values[] = { Int64GetDatum(message->conversation_id),  Int64GetDatum(message->number),
					   Int64GetDatum(message->sender_id),        TimestampTzGetDatum(message->created_at),
					   PointerGetDatum(message->content),        PointerGetDatum(message->idempotency_key),
					   Int64GetDatum(message->idempotency_hash), Int64GetDatum(message->agent_id),
					   Int64GetDatum(message->transfer_id) };
	bool nulls[MESSAGE_COLUMNS] = { [MESSAGE_SENDER_ID] = message->sender_id == 0,
									[MESSAGE_IDEMPOTENCY_KEY] = message->idempotency_key == NULL,
									[MESSAGE_IDEMPOTENCY_HASH] = message->idempotency_key == NULL,
									[MESSAGE_AGENT_ID] = message->agent_id == 0,
									[MESSAGE_TRANSFER_ID] = message->transfer_id == 0 };

	parley_row_insert(&rows->writer, &rows->tables[MESSAGES], values, nulls);
}

/* Returns false if the row has changed since it was found. */
static bool
member_try_note_written(MessageRows *rows, int64 contact_id, int64 number)
{
	bool has_written = DatumGetBool(row_value(rows, MEMBERS, MEMBER_HAS_WRITTEN));
	int64 read_number = DatumGetInt64(row_value(rows, MEMBERS, MEMBER_READ_NUMBER));
	Datum values[] = { BoolGetDatum(true), Int64GetDatum(read_number == number - 1 ? number : read_number) };
	bool nulls[MEMBER_WRITTEN_COLUMNS] = { false };

	/* The contact may have been merged into another one. */
	if ((has_written && read_number != number - 1) ||
		DatumGetInt64(row_value(rows, MEMBERS, MEMBER_CONTACT_ID)) != contact_id)
		return true;
	return parley_row_try_update(&rows->writer, &rows->tables[MEMBERS], rows->rows[MEMBERS], values, nulls);
}

void
parley_member_note_written(MessageRows *rows, int64 conversation_id, int64 contact_id, int64 number)
{
	bool is_blocked;

	if (parley_member_find(rows, conversation_id, contact_id, &is_blocked) &&
		!member_try_note_written(rows, contact_id, number) &&
		parley_row_lock(rows->tables[MEMBERS].relation, rows->rows[MEMBERS], NULL))
		member_try_note_written(rows, contact_id, number);
}
