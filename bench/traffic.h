#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include "random.h"
#include "timeline.h"
#include "weighted.h"

#include <stddef.h>

/* One in so many conversations is between two contacts. */
#define TRAFFIC_DIRECT_EVERY 101

/* A conversation. */
typedef struct Conversation
{
	int64_t contact_id;  /* of the one contact, or the lower of two */
	int64_t other_id;    /* the higher of two; 0: it is with the operator */
	int64_t last_number; /* 0 before the first message */
	Timestamp first_at, last_at;
	bool other_spoke; /* who sent the last message: the operator (or the higher contact), or the contact */
	bool contact_wrote, other_wrote;
} Conversation;

/* Who talks, and in which conversation, message after message. */
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

/* Adds a message at that moment to a conversation and returns it: last_number is the message's number. */
Conversation *traffic_next(Traffic *traffic, Timestamp at);

/* Its place among all, from 1, and in the low ten bits its logical shard, as the extension numbers conversations. */
int64_t traffic_id(const Traffic *traffic, const Conversation *conversation);

/* The last message's sender: a contact's id, 0 for the operator. */
int64_t conversation_sender(const Conversation *conversation);
void traffic_free(Traffic *traffic);

#endif
