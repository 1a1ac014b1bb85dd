/*
 * request: one HTTP request: identified, matched, bound, run, answered.
 */
#include "http/request.h"

#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/access.h"
#include "http/cors.h"
#include "http/judge.h"
#include "base/log.h"
#include "http/outcome.h"
#include "http/reply.h"

h2o_iovec_t
request_raw_path(const h2o_req_t *http)
{
	return h2o_iovec_init(http->path.base, http->query_at == SIZE_MAX ? http->path.len : http->query_at);
}

h2o_iovec_t
request_raw_query(const h2o_req_t *http)
{
	if (http->query_at == SIZE_MAX)
		return h2o_iovec_init("", 0);
	return h2o_iovec_init(http->path.base + http->query_at + 1, http->path.len - http->query_at - 1);
}

h2o_iovec_t
request_header(const h2o_req_t *http, const char *name)
{
	ssize_t place = h2o_find_header_by_str(&http->headers, name, strlen(name), -1);

	return place < 0 ? h2o_iovec_init(NULL, 0) : http->headers.entries[place].value;
}

h2o_iovec_t
request_joined_header(h2o_req_t *http, const char *name)
{
	h2o_iovec_t joined = { 0 };
	ssize_t place = -1;

	while ((place = h2o_find_header_by_str(&http->headers, name, strlen(name), place)) >= 0)
	{
		h2o_iovec_t value = http->headers.entries[place].value;

		joined = joined.base == NULL ? value : h2o_concat(&http->pool, joined, h2o_iovec_init(",", 1), value);
	}
	return joined;
}

void
request_make_id(h2o_req_t *http, char *out)
{
	Worker *worker = request_worker(http);
	h2o_iovec_t given = request_header(http, "x-request-id");
	bool sane = given.len > 0 && given.len <= REQUEST_ID_LENGTH_MAX;

	for (size_t i = 0; i < given.len && sane; i++)
		sane = isalnum((unsigned char) given.base[i]) || strchr("-_.:", given.base[i]) != NULL;
	if (sane)
		snprintf(out, REQUEST_ID_LENGTH_MAX + 1, "%.*s", (int) given.len, given.base);
	else
		snprintf(out, REQUEST_ID_LENGTH_MAX + 1, "%016jx%08jx", (uintmax_t) worker->request_prefix,
				 (uintmax_t) ++worker->request_count);
}

static void
write_log_line(const Request *request)
{
	uint64_t now_us = db_now_us();
	char method[16];
	h2o_iovec_t name = request->http->input.method;

	snprintf(method, sizeof(method), "%.*s", (int) name.len, name.base);
	for (char *at = method; *at != '\0'; at++)
		if (!isupper((unsigned char) *at))
			*at = '?';
	log_info("event=request id=%s method=%s route=%s status=%d rows=%zu bytes=%zu total_us=%ju database_us=%ju",
			 request->id, method, request->route == NULL ? "-" : request->route->path,
			 request->status == 0 ? 499 : request->status, request->rows, request->bytes,
			 (uintmax_t) (now_us - request->started_at_us),
			 (uintmax_t) (request->query == NULL || request->query->finished_at_us == 0
							  ? 0
							  : request->query->finished_at_us - request->query->submitted_at_us));
}

/* The answer is sent, or the client has gone. */
static void
on_dispose(void *data)
{
	Request *request = data;
	Worker *worker = request->worker;

	metrics_count_request(worker->metrics, request->route == NULL ? 0 : request->route->metrics_series,
						  request->status == 0 ? 499 : request->status, db_now_us() - request->started_at_us);
	if (worker->config->log_requests)
		write_log_line(request);
	if (request->query != NULL)
		db_query_abandon(request->query);
	request->client->requests--;
	request->client->sending_since_us = 0;
	request->client->idle_since_us = db_now_us();
	router_release(request->router);
}

static Request *
create(h2o_req_t *http)
{
	Request *request = h2o_mem_alloc_shared(&http->pool, sizeof(*request), on_dispose);
	Worker *worker = request_worker(http);

	memset(request, 0, sizeof(*request));
	request->http = http;
	request->worker = worker;
	request->router = router_retain(worker->router);
	request->client = client_of(http->conn);
	request->client->requests++;
	request->head = h2o_memis(http->method.base, http->method.len, H2O_STRLIT("HEAD"));
	request->started_at_us = db_now_us();
	request_make_id(http, request->id);
	return request;
}

Worker *
request_worker(h2o_req_t *http)
{
	return H2O_STRUCT_FROM_MEMBER(Worker, http, http->conn->ctx);
}

static void
reply_not_allowed(Request *request, const RouteSet *routes)
{
	Buffer allow = { 0 };

	cors_write_methods(routes, request->worker->config->cors_origin[0] != '\0', &allow);
	reply_header(request, "allow", allow.base, allow.length);
	buffer_dispose(&allow);
	reply_error(request, 405, "This path does not know that method.");
}

/* The route's method, or METHOD_COUNT if no route can have it. */
static HttpMethod
find_method(const Request *request)
{
	h2o_iovec_t name = request->http->method;

	if (request->head)
		return METHOD_GET;
	for (int method = 0; method < METHOD_COUNT; method++)
		if (h2o_memis(name.base, name.len, route_method_name((HttpMethod) method),
					  strlen(route_method_name((HttpMethod) method))))
			return (HttpMethod) method;
	return METHOD_COUNT;
}

/* How many lines of the raw head begin with the name and a colon. */
static int
count_header_lines(h2o_iovec_t head, const char *name)
{
	size_t length = strlen(name);
	int count = 0;

	for (const char *line = head.base, *end = head.base + head.len; line < end;)
	{
		const char *next = memchr(line, '\n', (size_t) (end - line));

		if (line[0] == '\r' || line[0] == '\n')
			break;
		if ((size_t) (end - line) > length && line[length] == ':' && strncasecmp(line, name, length) == 0)
			count++;
		line = next == NULL ? end : next + 1;
	}
	return count;
}

/*
 * Whether a body's length is said in one way and once. h2o takes these headers out of the request and is content with
 * both, which another server before it may read differently; the raw head is still in the socket's buffer.
 */
static bool
is_length_plain(const h2o_req_t *http)
{
	h2o_socket_t *socket = http->conn->callbacks->get_socket(http->conn);
	h2o_iovec_t head;

	if (http->entity.base == NULL || socket == NULL || socket->input->bytes == NULL)
		return true;
	head = h2o_iovec_init(socket->input->bytes, socket->input->size);
	if (head.len < http->method.len || memcmp(head.base, http->method.base, http->method.len) != 0)
		return true;
	return count_header_lines(head, "content-length") + count_header_lines(head, "transfer-encoding") <= 1;
}

/* http://host/path, which a server must take though only proxies send it, becomes /path. */
static void
strip_authority(h2o_req_t *http)
{
	size_t scheme = h2o_memis(http->path.base, http->path.len < 7 ? 0 : 7, H2O_STRLIT("http://"))    ? 7
					: h2o_memis(http->path.base, http->path.len < 8 ? 0 : 8, H2O_STRLIT("https://")) ? 8
																									 : 0;
	char *path = scheme == 0 ? NULL : memchr(http->path.base + scheme, '/', http->path.len - scheme);

	if (path == NULL)
		return;
	if (http->query_at != SIZE_MAX)
		http->query_at -= (size_t) (path - http->path.base);
	http->path.len -= (size_t) (path - http->path.base);
	http->path.base = path;
}

/* Whether the request is one that HTTP allows to be looked at at all; if not, it is answered. */
static bool
check_framing(Request *request)
{
	h2o_req_t *http = request->http;

	strip_authority(http);
	if (!is_length_plain(http))
	{
		http->http1_is_persistent = 0;
		reply_error(request, 400, "A request has one Content-Length or a Transfer-Encoding, not both.");
	}
	else if (http->path.len > (size_t) request->worker->config->target_limit_bytes)
		reply_error(request, 414, "The path and its query are too long.");
	else if (http->path.len == 0 || http->path.base[0] != '/')
		reply_error(request, 400, "The request target is not a path.");
	else if (http->entity.len > (size_t) request->worker->config->body_limit_bytes)
		reply_error(request, 413, "The body is too large.");
	else
		return true;
	return false;
}

/* With --admin-listen, what the server itself answers is there alone, and nothing else is. */
static bool
is_served_here(const Request *request, const Route *route)
{
	return request->worker->config->admin_listen[0] == '\0' ||
		   request->client->is_admin == (route->built_in != BUILT_IN_NONE);
}

/* The routes at the path, those that are served on this listener; NULL: none, and the request is answered. */
static const RouteSet *
find_routes(Request *request)
{
	h2o_iovec_t raw = request_raw_path(request->http);
	PathResult result = path_parse(raw.base, raw.len, &request->http->pool, &request->path);
	const RouteSet *routes = result == PATH_OK ? router_match(request->router, &request->path) : NULL;

	for (int method = 0; routes != NULL && method < METHOD_COUNT; method++)
	{
		if (routes->by_method[method] != NULL && !is_served_here(request, routes->by_method[method]))
			routes = NULL;
	}
	if (result == PATH_MALFORMED)
		reply_error(request, 400, "The path has a % that two hexadecimal digits do not follow.");
	else if (result == PATH_NOT_UTF8)
		reply_error(request, 400, "The path is not valid UTF-8.");
	else if (routes == NULL && !router_is_complete(request->router))
		reply_error(request, 503, "The routes are not known yet, since the database cannot be reached.");
	else if (routes == NULL)
		reply_error(request, 404, "There is nothing at this path.");
	return routes;
}

/* Sets the route, or answers. */
static bool
find_route(Request *request)
{
	const RouteSet *routes = find_routes(request);
	HttpMethod method = find_method(request);
	h2o_iovec_t name = request->http->method;

	if (routes == NULL)
		return false;
	if (h2o_memis(name.base, name.len, H2O_STRLIT("OPTIONS")) && request->worker->config->cors_origin[0] != '\0')
		cors_reply_options(request, routes);
	else if (method == METHOD_COUNT || routes->by_method[method] == NULL)
		reply_not_allowed(request, routes);
	else
		request->route = routes->by_method[method];
	return request->route != NULL;
}

/* application/json or application/…+json, whatever parameters follow. */
static bool
is_json_type(h2o_iovec_t type)
{
	size_t length = 0;

	while (length < type.len && type.base[length] != ';' && type.base[length] != ' ')
		length++;
	if (length < 12 || !h2o_lcstris(type.base, 12, H2O_STRLIT("application/")))
		return false;
	return h2o_lcstris(type.base + 12, length - 12, H2O_STRLIT("json")) ||
		   (length > 17 && h2o_lcstris(type.base + length - 5, 5, H2O_STRLIT("+json")));
}

static StatementInput
collect_input(Request *request)
{
	h2o_req_t *http = request->http;
	h2o_iovec_t query = request_raw_query(http);
	h2o_iovec_t key = request_header(http, "idempotency-key");
	StatementInput input = { .path = &request->path,
							 .query = query.base,
							 .query_length = query.len,
							 .body = http->entity.base,
							 .body_length = http->entity.len,
							 .caller_role = request->caller.is_operator        ? "operator"
											: request->caller.is_authenticated ? "user"
																			   : NULL };

	if (request->caller.user_id != 0)
	{
		char id[24];
		int length = snprintf(id, sizeof(id), "%jd", (intmax_t) request->caller.user_id);

		input.caller_id = h2o_strdup(&http->pool, id, (size_t) length).base;
	}
	if (key.base != NULL)
	{
		input.idempotency_key = h2o_strdup(&http->pool, key.base, key.len).base;
		input.idempotency_key_length = key.len;
	}
	return input;
}

/* A client that has closed its side while its request waited is taken to have gone. */
static bool
is_client_there(DbQuery *query)
{
	Request *request = query->data;
	h2o_socket_t *socket = request->http->conn->callbacks->get_socket(request->http->conn);
	struct pollfd state = { .fd = socket == NULL ? -1 : h2o_socket_get_fd(socket), .events = POLLRDHUP };

	return poll(&state, 1, 0) <= 0 || (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
}

/* A replica answers reads while there is one. */
static DbPool *
choose_pool(const Request *request)
{
	DbPool *const *pools = request->worker->pools;

	if (request->route->method != METHOD_GET)
		return pools[METRICS_WRITE];
	if (pools[METRICS_REPLICA] != NULL && db_pool_is_ready(pools[METRICS_REPLICA]))
		return pools[METRICS_REPLICA];
	return pools[METRICS_READ];
}

static void
run(Request *request)
{
	const Route *route = request->route;
	DbQuery *query = db_query_create(&route->statement, request->statement.values);

	query->repeatable = route->method == METHOD_GET || request->statement.has_key;
	query->data = request;
	query->on_result = outcome_on_result;
	query->on_error = outcome_on_error;
	query->on_timeout = outcome_on_timeout;
	query->is_wanted = is_client_there;
	request->query = query;
	db_pool_submit(choose_pool(request), query);
}

/* Binds and runs; what is wrong with the request is answered. */
static void
bind_and_run(Request *request)
{
	const Route *route = request->route;
	StatementInput input = collect_input(request);
	Problem problem;

	if (input.body_length > 0 && (route->method == METHOD_POST || route->method == METHOD_PUT) &&
		!is_json_type(request_header(request->http, "content-type")))
		reply_error(request, 415, "The body must be of type application/json.");
	else if (statement_bind(route, &input, &request->http->pool, &request->statement, &problem))
		run(request);
	else if (problem.status == 422 && judge_is_needed(request, false))
		judge_ask(request, &problem, false);
	else
		reply_problem(request, &problem);
}

static void
run_built_in(Request *request)
{
	const Shared *shared = request->worker->shared;
	const char *type = "application/json";
	Buffer body = { 0 };

	switch (request->route->built_in)
	{
		case BUILT_IN_READY:
			if (!shared_is_ready(shared) || !db_pool_is_alive(request->worker->pools[METRICS_READ]) ||
				!db_pool_is_alive(request->worker->pools[METRICS_WRITE]))
			{
				reply_error(request, 503, "The database cannot be reached, or its routes are not known yet.");
				return;
			}
			buffer_append_text(&body, "{\"status\":\"ok\"}");
			break;
		case BUILT_IN_METRICS:
			type = "text/plain; version=0.0.4; charset=utf-8";
			metrics_write(shared->metrics, shared->worker_count, &body);
			break;
		case BUILT_IN_OPENAPI:
			if (router_document(request->router) == NULL)
			{
				reply_error(request, 503, "The routes are not known yet.");
				return;
			}
			buffer_append_text(&body, router_document(request->router));
			break;
		default:
			buffer_append_text(&body, "{\"status\":\"ok\"}");
			break;
	}
	reply_body(request, 200, type, &body);
}

int
request_on_arrival(h2o_handler_t *handler, h2o_req_t *http)
{
	Request *request = create(http);

	(void) handler;
	if (!check_framing(request))
		return 0;
	cors_add_headers(request);
	if (!find_route(request))
		return 0;
	if (request->route->built_in != BUILT_IN_NONE)
		run_built_in(request);
	else if (access_authorize(request) && access_check_rate(request))
		bind_and_run(request);
	return 0;
}
