/*
 * db_pool: several connections of one kind on one event loop, and a bounded queue in front of them. A pool is not
 * shared between threads.
 */
#ifndef DB_POOL_H
#define DB_POOL_H

#include "base/metrics.h"
#include "db/db_connection.h"

typedef struct DbPoolSettings
{
	DbConnectionSettings connection;
	size_t connection_count;
	size_t pipeline_depth; /* queries in progress on one connection */
	size_t queue_length_max;
	uint32_t acquire_timeout_ms; /* time in the queue */
	uint32_t query_timeout_ms;   /* time from submission to result */
	void *data;
	void (*on_ready)(void *data, bool ready); /* the first connection is ready, or the last one is gone; may be NULL */
	void (*on_notification)(void *data, const char *channel);
} DbPoolSettings;

typedef struct DbPool DbPool;

/* Starts connecting at once, and reconnects forever, with exponential backoff and jitter. The texts in the settings
 * must outlive the pool. */
DbPool *db_pool_create(h2o_loop_t *loop, const DbPoolSettings *settings);

/* Fails all queries that are queued or in progress, and those that are submitted later, and closes all connections. */
void db_pool_close(DbPool *pool);
void db_pool_dispose(DbPool *pool);

/* Sets the statements that each connection keeps prepared. Their ids must be consecutive, and the array must live until
 * the next call. */
void db_pool_set_statements(DbPool *pool, const DbStatement *const *statements, size_t count);

/* Runs a query. Exactly one of its callbacks is called, possibly before this returns, unless it is abandoned. */
void db_pool_submit(DbPool *pool, DbQuery *query);

/* Gives back the maker's reference. No callback is called any more, and if the query is still queued it is not sent. */
void db_pool_abandon(DbQuery *query);

bool db_pool_is_ready(const DbPool *pool);
/* Returns whether a connection is ready and still alive, even if the loop has not noticed its end yet. */
bool db_pool_is_alive(const DbPool *pool);

/* Returns the pool's counters, and its gauges at this moment, indexed by PoolMetric. Valid until the pool is used
 * again. */
const uint64_t *db_pool_metrics(DbPool *pool);

#endif
