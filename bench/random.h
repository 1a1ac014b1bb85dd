#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* What the numbers are for. Each use has its own sequence, so that a change to one does not affect the others. */
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

/* Returns 0 to bound - 1, all equally likely. bound must be at least 1. */
uint64_t random_below(Random *random, uint64_t bound);

/* Returns 0 <= x < 1. */
double random_unit(Random *random);
bool random_chance(Random *random, double probability);

#endif
