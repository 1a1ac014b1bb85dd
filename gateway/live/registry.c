/*
 * registry: a hash table that doubles, and two lists.
 */
#include "live/registry.h"

#include <stdlib.h>

enum
{
	BUCKETS_AT_FIRST = 64
};

void
registry_init(Registry *registry)
{
	*registry =
		(Registry){ .buckets = calloc(BUCKETS_AT_FIRST, sizeof(RegistryEntry *)), .bucket_count = BUCKETS_AT_FIRST };
	h2o_linklist_init_anchor(&registry->all);
	h2o_linklist_init_anchor(&registry->ready);
}

void
registry_dispose(Registry *registry)
{
	free(registry->buckets);
}

/* Ids are dense, so their low bits are evenly distributed. */
static RegistryEntry **
bucket_of(const Registry *registry, int64_t user_id)
{
	return &registry->buckets[(uint64_t) user_id & (registry->bucket_count - 1)];
}

static void
link_entry(Registry *registry, RegistryEntry *entry)
{
	RegistryEntry **bucket = bucket_of(registry, entry->user_id);

	entry->next = *bucket;
	*bucket = entry;
}

static void
double_buckets(Registry *registry)
{
	free(registry->buckets);
	registry->bucket_count *= 2;
	registry->buckets = calloc(registry->bucket_count, sizeof(RegistryEntry *));
	for (h2o_linklist_t *link = registry->all.next; link != &registry->all; link = link->next)
		link_entry(registry, H2O_STRUCT_FROM_MEMBER(RegistryEntry, all, link));
}

void
registry_add(Registry *registry, RegistryEntry *entry, int64_t user_id)
{
	if (registry->count == registry->bucket_count)
		double_buckets(registry);
	*entry = (RegistryEntry){ .user_id = user_id };
	h2o_linklist_insert(&registry->all, &entry->all);
	link_entry(registry, entry);
	registry->count++;
}

void
registry_remove(Registry *registry, RegistryEntry *entry)
{
	RegistryEntry **place = bucket_of(registry, entry->user_id);

	while (*place != entry)
		place = &(*place)->next;
	*place = entry->next;
	h2o_linklist_unlink(&entry->all);
	if (h2o_linklist_is_linked(&entry->ready))
		h2o_linklist_unlink(&entry->ready);
	registry->count--;
}

static RegistryEntry *
first_of(RegistryEntry *entry, int64_t user_id)
{
	while (entry != NULL && entry->user_id != user_id)
		entry = entry->next;
	return entry;
}

RegistryEntry *
registry_find(const Registry *registry, int64_t user_id)
{
	return first_of(*bucket_of(registry, user_id), user_id);
}

RegistryEntry *
registry_next(const RegistryEntry *entry)
{
	return first_of(entry->next, entry->user_id);
}

void
registry_make_ready(Registry *registry, RegistryEntry *entry)
{
	if (!h2o_linklist_is_linked(&entry->ready))
		h2o_linklist_insert(&registry->ready, &entry->ready);
}

RegistryEntry *
registry_first_ready(const Registry *registry)
{
	if (h2o_linklist_is_empty((h2o_linklist_t *) &registry->ready))
		return NULL;
	return H2O_STRUCT_FROM_MEMBER(RegistryEntry, ready, registry->ready.next);
}

RegistryEntry *
registry_take_ready(Registry *registry)
{
	RegistryEntry *entry = registry_first_ready(registry);

	if (entry != NULL)
		h2o_linklist_unlink(&entry->ready);
	return entry;
}
