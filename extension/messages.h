/*
 * messages.h: the only place where messages are created, for every kind of conversation.
 */
#ifndef PARLEY_MESSAGES_H
#define PARLEY_MESSAGES_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct MessageDraft
{
	int64 conversation_id;
	bool from_operator;    /* or from an application's chat; sender_id is null in the row */
	int64 sender_id;       /* otherwise a member; 0 here if there is none */
	text *content;         /* not null, within the limits of parley.message_content */
	text *idempotency_key; /* NULL if there is none */
	int64 transfer_id;     /* of a receipt, which has a sender and no key; otherwise 0 */
	int64 caller_id;       /* if from_operator: the agent who sends it, if it is an agent's id; 0 if unknown */
} MessageDraft;

typedef struct Message
{
	int64 number;
	TimestampTz created_at;
	int64 agent_id; /* 0 if not sent by an agent */
	bool replayed;  /* created by an earlier call with the same key, and possibly changed since */
	bool overtaken; /* others posted between the start of the call and this message */
} Message;

/* Fails with P0002 if the contact is not a member, or the conversation does not exist. Must be called within
 * SPI_connect() … SPI_finish(). */
extern void parley_require_member(int64 conversation_id, int64 contact_id);

/*
 * Posts a draft. Must be called within SPI_connect() … SPI_finish(). Locks the conversation's row until the transaction
 * ends. Fails with P0002 if the conversation does not exist or the sender is not a member, and with PY422 if the key
 * was used for another draft.
 */
extern Message parley_message_post(const MessageDraft *draft);

/*
 * The same for a chat, which is found and read in one step; sets the draft's conversation_id. Returns false, having
 * done nothing, if it does not exist, or must be found and posted to by statements.
 */
extern bool parley_message_try_post_in_chat(MessageDraft *draft, int64 application_id, int64 chat_number,
											Message *message);

#endif
