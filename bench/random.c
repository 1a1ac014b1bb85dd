/*
 * random: reproducible random numbers. The same seed gives the same numbers on every machine.
 *
 * This is SplitMix64, a counter and a mixing function (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
 * Generators, 2014). Nothing is allocated.
 */
#include "random.h"

#define GOLDEN_GAMMA UINT64_C(0x9e3779b97f4a7c15)

static uint64_t
mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

Random
random_start(uint64_t seed, RandomStream stream)
{
	return (Random){ mix(mix(seed) + GOLDEN_GAMMA * ((uint64_t) stream + 1)) };
}

uint64_t
random_next(Random *random)
{
	random->state += GOLDEN_GAMMA;
	return mix(random->state);
}

/* Multiplication maps 64 random bits to the range. The few low products that would favour some values are rejected. */
uint64_t
random_below(Random *random, uint64_t bound)
{
	uint64_t unfair = -bound % bound;
	unsigned __int128 product;

	do
		product = (unsigned __int128) random_next(random) * bound;
	while ((uint64_t) product < unfair);
	return (uint64_t) (product >> 64);
}

double
random_unit(Random *random)
{
	return (double) (random_next(random) >> 11) * 0x1p-53;
}

bool
random_chance(Random *random, double probability)
{
	return random_unit(random) < probability;
}
