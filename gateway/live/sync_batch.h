/*
 * sync_batch: one query that asks for what is new to several streams of one route: the route's own statement for a
 * single stream, its batch for more. It belongs to its members, and is freed when the last one has its result or has
 * left.
 */
#ifndef SYNC_BATCH_H
#define SYNC_BATCH_H

#include "db/db_pool.h"
#include "routes/route.h"

enum
{
	SYNC_BATCH_MAX = 64 /* members */
};

typedef struct SyncBatch SyncBatch;

/* Each member is called once, unless it leaves before that. By then it does not belong to the batch any more. */
typedef struct SyncBatchEvents
{
	void (*on_row)(void *member, const PGresult *result, int row);
	/* is_shared is true if there were others in the batch, any of which may be the cause. */
	void (*on_error)(void *member, const DbError *error, bool is_shared);
	void (*on_timeout)(void *member, bool sent);
	void (*on_end)(void *data);
} SyncBatchEvents;

SyncBatch *sync_batch_create(const Route *route, const SyncBatchEvents *events, void *data);

/* Returns whether there is room for one more stream of the route. */
bool sync_batch_takes(const SyncBatch *batch, const Route *route);

/* The values belong to the member, and must not change until it is called or leaves. */
void sync_batch_add(SyncBatch *batch, void *member, const char *const *values);

void sync_batch_submit(SyncBatch *batch, DbPool *pool);

void sync_batch_leave(SyncBatch *batch, const void *member);

#endif
