/*
 * registry: the streams of one worker: all of them, by whom they follow, and those that are to sync. Owns nothing of
 * them.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <h2o.h>

/* A stream's place in the registry. */
typedef struct RegistryEntry
{
	h2o_linklist_t all;
	h2o_linklist_t ready;       /* linked while it waits for its turn to sync */
	struct RegistryEntry *next; /* of the same bucket */
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

/* The first of a user's entries, and the one after; NULL: there is none. */
RegistryEntry *registry_find(const Registry *registry, int64_t user_id);
RegistryEntry *registry_next(const RegistryEntry *entry);

/* Puts it behind those that wait already, unless it does. */
void registry_make_ready(Registry *registry, RegistryEntry *entry);

/* The one that has waited longest; NULL: none waits. Taken, it waits no longer. */
RegistryEntry *registry_first_ready(const Registry *registry);
RegistryEntry *registry_take_ready(Registry *registry);

#endif
