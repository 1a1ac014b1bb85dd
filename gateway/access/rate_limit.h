/*
 * rate_limit: a token bucket a client, shared by all threads. The table has a fixed size: where it is full of others,
 * the bucket that was idle longest gives way, which can only be to the advantage of its client.
 */
#ifndef RATE_LIMIT_H
#define RATE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct RateLimit RateLimit;

typedef struct RateVerdict
{
	bool allowed;
	unsigned remaining; /* whole requests that the bucket still has */
	unsigned reset_s;   /* until it is full again; refused: until there is one */
} RateVerdict;

/* rate: requests a second that refill the bucket; burst: what it holds. */
RateLimit *rate_limit_create(unsigned rate, unsigned burst);
void rate_limit_dispose(RateLimit *limit);

/* Takes one request out of the bucket of the client that the bytes name. */
RateVerdict rate_limit_take(RateLimit *limit, const void *client, size_t length, uint64_t now_us);

#endif
