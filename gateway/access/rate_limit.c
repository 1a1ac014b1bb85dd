/*
 * rate_limit: a token bucket per client. The table is divided into stripes, each with its own lock, which is held for a
 * few instructions.
 */
#include "access/rate_limit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum
{
	STRIPES = 64,
	SETS = 256, /* per stripe */
	WAYS = 4
};

typedef struct Bucket
{
	uint64_t client; /* 0 if free */
	uint64_t at_us;
	double tokens;
} Bucket;

typedef struct Stripe
{
	pthread_mutex_t mutex;
	Bucket buckets[SETS][WAYS];
} Stripe;

struct RateLimit
{
	double rate;
	double burst;
	uint64_t seed;
	Stripe stripes[STRIPES];
};

RateLimit *
rate_limit_create(unsigned rate, unsigned burst)
{
	RateLimit *limit = calloc(1, sizeof(*limit));

	limit->rate = rate;
	limit->burst = burst;
	if (getrandom(&limit->seed, sizeof(limit->seed), 0) < 0)
		limit->seed = (uintptr_t) limit;
	for (size_t i = 0; i < STRIPES; i++)
		pthread_mutex_init(&limit->stripes[i].mutex, NULL);
	return limit;
}

void
rate_limit_dispose(RateLimit *limit)
{
	free(limit);
}

static Bucket *
bucket_find(const RateLimit *limit, Bucket *set, uint64_t client, uint64_t now_us)
{
	Bucket *oldest = &set[0];

	for (size_t i = 0; i < WAYS; i++)
	{
		if (set[i].client == client)
			return &set[i];
		if (set[i].at_us < oldest->at_us)
			oldest = &set[i];
	}
	*oldest = (Bucket){ .client = client, .at_us = now_us, .tokens = limit->burst };
	return oldest;
}

RateVerdict
rate_limit_take(RateLimit *limit, const void *client, size_t length, uint64_t now_us)
{
	RateVerdict verdict = { 0 };
	uint64_t hash = limit->seed; /* so that nobody can choose names that end up in the same set */
	Stripe *stripe;
	Bucket *bucket;

	for (size_t i = 0; i < length; i++)
	{
		hash = (hash ^ ((const unsigned char *) client)[i]) * 0x9E3779B97F4A7C15u;
		hash ^= hash >> 29;
	}
	hash = hash == 0 ? 1 : hash;
	stripe = &limit->stripes[hash % STRIPES];
	pthread_mutex_lock(&stripe->mutex);
	bucket = bucket_find(limit, stripe->buckets[hash / STRIPES % SETS], hash, now_us);
	if (now_us > bucket->at_us)
	{
		bucket->tokens += (double) (now_us - bucket->at_us) / 1e6 * limit->rate;
		bucket->at_us = now_us;
	}
	if (bucket->tokens > limit->burst)
		bucket->tokens = limit->burst;
	verdict.allowed = bucket->tokens >= 1;
	if (verdict.allowed)
		bucket->tokens -= 1;
	verdict.remaining = (unsigned) bucket->tokens;
	verdict.reset_s = (unsigned) (((verdict.allowed ? limit->burst : 1) - bucket->tokens) / limit->rate + 0.999);
	pthread_mutex_unlock(&stripe->mutex);
	return verdict;
}
