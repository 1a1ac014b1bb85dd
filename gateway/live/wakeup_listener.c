/*
 * wakeup_listener: calls one statement after another, each continuing where the last one ended. A broken connection
 * loses nothing: either the position is still valid on the next connection, or PostgreSQL says that it is not, and then
 * all streams sync.
 *
 * If PostgreSQL says that there are several sources of wake-ups, there is a listener for each, with a connection of its
 * own. The first of them, which learns their number, owns the others.
 */
#include "live/wakeup_listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "db/db_pool.h"
#include "live/wakeups.h"

enum
{
	RETRY_MS = 500,
	PAUSE_MS = 5, /* so that under load one result covers many commits, and one sync many messages */
	TIMEOUT_MS = 10000
};

static const char session_sql[] = "SELECT set_config('statement_timeout', '10s', false)";
static const DbStatement await_statement = { .id = UINT32_MAX - 3,
											 .sql = "SELECT * FROM parley.await_wakeups($1, source => $2)",
											 .parameter_count = 2,
											 .parameter_types = (const Oid[]){ 20 /* bigint */, 23 /* integer */ } };
static const DbStatement *const statements[] = { &await_statement };

struct WakeupListener
{
	h2o_loop_t *loop;
	const Config *config;
	Server *server;
	Live *live;
	WakeupListener *first; /* the listener of source 0 */
	WakeupListener *next;  /* the listener of the next source, or NULL */
	unsigned answers;
	DbPool *pool;
	DbQuery *query; /* in progress, or NULL */
	char position[24];
	char source[12];
	const char *values[2];
	char last_failure[256];
	h2o_timeout_t retry_timeout;
	h2o_timeout_t pause_timeout;
	h2o_timeout_entry_t retry; /* on either */
};

static void listener_ask(WakeupListener *listener);
static WakeupListener *listener_create(WakeupListener *model, int source);

static const char *
result_cell(const PGresult *result, const char *column)
{
	int place = PQfnumber(result, column);

	return place < 0 || PQntuples(result) == 0 ? "" : PQgetvalue(result, 0, place);
}

static void
listener_end_query(WakeupListener *listener)
{
	db_pool_abandon(listener->query);
	listener->query = NULL;
}

/* Notes that PostgreSQL has responded, once all sources have. */
static void
listener_note_answer(WakeupListener *listener)
{
	unsigned least = ++listener->answers - 1;

	for (WakeupListener *other = listener->first; other != NULL; other = other->next)
		if (other->answers <= least)
			return;
	live_note_answer(listener->live);
}

/* Makes sure that there is a listener for each source. */
static void
listeners_complete(WakeupListener *first, int sources)
{
	WakeupListener *last = first;

	for (int source = 1; source < sources; source++)
	{
		if (last->next == NULL)
			last->next = listener_create(first, source);
		last = last->next;
	}
}

static void
on_wakeups(DbQuery *query, const PGresult *result)
{
	WakeupListener *listener = query->data;
	bool is_complete = result_cell(result, "is_complete")[0] == 't';
	bool is_news;
	Wakeups *wakeups = wakeups_create(result_cell(result, "user_ids"), !is_complete,
									  db_now_us() - (uint64_t) strtoll(result_cell(result, "age_us"), NULL, 10));

	snprintf(listener->position, sizeof(listener->position), "%s", result_cell(result, "position"));
	listener->values[0] = listener->position[0] == '\0' ? NULL : listener->position;
	if (listener == listener->first)
		listeners_complete(listener, atoi(result_cell(result, "sources")));
	listener_end_query(listener);
	is_news = wakeups->is_everybody || wakeups->count > 0;
	if (is_news)
		server_tell_guests(listener->server, wakeups, (void *(*) (void *) ) wakeups_retain);
	wakeups_release(wakeups);
	listener->last_failure[0] = '\0';
	if (listener == listener->first)
		live_set_available(listener->live, true);
	listener_note_answer(listener);
	if (is_news)
		h2o_timeout_link(listener->loop, &listener->pause_timeout, &listener->retry);
	else
		listener_ask(listener);
}

/* Logs a failure once, however often it is repeated. */
static void
listener_fail(WakeupListener *listener, const char *reason)
{
	char quoted[512];

	if (strncmp(listener->last_failure, reason, sizeof(listener->last_failure) - 1) != 0)
		log_warning("event=no_wakeups source=%s reason=%s", listener->source,
					log_quote(reason, quoted, sizeof(quoted)));
	snprintf(listener->last_failure, sizeof(listener->last_failure), "%s", reason);
	listener_end_query(listener);
	h2o_timeout_link(listener->loop, &listener->retry_timeout, &listener->retry);
}

/* Only an error from PostgreSQL itself means that there are no wake-ups. A connection comes back. */
static void
on_error(DbQuery *query, const DbError *error)
{
	WakeupListener *listener = query->data;

	if (error->kind == DB_ERROR_SERVER && listener == listener->first)
		live_set_available(listener->live, false);
	listener_fail(listener, error->kind == DB_ERROR_SERVER ? error->message : "the database cannot be reached");
}

static void
on_timeout(DbQuery *query, bool sent)
{
	(void) sent;
	listener_fail(query->data, "the database did not respond in time");
}

static void
listener_ask(WakeupListener *listener)
{
	listener->query = db_query_create(&await_statement, listener->values);
	listener->query->data = listener;
	listener->query->on_result = on_wakeups;
	listener->query->on_error = on_error;
	listener->query->on_timeout = on_timeout;
	db_pool_submit(listener->pool, listener->query);
}

static void
on_retry(h2o_timeout_entry_t *entry)
{
	listener_ask(H2O_STRUCT_FROM_MEMBER(WakeupListener, retry, entry));
}

static void
on_ready(void *data, bool ready)
{
	WakeupListener *listener = data;

	if (!ready || listener->query != NULL)
		return;
	if (h2o_timeout_is_linked(&listener->retry))
		h2o_timeout_unlink(&listener->retry);
	listener_ask(listener);
}

/* Creates a listener for a source, which has everything else in common with the model. */
static WakeupListener *
listener_create(WakeupListener *model, int source)
{
	WakeupListener *listener = h2o_mem_alloc(sizeof(*listener));
	DbPoolSettings settings = { .connection = { .conninfo = model->config->database_url,
												.target_session_attrs = "read-write",
												.setup_sql = session_sql,
												.silence_timeout_ms = TIMEOUT_MS / 2,
												.connect_timeout_ms = (uint32_t) model->config->connect_timeout_ms },
								.connection_count = 1,
								.pipeline_depth = 1,
								.queue_length_max = 2,
								.acquire_timeout_ms = TIMEOUT_MS,
								.query_timeout_ms = TIMEOUT_MS,
								.data = listener,
								.on_ready = on_ready };

	*listener = (WakeupListener){ .loop = model->loop,
								  .config = model->config,
								  .server = model->server,
								  .live = model->live,
								  .first = source == 0 ? listener : model->first,
								  .answers = model->answers,
								  .values[1] = listener->source,
								  .retry.cb = on_retry };
	snprintf(listener->source, sizeof(listener->source), "%d", source);
	h2o_timeout_init(listener->loop, &listener->retry_timeout, RETRY_MS);
	h2o_timeout_init(listener->loop, &listener->pause_timeout, PAUSE_MS);
	listener->pool = db_pool_create(listener->loop, &settings);
	db_pool_set_statements(listener->pool, statements, 1);
	return listener;
}

WakeupListener *
wakeup_listener_start(h2o_loop_t *loop, const Config *config, Server *server, Live *live)
{
	WakeupListener model = { .loop = loop, .config = config, .server = server, .live = live };

	return listener_create(&model, 0);
}

void
wakeup_listener_dispose(WakeupListener *listener)
{
	if (listener->next != NULL)
		wakeup_listener_dispose(listener->next);
	if (listener->query != NULL)
		listener_end_query(listener);
	if (h2o_timeout_is_linked(&listener->retry))
		h2o_timeout_unlink(&listener->retry);
	db_pool_dispose(listener->pool);
	h2o_timeout_dispose(listener->loop, &listener->retry_timeout);
	h2o_timeout_dispose(listener->loop, &listener->pause_timeout);
	free(listener);
}
