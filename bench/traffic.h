#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include "random.h"
#include "timeline.h"
#include "weighted.h"

#include <stddef.h>

/* One in this many conversations is between two contacts. */
#define TRAFFIC_DIRECT_EVERY 101

/* A conversation. */
typedef struct Conversation
{
	int64_t contact_id;  /* the contact, or the lower of two contacts */
	int64_t other_id;    /* the higher of two contacts, or 0 if it is with the operator */
	int64_t last_number; /* 0 before the first message */
	Timestamp first_at, last_at;
	bool other_spoke; /* the last message was sent by the operator (or the higher contact), not the contact */
	bool contact_wrote, other_wrote;
} Conversation;

/* Decides who writes in which conversation, message by message. */
typedef struct Traffic
{
	Random random;
	Conversation *conversations;
	size_t count, joined;
	uint64_t messages, next;
	Weighted *busyness;
	uint32_t recent[64]; /* where the last messages went */
} Traffic;

size_t traffic_conversations(uint64_t contacts);
void traffic_start(Traffic *traffic, uint64_t seed, uint64_t contacts, uint64_t messages);

/* Adds a message at that time to a conversation and returns the conversation; its last_number is the message's number.
 */
Conversation *traffic_next(Traffic *traffic, Timestamp at);

/* The position among all conversations, from 1, with the logical shard in the low ten bits, as the extension assigns
 * ids. */
int64_t traffic_id(const Traffic *traffic, const Conversation *conversation);

/* The sender of the last message: a contact's id, or 0 for the operator. */
int64_t conversation_sender(const Conversation *conversation);
void traffic_free(Traffic *traffic);

#endif
