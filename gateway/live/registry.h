/*
 * registry: the streams of one worker: all of them, those that follow a user, and those that are waiting to sync. It
 * owns none of them.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <h2o.h>

/* The entry of a stream in the registry. */
typedef struct RegistryEntry
{
	h2o_linklist_t all;
	h2o_linklist_t ready;       /* linked while it is waiting to sync */
	struct RegistryEntry *next; /* in the same bucket */
	int64_t user_id;
} RegistryEntry;

typedef struct Registry
{
	h2o_linklist_t all;
	h2o_linklist_t ready;
	size_t count;
	RegistryEntry **buckets;
	size_t bucket_count; /* a power of two */
} Registry;

void registry_init(Registry *registry);
void registry_dispose(Registry *registry);

void registry_add(Registry *registry, RegistryEntry *entry, int64_t user_id);
void registry_remove(Registry *registry, RegistryEntry *entry);

/* Return the first entry of a user, and the next one, or NULL if there are no more. */
RegistryEntry *registry_find(const Registry *registry, int64_t user_id);
RegistryEntry *registry_next(const RegistryEntry *entry);

/* Appends it to those that are waiting, unless it is one of them. */
void registry_make_ready(Registry *registry, RegistryEntry *entry);

/* Return the one that has waited longest, or NULL. Taking it removes it from those that are waiting. */
RegistryEntry *registry_first_ready(const Registry *registry);
RegistryEntry *registry_take_ready(Registry *registry);

#endif
