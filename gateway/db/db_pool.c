/*
 * db_pool: chooses the connection, keeps the queue, the deadlines and the pauses between attempts to connect.
 *
 * A query goes to the ready connection with the fewest queries on it. A connection that has not answered for a while
 * runs a slow statement, and is used only if the others are full. The queries of one party never use all connections.
 * What cannot be sent waits in the queue, first come, first served.
 */
#include "db/db_pool.h"

#include <stdlib.h>

#include "base/log.h"

enum
{
	TICK_MS = 20,
	SLOW_US = 10000,
	BACKOFF_FIRST_MS = 100,
	BACKOFF_LAST_MS = 2000
};

typedef struct PoolConnection
{
	DbConnection connection;
	unsigned failures; /* in a row */
	uint64_t open_at_us;
} PoolConnection;

struct DbPool
{
	h2o_loop_t *loop;
	DbPoolSettings settings;
	DbConnectionOwner owner;
	uint64_t metrics[POOL_METRIC_COUNT];
	PoolConnection *connections;
	size_t ready_count;
	bool unreachable; /* none is ready, and the last attempt failed */
	bool disposing;
	h2o_linklist_t queue;
	size_t queue_length;
	h2o_timeout_t tick_timeout;
	h2o_timeout_entry_t tick;
	unsigned random;
};

static void
query_fail(DbQuery *query, DbErrorKind kind, bool outcome_unknown)
{
	DbError error = { .kind = kind, .outcome_unknown = outcome_unknown };

	if (!query->abandoned)
		query->on_error(query, &error);
	query->finished_at_us = db_now_us();
	h2o_mem_release_shared(query);
}

static DbQuery *
queue_first(const DbPool *pool)
{
	return H2O_STRUCT_FROM_MEMBER(DbQuery, link, pool->queue.next);
}

static void
queue_remove(DbPool *pool, DbQuery *query)
{
	h2o_linklist_unlink(&query->link);
	query->queued = false;
	pool->queue_length--;
}

static void
queue_put(DbPool *pool, DbQuery *query, h2o_linklist_t *before)
{
	h2o_linklist_insert(before, &query->link);
	query->queued = true;
	query->queued_at_us = db_now_us();
	pool->queue_length++;
}

static bool
connection_has(const DbConnection *connection, uint64_t party)
{
	for (const h2o_linklist_t *link = connection->under_way.next; link != &connection->under_way; link = link->next)
		if (H2O_STRUCT_FROM_MEMBER(DbQuery, link, link)->party == party)
			return true;
	return false;
}

/* Returns whether the party has queries on as many connections as it may use. */
static bool
party_is_at_its_limit(const DbPool *pool, uint64_t party)
{
	size_t limit = pool->settings.connection_count > 1 ? pool->settings.connection_count - 1 : 1;
	size_t count = 0;

	for (size_t i = 0; party != 0 && i < pool->settings.connection_count; i++)
		count += connection_has(&pool->connections[i].connection, party);
	return count >= limit;
}

/* Returns how many queries one sent now would wait for. A slow statement counts as a whole pipeline. */
static size_t
connection_load(const DbPool *pool, const DbConnection *connection, uint64_t now_us)
{
	bool is_slow = connection->under_way_count > 0 && now_us > connection->changed_at_us + SLOW_US;

	return connection->under_way_count + (is_slow ? pool->settings.pipeline_depth : 0);
}

/* Returns the ready connection with the least load and with room for more, or NULL. A query that must not be repeated
 * is not sent on a connection that has ended. */
static DbConnection *
pool_choose_connection(DbPool *pool, const DbQuery *query)
{
	bool at_limit = party_is_at_its_limit(pool, query->party);
	uint64_t now_us = db_now_us();
	DbConnection *best = NULL;

	for (size_t i = 0; i < pool->settings.connection_count; i++)
	{
		DbConnection *candidate = &pool->connections[i].connection;

		if (candidate->state == DB_CONNECTION_READY && candidate->under_way_count < pool->settings.pipeline_depth &&
			(!at_limit || connection_has(candidate, query->party)) &&
			(best == NULL || connection_load(pool, candidate, now_us) < connection_load(pool, best, now_us)) &&
			(query->repeatable || db_connection_is_alive(candidate)))
			best = candidate;
	}
	return best;
}

/* Finds the first query in the queue that can be sent. Skips those that only their own party's limit holds back. */
static DbQuery *
queue_find(DbPool *pool, DbConnection **connection)
{
	uint64_t passed = 0;

	for (h2o_linklist_t *link = pool->queue.next; link != &pool->queue; link = link->next)
	{
		DbQuery *query = H2O_STRUCT_FROM_MEMBER(DbQuery, link, link);

		if (query->party != 0 && query->party == passed)
			continue;
		*connection = pool_choose_connection(pool, query);
		if (*connection != NULL)
			return query;
		if (!party_is_at_its_limit(pool, query->party))
			return NULL;
		passed = query->party;
	}
	return NULL;
}

static void
queue_dispatch(DbPool *pool)
{
	DbConnection *connection;
	DbQuery *query;

	while ((query = queue_find(pool, &connection)) != NULL)
	{
		queue_remove(pool, query);
		if (query->is_wanted == NULL || query->is_wanted(query))
			db_connection_send(connection, query);
		else
		{
			pool->metrics[POOL_NOT_SENT]++;
			query_fail(query, DB_ERROR_UNREACHABLE, false);
		}
	}
}

static void
queue_fail(DbPool *pool)
{
	while (pool->queue_length > 0)
	{
		DbQuery *query = queue_first(pool);

		queue_remove(pool, query);
		query_fail(query, DB_ERROR_UNREACHABLE, false);
	}
}

/* Returns the pause: it doubles from BACKOFF_FIRST_MS to BACKOFF_LAST_MS, and is drawn between half and all of that. */
static uint64_t
pool_backoff_us(DbPool *pool, unsigned failures)
{
	uint64_t pause_ms = BACKOFF_FIRST_MS;

	for (unsigned i = 1; i < failures && pause_ms < BACKOFF_LAST_MS; i++)
		pause_ms *= 2;
	if (pause_ms > BACKOFF_LAST_MS)
		pause_ms = BACKOFF_LAST_MS;
	return pause_ms * (500 + (uint64_t) rand_r(&pool->random) % 501);
}

static void
pool_note_ready(DbPool *pool, size_t ready_before)
{
	if ((ready_before == 0) != (pool->ready_count == 0) && pool->settings.on_ready != NULL && !pool->disposing)
		pool->settings.on_ready(pool->settings.data, pool->ready_count > 0);
}

/* Logs a loss, and the first failure after it, until there is a connection again. */
static void
pool_log_state(const DbPool *pool, const PoolConnection *own, DbConnectionState before)
{
	char quoted[512];
	const char *reason = log_quote(own->connection.reason, quoted, sizeof(quoted));

	if (pool->disposing)
		return;
	if (own->connection.state == DB_CONNECTION_READY && own->failures > 0)
		log_info("event=database_connected failures=%u", own->failures);
	else if (own->connection.state == DB_CONNECTION_CLOSED && before == DB_CONNECTION_READY)
		log_warning("event=database_connection_lost under_way=%zu reason=%s", own->connection.under_way_count, reason);
	else if (own->connection.state == DB_CONNECTION_CLOSED && own->failures == 0)
		log_warning("event=database_not_connected reason=%s", reason);
}

static void
on_state(void *data, DbConnection *connection, DbConnectionState before)
{
	DbPool *pool = data;
	PoolConnection *own = H2O_STRUCT_FROM_MEMBER(PoolConnection, connection, connection);
	size_t ready_before = pool->ready_count;

	pool_log_state(pool, own, before);
	if (connection->state == DB_CONNECTION_READY)
	{
		pool->metrics[POOL_CONNECTS]++;
		pool->ready_count++;
		pool->unreachable = false;
		own->failures = 0;
		pool_note_ready(pool, ready_before);
		queue_dispatch(pool);
	}
	else if (connection->state == DB_CONNECTION_CLOSED)
	{
		if (before == DB_CONNECTION_READY)
		{
			pool->ready_count--;
			pool->metrics[POOL_LOSSES]++;
			pool_note_ready(pool, ready_before);
		}
		else
		{
			pool->metrics[POOL_CONNECT_FAILURES]++;
			own->failures++;
			pool->unreachable = pool->ready_count == 0;
		}
		own->open_at_us = db_now_us() + (own->failures == 0 ? 0 : pool_backoff_us(pool, own->failures));
		if (pool->unreachable)
			queue_fail(pool);
	}
}

static void
on_room(void *data, DbConnection *connection)
{
	(void) connection;
	queue_dispatch(data);
}

/* If the query certainly did nothing, or may be repeated, tries it once more on another connection. */
static void
on_lost(void *data, DbQuery *query, bool outcome_known)
{
	DbPool *pool = data;

	PQclear(query->result);
	query->result = NULL;
	query->answered = false;
	if (!query->abandoned && !query->repeated && (query->repeatable || outcome_known) && !pool->unreachable &&
		!pool->disposing)
	{
		query->repeated = true;
		pool->metrics[POOL_REPEATS]++;
		queue_put(pool, query, pool->queue.next);
	}
	else
		query_fail(query, DB_ERROR_LOST, !outcome_known);
}

/* A statement that is stale on one connection is stale on all of them. */
static void
on_stale(void *data, DbQuery *query)
{
	DbPool *pool = data;

	for (size_t i = 0; i < pool->settings.connection_count; i++)
		if (pool->connections[i].connection.state == DB_CONNECTION_READY)
			db_connection_forget_statement(&pool->connections[i].connection, query->statement_id);
	on_lost(pool, query, true);
}

static void
on_notification(void *data, const char *channel)
{
	DbPool *pool = data;

	if (pool->settings.on_notification != NULL)
		pool->settings.on_notification(pool->settings.data, channel);
}

/* The client gets its response now. If PostgreSQL's result arrives later, it is dropped. */
static void
query_expire(DbPool *pool, DbQuery *query, bool sent)
{
	if (sent)
		pool->metrics[POOL_QUERY_TIMEOUTS]++;
	else
		pool->metrics[POOL_ACQUIRE_TIMEOUTS]++;
	query->finished_at_us = db_now_us();
	query->abandoned = true;
	query->on_timeout(query, sent);
}

static void
queue_expire(DbPool *pool, uint64_t now_us)
{
	while (pool->queue_length > 0)
	{
		DbQuery *query = queue_first(pool);

		if (now_us < query->queued_at_us + (uint64_t) pool->settings.acquire_timeout_ms * 1000)
			return;
		queue_remove(pool, query);
		query_expire(pool, query, false);
		h2o_mem_release_shared(query);
	}
}

static void
on_tick(h2o_timeout_entry_t *entry)
{
	DbPool *pool = H2O_STRUCT_FROM_MEMBER(DbPool, tick, entry);
	uint64_t now_us = db_now_us();

	for (size_t i = 0; i < pool->settings.connection_count; i++)
	{
		PoolConnection *own = &pool->connections[i];
		DbConnection *connection = &own->connection;

		if (connection->state == DB_CONNECTION_CLOSED && now_us >= own->open_at_us)
			db_connection_open(connection);
		for (h2o_linklist_t *link = connection->under_way.next, *next; link != &connection->under_way; link = next)
		{
			DbQuery *query = H2O_STRUCT_FROM_MEMBER(DbQuery, link, link);

			next = link->next;
			if (query->kind == DB_QUERY_EXECUTE && !query->abandoned &&
				now_us >= query->submitted_at_us + (uint64_t) pool->settings.query_timeout_ms * 1000)
				query_expire(pool, query, true);
		}
		db_connection_check(connection, now_us);
	}
	queue_dispatch(pool);
	queue_expire(pool, now_us);
	h2o_timeout_link(pool->loop, &pool->tick_timeout, &pool->tick);
}

DbPool *
db_pool_create(h2o_loop_t *loop, const DbPoolSettings *settings)
{
	DbPool *pool = h2o_mem_alloc(sizeof(*pool));

	*pool = (DbPool){ .loop = loop, .settings = *settings, .random = (unsigned) db_now_us() };
	pool->owner = (DbConnectionOwner){ pool, on_state, on_room, on_lost, on_stale, on_notification };
	h2o_linklist_init_anchor(&pool->queue);
	pool->connections = calloc(settings->connection_count, sizeof(*pool->connections));
	for (size_t i = 0; i < settings->connection_count; i++)
	{
		DbConnection *connection = &pool->connections[i].connection;

		connection->loop = loop;
		connection->settings = &pool->settings.connection;
		connection->owner = &pool->owner;
		h2o_linklist_init_anchor(&connection->under_way);
	}
	h2o_timeout_init(loop, &pool->tick_timeout, TICK_MS);
	pool->tick.cb = on_tick;
	h2o_timeout_link(loop, &pool->tick_timeout, &pool->tick);
	for (size_t i = 0; i < settings->connection_count; i++)
		db_connection_open(&pool->connections[i].connection);
	return pool;
}

void
db_pool_close(DbPool *pool)
{
	if (pool->disposing)
		return;
	pool->disposing = true;
	pool->unreachable = true;
	queue_fail(pool);
	for (size_t i = 0; i < pool->settings.connection_count; i++)
		db_connection_dispose(&pool->connections[i].connection);
	h2o_timeout_unlink(&pool->tick);
	h2o_timeout_dispose(pool->loop, &pool->tick_timeout);
}

void
db_pool_dispose(DbPool *pool)
{
	db_pool_close(pool);
	free(pool->connections);
	free(pool);
}

void
db_pool_set_statements(DbPool *pool, const DbStatement *const *statements, size_t count)
{
	for (size_t i = 0; i < pool->settings.connection_count; i++)
		db_connection_set_statements(&pool->connections[i].connection, statements, count);
}

void
db_pool_submit(DbPool *pool, DbQuery *query)
{
	/* A query in the queue has no connection to go to, so this overtakes only those held back by their party's limit.
	 */
	DbConnection *connection = pool_choose_connection(pool, query);

	h2o_mem_addref_shared(query);
	query->pool = pool;
	query->submitted_at_us = db_now_us();
	if (connection != NULL)
		db_connection_send(connection, query);
	else if (pool->unreachable)
		query_fail(query, DB_ERROR_UNREACHABLE, false);
	else if (pool->queue_length >= pool->settings.queue_length_max)
	{
		pool->metrics[POOL_QUEUE_FULL]++;
		query_fail(query, DB_ERROR_QUEUE_FULL, false);
	}
	else
		queue_put(pool, query, &pool->queue);
}

void
db_pool_abandon(DbQuery *query)
{
	query->abandoned = true;
	if (query->queued)
	{
		queue_remove(query->pool, query);
		h2o_mem_release_shared(query);
	}
	h2o_mem_release_shared(query);
}

bool
db_pool_is_ready(const DbPool *pool)
{
	return pool->ready_count > 0;
}

bool
db_pool_is_alive(const DbPool *pool)
{
	for (size_t i = 0; i < pool->settings.connection_count; i++)
		if (db_connection_is_alive(&pool->connections[i].connection))
			return true;
	return false;
}

const uint64_t *
db_pool_metrics(DbPool *pool)
{
	pool->metrics[POOL_CONNECTIONS] = pool->settings.connection_count;
	pool->metrics[POOL_CONNECTIONS_READY] = pool->ready_count;
	pool->metrics[POOL_QUEUED] = pool->queue_length;
	pool->metrics[POOL_UNDER_WAY] = 0;
	for (size_t i = 0; i < pool->settings.connection_count; i++)
		pool->metrics[POOL_UNDER_WAY] += pool->connections[i].connection.under_way_count;
	return pool->metrics;
}
