/*
 * rate_limit: a token bucket per client, shared by all threads. The table has a fixed size. If a set is full, the
 * bucket that has been idle longest is replaced, which can only be to the advantage of its client.
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
	unsigned remaining; /* number of whole requests left in the bucket */
	unsigned reset_s;   /* until the bucket is full again or, if refused, until it allows a request */
} RateVerdict;

/* rate is the number of requests per second that refill the bucket, burst is its capacity. */
RateLimit *rate_limit_create(unsigned rate, unsigned burst);
void rate_limit_dispose(RateLimit *limit);

/* Takes one request out of the client's bucket. The bytes identify the client. */
RateVerdict rate_limit_take(RateLimit *limit, const void *client, size_t length, uint64_t now_us);

#endif
