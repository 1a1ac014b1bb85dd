/*
 * db_pool: a few connections of one kind on one event loop, and the bounded queue before them. Not shared among
 * threads.
 */
#ifndef DB_POOL_H
#define DB_POOL_H

#include "base/metrics.h"
#include "db/db_connection.h"

typedef struct DbPoolSettings
{
	DbConnectionSettings connection;
	size_t connection_count;
	size_t pipeline_depth; /* queries under way on one connection */
	size_t queue_length_max;
	uint32_t acquire_timeout_ms; /* in the queue */
	uint32_t query_timeout_ms;   /* from submit to answer */
	void *data;
	void (*on_ready)(void *data, bool ready); /* the first connection is there, the last has gone; may be NULL */
	void (*on_notification)(void *data, const char *channel);
} DbPoolSettings;

typedef struct DbPool DbPool;

/* Starts connecting at once, and again for ever, with exponential backoff and jitter. The settings' texts must live on.
 */
DbPool *db_pool_create(h2o_loop_t *loop, const DbPoolSettings *settings);

/* Fails what is queued and under way, and from then on what is submitted; closes all. */
void db_pool_close(DbPool *pool);
void db_pool_dispose(DbPool *pool);

/* Which statements each connection keeps prepared; ids are consecutive, the array lives until the next call. */
void db_pool_set_statements(DbPool *pool, const DbStatement *const *statements, size_t count);

/* Runs a query: exactly one of its callbacks follows, perhaps before this returns, unless it is abandoned. */
void db_pool_submit(DbPool *pool, DbQuery *query);

/* The maker's reference back: no callback comes any more, and if the query still waits it is not sent. */
void db_pool_abandon(DbQuery *query);

bool db_pool_is_ready(const DbPool *pool);
/* Whether a connection is ready and has not ended, even if the loop has yet to notice. */
bool db_pool_is_alive(const DbPool *pool);

/* What the pool has counted, and its gauges as they are now, by PoolMetric; good until the pool is used again. */
const uint64_t *db_pool_metrics(DbPool *pool);

#endif
