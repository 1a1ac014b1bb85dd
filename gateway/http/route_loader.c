/*
 * route_loader: reads the routes on its own connection, and publishes each router that it could build.
 */
#include "http/route_loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum
{
	RETRY_MS = 500
};

static const char describe_sql[] =
	"SELECT *, (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'parley') AS extension_version "
	"FROM parley.describe_routes()";

static const char session_sql[] = "SELECT set_config('statement_timeout', '10s', $1)";

/* No statement of a route ever has this id. */
static const DbStatement describe_statement = { .id = UINT32_MAX - 1, .sql = describe_sql };

struct RouteLoader
{
	h2o_loop_t *loop;
	Server *server;
	DbPool *pool;
	DbQuery *describe; /* in progress, or NULL */
	bool again;        /* a reload was requested while one was in progress */
	char last_failure[256];
	uint64_t reloaded_at_us;
	h2o_timeout_t retry_timeout;
	h2o_timeout_entry_t retry;
};

static void
route_loader_finish(RouteLoader *loader)
{
	db_pool_abandon(loader->describe);
	loader->describe = NULL;
	if (loader->again)
		route_loader_reload(loader);
}

static void
on_routes(DbQuery *query, const PGresult *result)
{
	RouteLoader *loader = query->data;
	Router *router = router_create();

	router_add_rows(router, result, NULL);
	log_info("event=routes_loaded count=%zu extension=%s", router->route_count, router->extension_version);
	server_set_router(loader->server, router);
	router_release(router);
	loader->last_failure[0] = '\0';
	route_loader_finish(loader);
}

/* Logs a failure once, however often it is repeated. */
static void
route_loader_fail(RouteLoader *loader, const char *reason)
{
	char quoted[512];

	if (strncmp(loader->last_failure, reason, sizeof(loader->last_failure) - 1) != 0)
		log_error("event=routes_not_loaded reason=%s", log_quote(reason, quoted, sizeof(quoted)));
	snprintf(loader->last_failure, sizeof(loader->last_failure), "%s", reason);
	if (!h2o_timeout_is_linked(&loader->retry))
		h2o_timeout_link(loader->loop, &loader->retry_timeout, &loader->retry);
	route_loader_finish(loader);
}

static void
on_routes_error(DbQuery *query, const DbError *error)
{
	route_loader_fail(query->data, error->kind == DB_ERROR_SERVER ? error->message : "the database cannot be reached");
}

static void
on_routes_timeout(DbQuery *query, bool sent)
{
	(void) sent;
	route_loader_fail(query->data, "the database did not respond in time");
}

static void
on_retry(h2o_timeout_entry_t *entry)
{
	route_loader_reload(H2O_STRUCT_FROM_MEMBER(RouteLoader, retry, entry));
}

void
route_loader_reload(RouteLoader *loader)
{
	loader->again = loader->describe != NULL;
	if (loader->again)
		return;
	loader->reloaded_at_us = db_now_us();
	if (h2o_timeout_is_linked(&loader->retry))
		h2o_timeout_unlink(&loader->retry);
	loader->describe = db_query_create(&describe_statement, NULL);
	loader->describe->data = loader;
	loader->describe->repeatable = true;
	loader->describe->on_result = on_routes;
	loader->describe->on_error = on_routes_error;
	loader->describe->on_timeout = on_routes_timeout;
	db_pool_submit(loader->pool, loader->describe);
}

/* After reconnecting, notifications may have been missed, and another version may be installed. */
static void
on_ready(void *data, bool ready)
{
	if (ready)
		route_loader_reload(data);
}

/* Any role may notify, as often as it likes. The first notification is handled at once, the next no sooner than the
 * pause is over. */
static void
on_notification(void *data, const char *channel)
{
	RouteLoader *loader = data;

	(void) channel;
	if (h2o_timeout_is_linked(&loader->retry))
		return;
	if (db_now_us() >= loader->reloaded_at_us + RETRY_MS * 1000)
		route_loader_reload(loader);
	else
		h2o_timeout_link(loader->loop, &loader->retry_timeout, &loader->retry);
}

RouteLoader *
route_loader_start(h2o_loop_t *loop, const Config *config, Server *server)
{
	RouteLoader *loader = h2o_mem_alloc(sizeof(*loader));
	DbPoolSettings settings = { .connection = { .conninfo = config->database_url,
												.target_session_attrs = "read-write",
												.setup_sql = session_sql,
												.channel = "parley_routes",
												.transaction_pooling = config->transaction_pooling,
												.silence_timeout_ms = 11000,
												.connect_timeout_ms = (uint32_t) config->connect_timeout_ms },
								.connection_count = 1,
								.pipeline_depth = 2,
								.queue_length_max = 2,
								.acquire_timeout_ms = 10000,
								.query_timeout_ms = 10000,
								.data = loader,
								.on_ready = on_ready,
								.on_notification = on_notification };

	memset(loader, 0, sizeof(*loader));
	loader->loop = loop;
	loader->server = server;
	h2o_timeout_init(loop, &loader->retry_timeout, RETRY_MS);
	loader->retry.cb = on_retry;
	loader->pool = db_pool_create(loop, &settings);
	return loader;
}

void
route_loader_dispose(RouteLoader *loader)
{
	if (loader->describe != NULL)
		db_pool_abandon(loader->describe);
	loader->describe = NULL;
	db_pool_dispose(loader->pool);
	if (h2o_timeout_is_linked(&loader->retry))
		h2o_timeout_unlink(&loader->retry);
	h2o_timeout_dispose(loader->loop, &loader->retry_timeout);
	free(loader);
}

bool
route_loader_check(const Config *config)
{
	const char *const keywords[] = { "application_name", "connect_timeout", "dbname", NULL };
	const char *const values[] = { "parleyd", "5", config->database_url, NULL };
	PGconn *connection = PQconnectdbParams(keywords, values, 1);
	PGresult *rows = PQexec(connection, describe_sql);
	Router *router = router_create();
	bool fine = PQresultStatus(rows) == PGRES_TUPLES_OK;

	if (fine)
	{
		router_add_rows(router, rows, stderr);
		fine = router->route_count == (size_t) PQntuples(rows);
		printf("parleyd: %zu of %d routes understood\n", router->route_count, PQntuples(rows));
	}
	else
		fprintf(stderr, "parleyd: the routes cannot be read: %s", PQerrorMessage(connection));
	router_release(router);
	PQclear(rows);
	PQfinish(connection);
	return fine;
}
