/*
 * handler: the pipeline. A step that is the request's last sends the response itself.
 */
#include "http/handler.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "http/access.h"
#include "http/execution.h"
#include "http/framing.h"
#include "http/reply.h"

/* ----- what the process says of itself, which the database cannot say for it ----- */

static void
built_in_answer(Request *request)
{
	const Shared *shared = request->worker->shared;
	DbPool *const *pools = request->worker->pools;
	const char *extension = request->router->extension_version;
	Buffer body = { 0 };

	if (request->route->built_in == BUILT_IN_METRICS)
	{
		metrics_write(shared->metrics, shared->worker_count, &body);
		reply_body(request, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
		return;
	}
	/* The gateway is ready if the routes are known, every worker has connections to read and to write, and those of
	 * this worker are alive. */
	if (request->route->built_in == BUILT_IN_READY &&
		!(atomic_load(&shared->has_routes) && atomic_load(&shared->pools_ready) == 2 * shared->worker_count &&
		  db_pool_is_alive(pools[METRICS_READ]) && db_pool_is_alive(pools[METRICS_WRITE])))
	{
		reply_error(request, 503, "The database cannot be reached, or its routes are not known yet.");
		return;
	}
	buffer_append_text(&body, "{\"status\":\"ok\"");
	/* A database of another version is served as it is. Operators are told. */
	if (request->route->built_in == BUILT_IN_READY && extension[0] != '\0' && strcmp(extension, PARLEY_VERSION) != 0)
	{
		buffer_append_text(&body, ",\"extension\":");
		json_write_text(&body, extension);
		buffer_append_text(&body, ",\"gateway\":\"" PARLEY_VERSION "\"");
	}
	buffer_append_byte(&body, '}');
	reply_body(request, 200, "application/json", &body);
}

/* ----- the route ----- */

/* Responds with 405, or to OPTIONS on a path with these routes. NULL is for OPTIONS *, that is, the server as a whole.
 * OPTIONS is one of the methods of a path if --cors-origin is set. */
static void
methods_answer(Request *request, const RouteSet *routes, bool is_options)
{
	static const char allowed_headers[] = "Authorization, Content-Type, Idempotency-Key, X-Request-Id";
	Buffer allow = { 0 };
	Buffer body = { 0 };

	for (int method = 0; routes != NULL && method < METHOD_COUNT; method++)
		if (routes->by_method[method] != NULL)
			buffer_printf(&allow, "%s%s%s", allow.length == 0 ? "" : ", ", route_method_name((HttpMethod) method),
						  method == METHOD_GET ? ", HEAD" : "");
	if (routes == NULL)
		buffer_append_text(&allow, "GET, HEAD, POST, PUT, DELETE, OPTIONS");
	else if (request->worker->config->cors_origin[0] != '\0')
		buffer_append_text(&allow, ", OPTIONS");
	reply_header(request, "allow", allow.base, allow.length);
	if (is_options && request->is_cross_origin)
	{
		reply_header(request, "access-control-allow-methods", allow.base, allow.length);
		reply_header(request, "access-control-allow-headers", allowed_headers, sizeof(allowed_headers) - 1);
		reply_header(request, "access-control-max-age", "600", 3);
	}
	buffer_dispose(&allow);
	if (is_options)
		reply_body(request, 204, NULL, &body);
	else
		reply_error(request, 405, "Method not allowed.");
}

/* Returns the routes of the path that are served on this listener. Returns NULL if there are none and the response was
 * sent. */
static const RouteSet *
routes_find(Request *request)
{
	h2o_iovec_t raw = request_raw_path(request->http);
	UriResult result = path_parse(raw.base, raw.len, &request->http->pool, &request->path);
	const RouteSet *routes = result == URI_OK ? router_match(request->router, &request->path) : NULL;

	/* With --admin-listen, internal routes are served only there, and nothing else is. */
	for (int method = 0; routes != NULL && method < METHOD_COUNT; method++)
	{
		const Route *route = routes->by_method[method];

		if (route != NULL && request->worker->config->admin_listen[0] != '\0' &&
			request->client->is_admin != route->internal)
			routes = NULL;
	}
	if (result == URI_MALFORMED)
		reply_error(request, 400, "The path contains a % that is not followed by two hexadecimal digits.");
	else if (result == URI_NOT_UTF8)
		reply_error(request, 400, "The path is not valid UTF-8.");
	else if (routes == NULL && !request->router->is_complete)
		reply_error(request, 503, "The routes are not known yet because the database cannot be reached.");
	else if (routes == NULL)
		reply_error(request, 404, "Not found.");
	return routes;
}

/* Sets the route, or sends a response. */
static bool
route_find(Request *request)
{
	const RouteSet *routes = routes_find(request);
	h2o_iovec_t name = request->http->method;
	int method = METHOD_GET;

	if (routes == NULL)
		return false;
	while (!request->head && method < METHOD_COUNT &&
		   !h2o_memis(name.base, name.len, route_method_name((HttpMethod) method),
					  strlen(route_method_name((HttpMethod) method))))
		method++;
	if (h2o_memis(name.base, name.len, H2O_STRLIT("OPTIONS")) && request->worker->config->cors_origin[0] != '\0')
		methods_answer(request, routes, true);
	else if (method == METHOD_COUNT || routes->by_method[method] == NULL)
		methods_answer(request, routes, false);
	else
		request->route = routes->by_method[method];
	return request->route != NULL;
}

/* ----- the values ----- */

/* Accepts application/json and application/…+json, whatever parameters follow. */
static bool
type_is_json(h2o_iovec_t type)
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
input_collect(Request *request)
{
	h2o_req_t *http = request->http;
	h2o_iovec_t query = request_raw_query(http);
	h2o_iovec_t key = request_header(http, "idempotency-key");
	StatementInput input = { .path = &request->path,
							 .query = query.base,
							 .query_length = query.len,
							 .body = http->entity.base,
							 .body_length = http->entity.len,
							 .idempotency_key =
								 key.base == NULL ? NULL : h2o_strdup(&http->pool, key.base, key.len).base,
							 .idempotency_key_length = key.len,
							 .caller_role = request->caller.is_operator        ? "operator"
											: request->caller.is_authenticated ? "user"
																			   : NULL };

	if (!request->caller.is_operator && request->worker->keys != NULL &&
		request->worker->config->verified_phone_claim[0] != '\0')
		input.caller_phone = request->caller.phone;
	if (request->caller.user_id != 0)
	{
		char id[24];
		int length = snprintf(id, sizeof(id), "%jd", (intmax_t) request->caller.user_id);

		input.caller_id = h2o_strdup(&http->pool, id, (size_t) length).base;
	}
	return input;
}

/* Binds the values, or responds with what is wrong with them. */
static bool
values_bind(Request *request)
{
	const Route *route = request->route;
	StatementInput input = input_collect(request);
	size_t body_limit = statement_body_limit(route, (size_t) request->worker->config->body_limit_bytes);
	Problem problem;

	if (input.body_length > body_limit)
		reply_error(request, 413, "The body is too large.");
	else if (input.body_length > 0 && (route->method == METHOD_POST || route->method == METHOD_PUT) &&
			 !type_is_json(request_header(request->http, "content-type")))
		reply_error(request, 415, "The body must be application/json.");
	else if (statement_bind(route, &input, &request->http->pool, &request->statement, &problem))
		return true;
	else if (problem.status != 422 || !execution_judge(request, &problem, false))
		reply_problem(request, &problem);
	return false;
}

int
handler_on_request(h2o_handler_t *handler, h2o_req_t *http)
{
	Request *request = request_create(http);
	const Config *config = request->worker->config;
	FramingFault fault = framing_check(http, config);

	(void) handler;
	request->is_cross_origin = reply_cors_headers(http, config->cors_origin);
	if (fault.status != 0)
		reply_error(request, fault.status, fault.detail);
	else if (h2o_memis(http->path.base, http->path.len, H2O_STRLIT("*")))
		methods_answer(request, NULL, true);
	else if (!route_find(request))
		return 0;
	else if (request->route->built_in != BUILT_IN_NONE)
		built_in_answer(request);
	else if (!access_authorize(request) || !access_check_rate(request) || !values_bind(request))
		return 0;
	else if (request->route->streams)
		request->worker->guest->on_request(request->worker->guest_state, request);
	else
		execution_start(request);
	return 0;
}
