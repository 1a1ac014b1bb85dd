/*
 * traffic: distributes messages over conversations. Conversations start one after another, more of them early on. Each
 * has its own weight, a few of them large and many small (Zipf-Mandelbrot). Half of all messages go to a recently
 * active conversation, so that people talk in bursts.
 *
 * Traffic owns its conversations and its sampler; traffic_free() frees them.
 */
#include "traffic.h"

#include "memory.h"

#include <math.h>
#include <stdlib.h>

#define ZIPF_SHIFT 20
#define ZIPF_EXPONENT 1.1
#define BOUT_SHARE 0.5
#define SAME_SPEAKER_SHARE 0.25
#define LOGICAL_SHARDS 1024
#define RECENT (sizeof(((Traffic *) NULL)->recent) / sizeof(uint32_t))

/* Contacts come in hundreds. Each hundred is followed by one conversation between two of the contacts so far. */
#define HUNDRED (TRAFFIC_DIRECT_EVERY - 1)

size_t
traffic_conversations(uint64_t contacts)
{
	return contacts + contacts / HUNDRED;
}

/*
 * The first contact of the pair is the 51st of the newest hundred. The second is any contact that is not the 51st of
 * its hundred. No two pairs share their 51st, so no pair occurs twice.
 */
static Conversation
direct_conversation(uint64_t hundred, Random *random)
{
	int64_t one = (int64_t) (hundred * HUNDRED) + 51;
	int64_t two;

	do
		two = 1 + (int64_t) random_below(random, (hundred + 1) * HUNDRED);
	while (two % HUNDRED == 51);
	return (Conversation){ .contact_id = one < two ? one : two, .other_id = one < two ? two : one };
}

static void
fill_conversations(Traffic *traffic)
{
	int64_t contact_id = 0;

	for (size_t i = 0; i < traffic->count; i++)
		if (i % TRAFFIC_DIRECT_EVERY == HUNDRED)
			traffic->conversations[i] = direct_conversation(i / TRAFFIC_DIRECT_EVERY, &traffic->random);
		else
			traffic->conversations[i] = (Conversation){ .contact_id = ++contact_id };
}

/* Shuffles the conversations, so that their ranks are random. */
static Weighted *
draw_busyness(Random *random, size_t count)
{
	double *weights = memory_array(count, sizeof(double));
	Weighted *busyness;

	for (size_t i = 0; i < count; i++)
	{
		size_t other = random_below(random, i + 1);

		weights[i] = weights[other];
		weights[other] = pow((double) i + ZIPF_SHIFT, -ZIPF_EXPONENT);
	}
	busyness = weighted_create(weights, count);
	free(weights);
	return busyness;
}

void
traffic_start(Traffic *traffic, uint64_t seed, uint64_t contacts, uint64_t messages)
{
	*traffic = (Traffic){ .random = random_start(seed, RANDOM_TRAFFIC), .messages = messages };
	traffic->count = traffic_conversations(contacts);
	traffic->conversations = memory_array(traffic->count, sizeof(Conversation));
	fill_conversations(traffic);
	traffic->busyness = draw_busyness(&traffic->random, traffic->count);
}

/*
 * Conversation k of n starts with message m·(k/n)², but not before k others have started. This is strictly increasing
 * in k and stays below m, so every conversation gets a message if there are enough.
 */
static uint64_t
first_message(const Traffic *traffic, size_t k)
{
	double share = (double) k / (double) traffic->count;
	uint64_t message = (uint64_t) ((double) traffic->messages * share * share);

	return message > k ? message : k;
}

static size_t
choose(Traffic *traffic)
{
	size_t index;

	if (traffic->joined < traffic->count && traffic->next >= first_message(traffic, traffic->joined))
		return traffic->joined++;
	if (random_chance(&traffic->random, BOUT_SHARE))
	{
		uint64_t known = traffic->next < RECENT ? traffic->next : RECENT;

		return traffic->recent[random_below(&traffic->random, known)];
	}
	do
		index = weighted_draw(traffic->busyness, &traffic->random);
	while (index >= traffic->joined);
	return index;
}

static void
add_message(Conversation *conversation, Timestamp at, Random *random)
{
	/* The contact usually speaks first. After that, mostly the one who did not speak last. */
	double stay = conversation->last_number == 0 ? 0.8 : SAME_SPEAKER_SHARE;

	if (!random_chance(random, stay))
		conversation->other_spoke = !conversation->other_spoke;
	conversation->contact_wrote |= !conversation->other_spoke;
	conversation->other_wrote |= conversation->other_spoke;
	if (conversation->last_number++ == 0)
		conversation->first_at = at;
	conversation->last_at = at;
}

Conversation *
traffic_next(Traffic *traffic, Timestamp at)
{
	size_t index = choose(traffic);
	Conversation *conversation = &traffic->conversations[index];

	traffic->recent[traffic->next++ % RECENT] = (uint32_t) index;
	add_message(conversation, at, &traffic->random);
	return conversation;
}

int64_t
traffic_id(const Traffic *traffic, const Conversation *conversation)
{
	return (conversation - traffic->conversations + 1) * LOGICAL_SHARDS + conversation->contact_id % LOGICAL_SHARDS;
}

int64_t
conversation_sender(const Conversation *conversation)
{
	return conversation->other_spoke ? conversation->other_id : conversation->contact_id;
}

void
traffic_free(Traffic *traffic)
{
	free(traffic->conversations);
	weighted_free(traffic->busyness);
}
