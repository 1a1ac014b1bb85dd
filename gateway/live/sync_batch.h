/*
 * sync_batch: one query that asks for what is new to several streams of one route: the route's own statement for one
 * of them, its batch for more. It belongs to its members, and is gone when the last one has its answer or has left.
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

/* Each member is called once, unless it leaves before; by then it has no batch any more. */
typedef struct SyncBatchEvents
{
	void (*on_row)(void *member, const PGresult *result, int row);
	/* is_shared: others were asked for with it, and any of them may be the cause. */
	void (*on_error)(void *member, const DbError *error, bool is_shared);
	void (*on_timeout)(void *member, bool sent);
	void (*on_end)(void *data);
} SyncBatchEvents;

SyncBatch *sync_batch_create(const Route *route, const SyncBatchEvents *events, void *data);

/* Whether there is room for one more of the route. */
bool sync_batch_takes(const SyncBatch *batch, const Route *route);

/* The values are the member's and stay as they are until it is called or leaves. */
void sync_batch_add(SyncBatch *batch, void *member, const char *const *values);

void sync_batch_submit(SyncBatch *batch, DbPool *pool);

void sync_batch_leave(SyncBatch *batch, const void *member);

#endif
