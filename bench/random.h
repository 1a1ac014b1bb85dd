#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* What the numbers are for. Each use draws from a sequence of its own, so that a change in one leaves the others alone.
 */
typedef enum RandomStream
{
	RANDOM_VOCABULARY,
	RANDOM_TEXT,
	RANDOM_TRAFFIC,
	RANDOM_TIMELINE,
	RANDOM_CONTACTS,
	RANDOM_READING
} RandomStream;

typedef struct Random
{
	uint64_t state;
} Random;

Random random_start(uint64_t seed, RandomStream stream);
uint64_t random_next(Random *random);

/* 0 … bound − 1, each equally likely; bound is at least 1. */
uint64_t random_below(Random *random, uint64_t bound);

/* 0 ≤ x < 1 */
double random_unit(Random *random);
bool random_chance(Random *random, double probability);

#endif
