/*
 * sync_batch: see sync_batch.h. A member that was called or has left is NULL in the list.
 */
#include "live/sync_batch.h"

#include <stdlib.h>

#include "base/json.h"

struct SyncBatch
{
	const Route *route;
	const SyncBatchEvents *events;
	void *data;
	DbQuery *query;
	size_t count;
	size_t left; /* members still to be called */
	bool is_calling;
	size_t parameter_count;
	Buffer *arrays;      /* one per parameter */
	const char **values; /* their texts */
	void *members[SYNC_BATCH_MAX];
	const char *const *member_values[SYNC_BATCH_MAX];
};

SyncBatch *
sync_batch_create(const Route *route, const SyncBatchEvents *events, void *data)
{
	SyncBatch *batch = h2o_mem_alloc(sizeof(*batch));

	*batch = (SyncBatch){ .route = route, .events = events, .data = data, .parameter_count = route->parameter_count };
	return batch;
}

bool
sync_batch_takes(const SyncBatch *batch, const Route *route)
{
	return route == batch->route && route->batch.sql != NULL && batch->count < SYNC_BATCH_MAX;
}

void
sync_batch_add(SyncBatch *batch, void *member, const char *const *values)
{
	batch->members[batch->count] = member;
	batch->member_values[batch->count] = values;
	batch->count++;
	batch->left++;
}

static void
batch_end(SyncBatch *batch)
{
	const SyncBatchEvents *events = batch->events;
	void *data = batch->data;

	db_pool_abandon(batch->query);
	for (size_t i = 0; batch->arrays != NULL && i < batch->parameter_count; i++)
		buffer_dispose(&batch->arrays[i]);
	free(batch->arrays);
	free(batch->values);
	free(batch);
	events->on_end(data);
}

/* Returns the next member to be called, and its position, or NULL if all were called and the batch was freed. */
static void *
batch_next(SyncBatch *batch, size_t *place)
{
	batch->is_calling = true;
	for (; *place < batch->count; ++*place)
	{
		void *member = batch->members[*place];

		batch->members[*place] = NULL;
		if (member != NULL)
			return member;
	}
	batch_end(batch);
	return NULL;
}

static void
on_error(DbQuery *query, const DbError *error)
{
	SyncBatch *batch = query->data;
	void *member;

	for (size_t place = 0; (member = batch_next(batch, &place)) != NULL;)
		batch->events->on_error(member, error, batch->count > 1);
}

static void
on_timeout(DbQuery *query, bool sent)
{
	SyncBatch *batch = query->data;
	void *member;

	for (size_t place = 0; (member = batch_next(batch, &place)) != NULL;)
		batch->events->on_timeout(member, sent);
}

static void
on_result(DbQuery *query, const PGresult *result)
{
	SyncBatch *batch = query->data;
	void *member;

	for (size_t place = 0; (member = batch_next(batch, &place)) != NULL;)
		batch->events->on_row(member, result, (int) place);
}

static void
write_arrays(SyncBatch *batch)
{
	batch->arrays = calloc(batch->parameter_count, sizeof(*batch->arrays));
	batch->values = calloc(batch->parameter_count, sizeof(*batch->values));
	for (size_t i = 0; i < batch->parameter_count; i++)
	{
		for (size_t place = 0; place < batch->count; place++)
			array_append(&batch->arrays[i], batch->member_values[place][i]);
		buffer_append_byte(&batch->arrays[i], '}');
		batch->values[i] = buffer_text(&batch->arrays[i]);
	}
}

void
sync_batch_submit(SyncBatch *batch, DbPool *pool)
{
	bool is_shared = batch->count > 1;

	if (is_shared)
		write_arrays(batch);
	batch->query = db_query_create(is_shared ? &batch->route->batch : &batch->route->statement,
								   is_shared ? batch->values : batch->member_values[0]);
	batch->query->repeatable = true;
	batch->query->data = batch;
	batch->query->on_result = on_result;
	batch->query->on_error = on_error;
	batch->query->on_timeout = on_timeout;
	db_pool_submit(pool, batch->query);
}

void
sync_batch_leave(SyncBatch *batch, const void *member)
{
	for (size_t place = 0; place < batch->count; place++)
		if (batch->members[place] == member)
		{
			batch->members[place] = NULL;
			batch->left--;
		}
	if (batch->left == 0 && !batch->is_calling)
		batch_end(batch);
}
