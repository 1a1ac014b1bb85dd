/*
 * messages.h: the one place where a message comes to be, for every kind of conversation.
 */
#ifndef PARLEY_MESSAGES_H
#define PARLEY_MESSAGES_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct MessageDraft
{
	int64 conversation_id;
	bool from_operator;    /* or from an application's chat: sender_id is null in the row */
	int64 sender_id;       /* otherwise a member; 0 here where there is none */
	text *content;         /* not null, within parley.message_content */
	text *idempotency_key; /* NULL: none */
	int64 transfer_id;     /* it is the receipt of, and then it has a sender and no key; 0: no receipt */
	int64 caller_id;       /* from_operator: if it is an agent's, that agent sends it; 0: nobody's */
} MessageDraft;

typedef struct Message
{
	int64 number;
	TimestampTz created_at;
	int64 agent_id; /* 0: no agent's */
	bool replayed;  /* made by an earlier call with the same key, and maybe changed since */
} Message;

/* Within SPI_connect() … SPI_finish(); P0002 where the contact is no member, or there is no such conversation. */
extern void parley_require_member(int64 conversation_id, int64 contact_id);

/*
 * Posts a draft within SPI_connect() … SPI_finish(), taking the conversation's row lock until the transaction ends.
 * Errors: P0002 no such conversation, or the sender is no member of it; PY422 the key came with another draft.
 */
extern Message parley_message_post(const MessageDraft *draft);

#endif
