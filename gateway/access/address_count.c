/*
 * address_count: a chained hash table under one lock, which is taken when a connection begins and ends.
 */
#include "access/address_count.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum
{
	CHAINS = 4096
};

typedef struct Entry
{
	struct Entry *next;
	AddressKey key;
	unsigned count;
} Entry;

struct AddressCount
{
	pthread_mutex_t mutex;
	Entry *chains[CHAINS];
};

AddressKey
address_key(const struct sockaddr *address)
{
	AddressKey key = { { 0 } };

	key.bytes[0] = (unsigned char) address->sa_family;
	if (address->sa_family == AF_INET)
		memcpy(key.bytes + 1, &((const struct sockaddr_in *) address)->sin_addr, 4);
	else if (address->sa_family == AF_INET6)
		memcpy(key.bytes + 1, &((const struct sockaddr_in6 *) address)->sin6_addr, 8);
	return key;
}

AddressCount *
address_count_create(void)
{
	AddressCount *counts = calloc(1, sizeof(*counts));

	pthread_mutex_init(&counts->mutex, NULL);
	return counts;
}

void
address_count_dispose(AddressCount *counts)
{
	for (size_t i = 0; i < CHAINS; i++)
	{
		for (Entry *entry = counts->chains[i], *next; entry != NULL; entry = next)
		{
			next = entry->next;
			free(entry);
		}
	}
	free(counts);
}

/* Where the entry's pointer is, or would be. */
static Entry **
find_place(AddressCount *counts, const AddressKey *key)
{
	uint32_t hash = 2166136261u;
	Entry **place;

	for (size_t i = 0; i < ADDRESS_KEY_LENGTH; i++)
		hash = (hash ^ key->bytes[i]) * 16777619u;
	place = &counts->chains[(hash ^ hash >> 16) % CHAINS];
	while (*place != NULL && memcmp(&(*place)->key, key, sizeof(*key)) != 0)
		place = &(*place)->next;
	return place;
}

bool
address_count_add(AddressCount *counts, AddressKey key, unsigned limit)
{
	Entry **place;
	bool added;

	pthread_mutex_lock(&counts->mutex);
	place = find_place(counts, &key);
	if (*place == NULL)
	{
		*place = calloc(1, sizeof(**place));
		(*place)->key = key;
	}
	added = (*place)->count < limit;
	if (added)
		(*place)->count++;
	pthread_mutex_unlock(&counts->mutex);
	return added;
}

void
address_count_remove(AddressCount *counts, AddressKey key)
{
	Entry **place;
	Entry *entry;

	pthread_mutex_lock(&counts->mutex);
	place = find_place(counts, &key);
	entry = *place;
	if (entry != NULL && --entry->count == 0)
	{
		*place = entry->next;
		free(entry);
	}
	pthread_mutex_unlock(&counts->mutex);
}
