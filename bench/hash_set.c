/*
 * hash_set: remembers 64-bit keys, for things that must be unique (phones, words). Uses open addressing and is at most
 * half full. The set owns its slots; hash_set_free() frees them.
 */
#include "hash_set.h"

#include "memory.h"

#include <stdlib.h>

HashSet
hash_set_create(size_t expected)
{
	HashSet set = { NULL, 64, 0 };

	while (set.size < 2 * expected)
		set.size *= 2;
	set.slots = memory_array(set.size, sizeof(uint64_t));
	return set;
}

static uint64_t *
find(const HashSet *set, uint64_t key)
{
	size_t at = (size_t) ((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (set->size - 1);

	while (set->slots[at] != 0 && set->slots[at] != key)
		at = (at + 1) & (set->size - 1);
	return &set->slots[at];
}

static void
grow(HashSet *set)
{
	HashSet larger = hash_set_create(set->size);

	for (size_t i = 0; i < set->size; i++)
		if (set->slots[i] != 0)
			*find(&larger, set->slots[i]) = set->slots[i];
	larger.count = set->count;
	free(set->slots);
	*set = larger;
}

bool
hash_set_add(HashSet *set, uint64_t key)
{
	uint64_t *slot = find(set, key);

	if (*slot == key)
		return false;
	*slot = key;
	if (++set->count > set->size / 2)
		grow(set);
	return true;
}

void
hash_set_free(HashSet *set)
{
	free(set->slots);
	set->slots = NULL;
}
