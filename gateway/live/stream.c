/*
 * stream: see stream.h for the states. All transitions are made by stream_enter().
 *
 * h2o allows a response to be written in pieces: after one h2o_send() there must be no other before "proceed", and
 * until then we must keep the bytes. To notice when a client leaves, we watch its socket without reading from it.
 */
#include "live/stream.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/log.h"
#include "call/response.h"
#include "http/access.h"
#include "http/reply.h"
#include "live/event.h"

enum
{
	/* Concurrent queries per worker: those that begin streams, and those that continue them. Streams that wait are
	 * batched. */
	OPENINGS_MAX = 16,
	SYNCS_MAX = 4,
	RETRY_MS = 1000,
	CLIENT_RETRY_MS = 2000,
	DRAIN_RETRY_LEAST_MS = 500,
	DRAIN_RETRY_MOST_MS = 8000,
	INSURANCE_HEARTBEATS = 10,
	PART_BYTES = 65536, /* what a client must read within --send-timeout-ms */
	LATE_ANSWERS = 3, /* the first may have been under way already, and the last may not have reached this thread yet */
	PEER_TIMEOUT_MS = 30000
};

static uint64_t
random_below(uint64_t limit)
{
	uint64_t number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
		number = db_now_us();
	return number % limit;
}

/* ----- states ----- */

static void
stream_enter(Stream *stream, StreamState state)
{
	StreamOwner *owner = stream->owner;

	stream->state = state;
	stream->changed_at_us = db_now_us();
	if (state == STREAM_IDLE && (stream->is_dirty || stream->is_insurance) && stream->retry_at_us == 0)
		registry_make_ready(&owner->registry, &stream->entry);
	if (state == STREAM_ENDING && h2o_linklist_is_linked(&stream->entry.ready))
		h2o_linklist_unlink(&stream->entry.ready);
}

static void
stream_wants_sync(Stream *stream)
{
	if (stream->state == STREAM_IDLE && stream->retry_at_us == 0)
		registry_make_ready(&stream->owner->registry, &stream->entry);
}

/* ----- writing ----- */

static void
stream_leave_batch(Stream *stream)
{
	SyncBatch *batch = stream->batch;

	stream->batch = NULL;
	if (batch != NULL)
		sync_batch_leave(batch, stream);
}

/* Passes a part of `out` to h2o: as much as a client must read in time. */
static void
stream_send_part(Stream *stream, h2o_send_state_t how)
{
	size_t left = stream->out.length - stream->sent;
	const char *start = left == 0 ? "" : stream->out.base + stream->sent; /* an empty one has no base */
	h2o_iovec_t bytes = h2o_iovec_init(start, left < PART_BYTES ? left : PART_BYTES);

	stream->request->bytes += bytes.len;
	stream->sent += bytes.len;
	stream_enter(stream, how == H2O_SEND_STATE_FINAL ? STREAM_ENDING : STREAM_WRITING);
	h2o_send(stream->request->http, &bytes, bytes.len > 0, how);
}

/* Sends what is in `out`. The last event of a stream is short. */
static void
stream_send(Stream *stream, h2o_send_state_t how)
{
	if (how == H2O_SEND_STATE_FINAL)
		stream_leave_batch(stream);
	stream->heartbeat_at_us = db_now_us() + (uint64_t) stream->owner->worker->config->stream_heartbeat_ms * 1000;
	stream_send_part(stream, how);
}

static void
stream_send_end(Stream *stream)
{
	bool draining = stream->end == METRICS_STREAM_DRAIN;

	event_write_end(&stream->out, metrics_stream_end_name(stream->end),
					draining
						? DRAIN_RETRY_LEAST_MS + (unsigned) random_below(DRAIN_RETRY_MOST_MS - DRAIN_RETRY_LEAST_MS)
						: CLIENT_RETRY_MS);
	stream_send(stream, H2O_SEND_STATE_FINAL);
}

static void
stream_end(Stream *stream, MetricsStreamEnd reason)
{
	if (stream->end == METRICS_STREAM_OPEN)
		stream->end = reason;
	if (stream->state == STREAM_IDLE || stream->state == STREAM_SYNCING)
		stream_send_end(stream);
}

/* What was sent last has been passed to the kernel. */
static void
on_proceed(h2o_generator_t *generator, h2o_req_t *http)
{
	Stream *stream = H2O_STRUCT_FROM_MEMBER(Stream, generator, generator);

	(void) http;
	if (stream->state == STREAM_WRITING && stream->sent < stream->out.length)
	{
		stream_send_part(stream, H2O_SEND_STATE_IN_PROGRESS);
		return;
	}
	buffer_dispose(&stream->out);
	stream->out = (Buffer){ 0 };
	stream->sent = 0;
	if (stream->state == STREAM_ENDING)
		return;
	if (stream->syncs_for_us != 0)
		metrics_count_stream_latency(stream->owner->worker->metrics, db_now_us() - stream->syncs_for_us);
	stream->syncs_for_us = 0;
	stream_enter(stream, STREAM_IDLE);
	if (stream->end != METRICS_STREAM_OPEN)
		stream_send_end(stream);
	else
		streams_sync(stream->owner);
}

/* ----- a client that leaves ----- */

static short
poll_socket(h2o_socket_t *socket)
{
	struct pollfd poller = { .fd = h2o_socket_get_fd(socket), .events = POLLIN | POLLRDHUP };

	return poll(&poller, 1, 0) <= 0 ? 0 : poller.revents;
}

/* h2o will notice it when it sends. */
static void
stream_lose_client(Stream *stream)
{
	if (stream->end == METRICS_STREAM_OPEN)
		stream->end = METRICS_STREAM_CLIENT;
	shutdown(h2o_socket_get_fd(stream->request->client->socket), SHUT_RDWR);
	if (stream->state == STREAM_IDLE || stream->state == STREAM_SYNCING)
	{
		event_write_comment(&stream->out);
		stream_send(stream, H2O_SEND_STATE_FINAL);
	}
}

/* Nobody reads what a client still sends, such as the end of TLS, so the loop would report it forever. */
static void
on_readable(h2o_socket_t *socket, const char *error)
{
	Client *client = socket->on_close.data;
	Stream *stream = client->guest;
	short events = poll_socket(socket);

	if (error == NULL && events == 0)
		return;
	h2o_socket_read_stop(socket);
	stream->is_unwatched = true;
	if (error != NULL || (events & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
		stream_lose_client(stream);
}

static void
stream_watch_client(Stream *stream)
{
	h2o_conn_t *connection = stream->request->http->conn;
	h2o_socket_t *socket = connection->callbacks->get_socket(connection);
	int timeout_ms = PEER_TIMEOUT_MS;

	if (stream->request->head)
		return;
	stream->request->client->guest = stream;
	setsockopt(h2o_socket_get_fd(socket), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
	h2o_socket_dont_read(socket, 1);
	h2o_socket_read_start(socket, on_readable);
}

/* ----- the answer ----- */

static void
add_header(h2o_req_t *http, const char *name, const char *value)
{
	h2o_add_header_by_str(&http->pool, &http->res.headers, name, strlen(name), 1, NULL, value, strlen(value));
}

/* h2o calls this when the connection broke. It disposes of the request next. */
static void
on_stop(h2o_generator_t *generator, h2o_req_t *http)
{
	Stream *stream = H2O_STRUCT_FROM_MEMBER(Stream, generator, generator);

	(void) http;
	if (stream->end == METRICS_STREAM_OPEN)
		stream->end = METRICS_STREAM_CLIENT;
	stream_enter(stream, STREAM_ENDING);
}

static void
stream_start_response(Stream *stream)
{
	Request *request = stream->request;
	h2o_req_t *http = request->http;

	request->status = 200;
	metrics_count_request(request->worker->metrics, request->route->metrics_series, 200,
						  db_now_us() - request->started_at_us);
	if (!request->head)
		metrics_count(request->worker->metrics, METRICS_STREAMS_OPENED);
	http->res.status = 200;
	http->res.reason = "OK";
	http->http1_is_persistent = 0;
	http->compress_hint = H2O_COMPRESS_HINT_DISABLE;
	add_header(http, "content-type", "text/event-stream");
	add_header(http, "cache-control", "no-store");
	add_header(http, "x-accel-buffering", "no");
	reply_header(request, "x-request-id", request->id, strlen(request->id));
	stream->generator = (h2o_generator_t){ .proceed = on_proceed, .stop = on_stop };
	h2o_start_response(http, &stream->generator);
}

/* ----- syncing ----- */

/* Replaces the route with the current one if its statement is the same, because connections keep that one prepared. */
static void
stream_renew_route(Stream *stream)
{
	Request *request = stream->request;
	Router *router = request->worker->router;
	const RouteSet *routes;
	const Route *route;

	if (router == request->router)
		return;
	routes = router_match(router, &request->path);
	route = routes == NULL ? NULL : routes->by_method[METHOD_GET];
	if (route == NULL || strcmp(route->statement.sql, request->route->statement.sql) != 0)
		return;
	router_release(request->router);
	request->router = router_retain(router);
	request->route = route;
}

static const char *
column_text(const PGresult *result, int row, const char *name)
{
	int place = PQfnumber(result, name);

	return place < 0 || row >= PQntuples(result) || PQgetisnull(result, row, place) ? NULL
																					: PQgetvalue(result, row, place);
}

static bool
column_says(const PGresult *result, int row, const char *name, bool fallback)
{
	const char *text = column_text(result, row, name);

	return text == NULL ? fallback : text[0] == 't';
}

static void
stream_take_cursor(Stream *stream, const PGresult *result, int row)
{
	const char *cursor = column_text(result, row, "cursor");

	if (cursor == NULL || (stream->cursor != NULL && strcmp(stream->cursor, cursor) == 0))
		return;
	free(stream->cursor);
	stream->cursor = strdup(cursor);
	stream->has_moved = true;
}

static void
stream_write_event(Stream *stream, const PGresult *result, int row)
{
	ResponseContext context = { .route = stream->request->route,
								.statement = &stream->request->statement,
								.row = row,
								.omitted = "cursor",
								.path = "",
								.query = "" };
	Response response;
	Buffer body = { 0 };

	/* The request may live for an hour, so its pool must not grow. */
	h2o_mem_pool_t pool;

	h2o_mem_init_pool(&pool);
	response_begin(&context, result, &pool, &response);
	response_write(&response, &body, SIZE_MAX);
	event_write(&stream->out, stream->cursor, body.base, body.length);
	buffer_dispose(&response.links);
	buffer_dispose(&body);
	h2o_mem_clear_pool(&pool);
	stream->events++;
	stream->has_moved = false;
	metrics_count(stream->owner->worker->metrics, METRICS_STREAM_EVENTS);
}

static void
stream_set_parameter(Stream *stream, const char *name, const char *value)
{
	const Route *route = stream->request->route;

	for (size_t i = 0; i < route->parameter_count; i++)
		if (strcmp(route->parameters[i].name, name) == 0)
			stream->request->statement.values[i] = value;
}

static void
stream_note_sync(Stream *stream, bool changed)
{
	metrics_count(stream->owner->worker->metrics, changed ? METRICS_STREAM_SYNCS_NEW : METRICS_STREAM_SYNCS_IDLE);
	/* Its wake-up may be on the way. */
	if (changed && stream->is_unasked && !stream->is_dirty && !stream->is_late)
	{
		stream->is_late = true;
		stream->late_after = atomic_load(stream->owner->answers);
	}
	if (stream->is_insurance)
		stream_set_parameter(stream, "thorough", NULL);
	stream->is_insurance = false;
	stream->is_alone = false;
	stream->retry_at_us = 0;
}

/* Starts the response with the first result. After this, errors can no longer be reported. */
static void
stream_begin(Stream *stream, const PGresult *result, int row, bool changed)
{
	stream_start_response(stream);
	event_write_retry(&stream->out, CLIENT_RETRY_MS);
	if (changed)
		stream_write_event(stream, result, row);
	else
		event_write(&stream->out, stream->cursor, NULL, 0);
	if (stream->request->head)
		buffer_dispose(&stream->out);
	stream_send(stream, stream->request->head ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
	stream_watch_client(stream);
}

static void
stream_go_on(Stream *stream, const PGresult *result, int row, bool changed)
{
	if (changed)
	{
		stream_write_event(stream, result, row);
		stream_send(stream, H2O_SEND_STATE_IN_PROGRESS);
		return;
	}
	stream->syncs_for_us = 0;
	stream_enter(stream, STREAM_IDLE);
}

static void
on_row(void *member, const PGresult *result, int row)
{
	Stream *stream = member;
	bool changed = column_says(result, row, "changed", true);

	stream->batch = NULL;
	stream_take_cursor(stream, result, row);
	stream_note_sync(stream, changed);
	stream->is_dirty = stream->is_dirty || column_says(result, row, "more", false);
	if (stream->state == STREAM_OPENING)
		stream_begin(stream, result, row, changed);
	else
		stream_go_on(stream, result, row, changed);
}

static void
stream_refuse(Stream *stream, const Problem *problem)
{
	stream_enter(stream, STREAM_ENDING);
	reply_problem(stream->request, problem);
}

static void
stream_fail(Stream *stream, const Problem *problem)
{
	if (stream->state == STREAM_OPENING)
		stream_refuse(stream, problem);
	else if (problem->status == 404 || problem->status == 410)
		stream_end(stream, METRICS_STREAM_GONE);
	else
	{
		stream->retry_at_us = db_now_us() + RETRY_MS * 1000;
		stream->is_dirty = true;
		stream_enter(stream, STREAM_IDLE);
	}
}

static void
on_error(void *member, const DbError *error, bool is_shared)
{
	Stream *stream = member;
	Problem problem;

	stream->batch = NULL;
	if (is_shared && error->kind == DB_ERROR_SERVER)
	{
		stream->is_alone = true;
		stream->is_dirty = true;
		stream->woken_at_us = stream->syncs_for_us;
		stream_enter(stream, STREAM_IDLE);
		return;
	}
	problem = problem_from_error(error, stream->request->route, &stream->request->http->pool);
	stream_fail(stream, &problem);
}

static void
on_timeout(void *member, bool sent)
{
	Stream *stream = member;
	Problem problem = problem_make(504, sent ? "The database took too long to respond."
											 : "No database connection became available in time.");

	stream->batch = NULL;
	stream_fail(stream, &problem);
}

static void
on_end(void *data)
{
	StreamOwner *owner = data;

	owner->syncing--;
	streams_sync(owner);
}

static void
stream_join(Stream *stream, SyncBatch *batch)
{
	Request *request = stream->request;

	stream_set_parameter(stream, "cursor", stream->cursor);
	if (stream->is_insurance)
		stream_set_parameter(stream, "thorough", "true");
	stream->is_unasked = stream->is_insurance && !stream->is_dirty;
	stream->is_dirty = false;
	stream->syncs_for_us = stream->woken_at_us;
	stream->woken_at_us = 0;
	stream->batch = batch;
	sync_batch_add(batch, stream, request->statement.values);
	if (stream->state != STREAM_OPENING)
		stream_enter(stream, STREAM_SYNCING);
}

static Stream *
first_ready(const StreamOwner *owner)
{
	RegistryEntry *entry = registry_first_ready(&owner->registry);

	if (entry == NULL)
		return NULL;
	stream_renew_route(H2O_STRUCT_FROM_MEMBER(Stream, entry, entry));
	return H2O_STRUCT_FROM_MEMBER(Stream, entry, entry);
}

/* A stream that opens, or whose batch failed, has a query of its own, so that an error is reported to the client whose
 * it is. */
static bool
stream_syncs_alone(const Stream *stream)
{
	return stream->state == STREAM_OPENING || stream->is_alone;
}

/* Wake-ups come from the primary, so a replica may not have what caused them yet. */
static void
batch_start(StreamOwner *owner, Stream *stream)
{
	static const SyncBatchEvents events = { on_row, on_error, on_timeout, on_end };
	SyncBatch *batch = sync_batch_create(stream->request->route, &events, owner);
	bool is_alone = stream_syncs_alone(stream);

	owner->syncing++;
	do
	{
		registry_take_ready(&owner->registry);
		stream_join(stream, batch);
		stream = first_ready(owner);
	} while (!is_alone && stream != NULL && !stream_syncs_alone(stream) &&
			 sync_batch_takes(batch, stream->request->route));
	sync_batch_submit(batch, owner->worker->pools[METRICS_READ]);
}

void
streams_sync(StreamOwner *owner)
{
	Stream *stream;

	/* A query that fails at once calls this again. */
	if (owner->is_starting)
		return;
	owner->is_starting = true;
	while ((stream = first_ready(owner)) != NULL &&
		   owner->syncing < (stream->state == STREAM_OPENING ? OPENINGS_MAX : SYNCS_MAX))
		batch_start(owner, stream);
	owner->is_starting = false;
}

/* ----- from outside ----- */

void
stream_wake(Stream *stream, uint64_t since_us)
{
	metrics_count(stream->owner->worker->metrics, METRICS_STREAM_WAKEUPS);
	stream->is_dirty = true;
	stream->is_late = false;
	if (stream->woken_at_us == 0)
		stream->woken_at_us = since_us;
	stream_wants_sync(stream);
}

void
stream_end_within(Stream *stream, MetricsStreamEnd reason, uint64_t within_us)
{
	uint64_t at_us = db_now_us() + random_below(within_us + 1);

	if (stream->ends_at_us <= at_us)
		return;
	stream->ends_at_us = at_us;
	stream->ends_for = reason;
}

static void
stream_beat(Stream *stream)
{
	Metrics *metrics = stream->owner->worker->metrics;

	metrics_count(metrics, METRICS_STREAM_HEARTBEATS);
	if (stream->is_late && atomic_load(stream->owner->answers) - stream->late_after >= LATE_ANSWERS)
	{
		metrics_count(metrics, METRICS_STREAM_FOUND_LATE);
		stream->is_late = false;
	}
	if (++stream->heartbeats % INSURANCE_HEARTBEATS == 0)
		stream->is_insurance = true;
	if (stream->has_moved)
		event_write(&stream->out, stream->cursor, NULL, 0);
	else
		event_write_comment(&stream->out);
	stream->has_moved = false;
	stream_send(stream, H2O_SEND_STATE_IN_PROGRESS);
}

/* Returns whether the current routes still allow the client to have the stream. */
static bool
stream_has_route(const Stream *stream)
{
	const Request *request = stream->request;
	const Router *router = request->worker->router;
	const RouteSet *routes = router == request->router ? NULL : router_match(router, &request->path);
	const Route *route = routes == NULL ? NULL : routes->by_method[METHOD_GET];

	if (router == request->router || !router->is_complete)
		return true;
	return route != NULL && route->streams && access_decide(route, &request->path, &request->caller) == ACCESS_ALLOWED;
}

void
stream_check(Stream *stream, uint64_t now_us)
{
	const Config *config = stream->owner->worker->config;

	if (stream->state == STREAM_WRITING && now_us > stream->changed_at_us + (uint64_t) config->send_timeout_ms * 1000)
	{
		stream->end = METRICS_STREAM_SLOW;
		shutdown(h2o_socket_get_fd(stream->request->client->socket), SHUT_RDWR);
		return;
	}
	if (stream->is_unwatched && stream->end == METRICS_STREAM_OPEN &&
		(poll_socket(stream->request->client->socket) & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
		stream_lose_client(stream);
	if (!stream_has_route(stream))
		stream_end_within(stream, METRICS_STREAM_GONE, 0);
	if (stream->end == METRICS_STREAM_OPEN && now_us >= stream->ends_at_us)
		stream_end(stream, stream->ends_for);
	if (stream->state != STREAM_IDLE)
		return;
	if (stream->retry_at_us != 0 && now_us >= stream->retry_at_us)
	{
		stream->retry_at_us = 0;
		stream_wants_sync(stream);
	}
	else if (now_us >= stream->heartbeat_at_us && !h2o_linklist_is_linked(&stream->entry.ready))
		stream_beat(stream);
}

/* ----- beginning and end ----- */

static void
log_end(const Stream *stream)
{
	log_info("event=stream id=%s route=%s reason=%s events=%zu bytes=%zu seconds=%.1f", stream->request->id,
			 stream->request->route->path, metrics_stream_end_name(stream->end), stream->events, stream->request->bytes,
			 (double) (db_now_us() - stream->request->started_at_us) / 1e6);
}

static void
on_dispose(void *data)
{
	Stream *stream = data;

	stream_enter(stream, STREAM_ENDING);
	stream_leave_batch(stream);
	registry_remove(&stream->owner->registry, &stream->entry);
	if (stream->is_counted)
		user_count_remove(stream->owner->users, stream->entry.user_id);
	if (stream->request->status == 200 && !stream->request->head)
	{
		if (stream->end == METRICS_STREAM_OPEN)
			stream->end = METRICS_STREAM_CLIENT;
		metrics_count_stream_end(stream->owner->worker->metrics, stream->end);
		if (stream->owner->worker->config->log_requests)
			log_end(stream);
	}
	stream->request->client->guest = NULL;
	buffer_dispose(&stream->out);
	free(stream->cursor);
	streams_sync(stream->owner);
}

/* Returns whom a stream follows: the user in its path, or else the operator. */
static int64_t
followed_user(const Request *request)
{
	const char *id = statement_value(request->route, &request->statement, "user_id");

	return id == NULL ? 0 : atoll(id);
}

/* Returns the cursor to continue from. What the client received last takes precedence over what it originally asked
 * for. */
static char *
given_cursor(const Request *request)
{
	h2o_iovec_t last = request_header(request->http, "last-event-id");
	const char *cursor = statement_value(request->route, &request->statement, "cursor");

	if (last.len > 0)
		return strndup(last.base, last.len);
	return cursor == NULL ? NULL : strdup(cursor);
}

void
stream_open(StreamOwner *owner, Request *request)
{
	const Config *config = owner->worker->config;
	Stream *stream = h2o_mem_alloc_shared(&request->http->pool, sizeof(*stream), on_dispose);
	uint64_t age_us = (uint64_t) config->stream_age_ms * 1000;
	uint64_t token_us = UINT64_MAX;

	*stream = (Stream){ .owner = owner, .request = request, .cursor = given_cursor(request) };
	request->is_stream = true;
	registry_add(&owner->registry, &stream->entry, followed_user(request));
	stream->is_counted = stream->entry.user_id != 0 &&
						 user_count_add(owner->users, stream->entry.user_id, (unsigned) config->stream_limit);
	if (stream->entry.user_id != 0 && !stream->is_counted)
	{
		Problem problem = problem_make(429, "Too many streams.");

		stream_refuse(stream, &problem);
		return;
	}
	if (request->caller.expires_at > 0)
		token_us = db_now_us() + (uint64_t) (request->caller.expires_at > time(NULL)
												 ? (request->caller.expires_at - time(NULL)) * 1000000
												 : 0);
	stream->ends_at_us = db_now_us() + age_us - age_us / 10 + random_below(age_us / 5 + 1);
	stream->ends_for = METRICS_STREAM_AGE;
	if (token_us < stream->ends_at_us)
	{
		stream->ends_at_us = token_us;
		stream->ends_for = METRICS_STREAM_TOKEN;
	}
	registry_make_ready(&owner->registry, &stream->entry);
	streams_sync(owner);
}
