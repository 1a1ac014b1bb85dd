#ifndef BENCH_HASH_SET_H
#define BENCH_HASH_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct HashSet
{
	uint64_t *slots; /* 0 is an empty slot, so 0 cannot be a member */
	size_t size;     /* a power of two */
	size_t count;
} HashSet;

HashSet hash_set_create(size_t expected);

/* Adds a key, which must not be 0. Returns true if it was not in the set yet. */
bool hash_set_add(HashSet *set, uint64_t key);
void hash_set_free(HashSet *set);

#endif
