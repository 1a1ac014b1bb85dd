/*
 * message_rows.h: the rows that a post reads and writes, without planning statements.
 *
 * As statements, most of the time of a post would go into starting and stopping the executor, and into parsing CHECK
 * constraints.
 */
#ifndef PARLEY_MESSAGE_ROWS_H
#define PARLEY_MESSAGE_ROWS_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct MessageRows MessageRows;

typedef enum MessageSource
{
	FROM_OPERATOR,
	FROM_MEMBER,
	FROM_APPLICATION /* to one of its chats */
} MessageSource;

/* The part of a conversation's row that a post needs. */
typedef struct ConversationRow
{
	int64 id;
	int64 last_number;
	int64 newest_number;
	TimestampTz last_message_at; /* 0 if there is no message */
	int64 operator_read_number;
	bool is_settled;
	bool is_merged;
} ConversationRow;

typedef struct MessageRow
{
	int64 conversation_id;
	int64 number;
	int64 sender_id; /* 0: null, as in the following */
	TimestampTz created_at;
	text *content;
	text *idempotency_key;
	int64 idempotency_hash; /* null without a key */
	int64 agent_id;
	int64 transfer_id;
} MessageRow;

/* Opens the tables until parley_message_rows_close(), that of members only if one of them posts. Returns NULL if the
 * caller must use SQL statements, because the tables are those of version 1.0, or an owner has added something that
 * distinguishes between them, or has dropped the index by which the conversation is found. */
extern MessageRows *parley_message_rows_open(MessageSource source);
extern void parley_message_rows_close(MessageRows *rows);

/* Returns whether the contact is a member, and whether they are blocked. */
extern bool parley_member_find(MessageRows *rows, int64 conversation_id, int64 contact_id, bool *is_blocked);

/* Reads a conversation's row, without locking it. Returns false if it does not exist. */
extern bool parley_conversation_find(MessageRows *rows, int64 id, ConversationRow *conversation);

/* The same for a chat, if the tables were opened for its application. */
extern bool parley_chat_find(MessageRows *rows, int64 application_id, int64 number, ConversationRow *conversation);

/* Locks the row that was found, until the transaction ends, and reads it again. Returns false if it was deleted. Fails
 * with 40001 when an UPDATE would. */
extern bool parley_conversation_lock(MessageRows *rows, ConversationRow *conversation);

/* Writes all but id and is_merged of the conversation that was found or locked last. Returns false if it has changed
 * since it was found: then it must be locked. */
extern bool parley_conversation_save(MessageRows *rows, const ConversationRow *conversation);

extern void parley_message_insert(MessageRows *rows, const MessageRow *message);

/* Notes that the member has written, and, if they had read everything before, that they have read their own message. */
extern void parley_member_note_written(MessageRows *rows, int64 conversation_id, int64 contact_id, int64 number);

#endif
