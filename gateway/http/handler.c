/*
 * handler: the pipeline. Each step answers the request itself when it is its last.
 */
#include "http/handler.h"

#include <stdio.h>
#include <string.h>

#include "access/token.h"
#include "http/access.h"
#include "http/built_in.h"
#include "http/cors.h"
#include "http/execution.h"
#include "http/framing.h"
#include "http/judge.h"
#include "http/methods.h"
#include "http/reply.h"

/* The routes at the path, those that are served on this listener; NULL: none, and the request is answered. */
static const RouteSet *
find_routes(Request *request)
{
	h2o_iovec_t raw = request_raw_path(request->http);
	PathResult result = path_parse(raw.base, raw.len, &request->http->pool, &request->path);
	const RouteSet *routes = result == PATH_OK ? router_match(request->router, &request->path) : NULL;

	/* With --admin-listen, what is internal is there alone, and nothing else is. */
	for (int method = 0; routes != NULL && method < METHOD_COUNT; method++)
	{
		const Route *route = routes->by_method[method];

		if (route != NULL && request->worker->config->admin_listen[0] != '\0' &&
			request->client->is_admin != route->internal)
			routes = NULL;
	}
	if (result == PATH_MALFORMED)
		reply_error(request, 400, "The path has a % that two hexadecimal digits do not follow.");
	else if (result == PATH_NOT_UTF8)
		reply_error(request, 400, "The path is not valid UTF-8.");
	else if (routes == NULL && !request->router->is_complete)
		reply_error(request, 503, "The routes are not known yet because the database cannot be reached.");
	else if (routes == NULL)
		reply_error(request, 404, "Not found.");
	return routes;
}

/* Sets the route, or answers. */
static bool
find_route(Request *request)
{
	const RouteSet *routes = find_routes(request);
	h2o_iovec_t name = request->http->method;
	int method = METHOD_GET;

	if (routes == NULL)
		return false;
	while (!request->head && method < METHOD_COUNT &&
		   !h2o_memis(name.base, name.len, route_method_name((HttpMethod) method),
					  strlen(route_method_name((HttpMethod) method))))
		method++;
	if (h2o_memis(name.base, name.len, H2O_STRLIT("OPTIONS")) && request->worker->config->cors_origin[0] != '\0')
		methods_reply_options(request, routes);
	else if (method == METHOD_COUNT || routes->by_method[method] == NULL)
		methods_reply_not_allowed(request, routes);
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

	if (!request->caller.is_operator && token_keys_have_phone_claim(request->worker->keys))
		input.caller_phone = request->caller.phone;
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

/* Binds the values; what is wrong with them is answered. */
static bool
bind_values(Request *request)
{
	const Route *route = request->route;
	StatementInput input = collect_input(request);
	size_t body_limit = statement_body_limit(route, (size_t) request->worker->config->body_limit_bytes);
	Problem problem;

	if (input.body_length > body_limit)
		reply_error(request, 413, "The body is too large.");
	else if (input.body_length > 0 && (route->method == METHOD_POST || route->method == METHOD_PUT) &&
			 !is_json_type(request_header(request->http, "content-type")))
		reply_error(request, 415, "The body must be application/json.");
	else if (statement_bind(route, &input, &request->http->pool, &request->statement, &problem))
		return true;
	else if (problem.status == 422 && judge_is_needed(request, false))
		judge_ask(request, &problem, false);
	else
		reply_problem(request, &problem);
	return false;
}

int
handler_on_request(h2o_handler_t *handler, h2o_req_t *http)
{
	Request *request = request_create(http);
	const Config *config = request->worker->config;
	FramingLimits limits = { (size_t) config->target_limit_bytes, (size_t) config->body_limit_bytes };
	FramingFault fault = framing_check(http, &limits);

	(void) handler;
	request->is_cross_origin = cors_add_headers(http, config->cors_origin);
	if (fault.status != 0)
	{
		reply_error(request, fault.status, fault.detail);
		return 0;
	}
	if (h2o_memis(http->path.base, http->path.len, H2O_STRLIT("*")))
	{
		methods_reply_options(request, NULL);
		return 0;
	}
	if (!find_route(request))
		return 0;
	if (request->route->built_in != BUILT_IN_NONE)
		built_in_answer(request);
	else if (access_authorize(request) && access_check_rate(request) && bind_values(request))
	{
		if (request->route->streams)
			request->worker->guest->on_request(request->worker->guest_state, request);
		else
			execution_start(request);
	}
	return 0;
}
