/*
 * cors: what pages of other origins may do. Credentials are bearer tokens, never cookies, so none are allowed to be
 * sent along.
 */
#include "http/cors.h"

#include <string.h>

#include "http/reply.h"

static const char exposed[] = "Link, X-Total-Count, X-Request-Id, Idempotency-Replayed, Retry-After, RateLimit-Limit, "
							  "RateLimit-Remaining, RateLimit-Reset";
static const char allowed_headers[] = "Authorization, Content-Type, Idempotency-Key, X-Request-Id";

/* Whether the origin is in the comma-separated list. */
static bool
is_listed(const char *list, h2o_iovec_t origin)
{
	while (*list != '\0')
	{
		size_t length;

		list += strspn(list, ", ");
		length = strcspn(list, ", ");
		if (length == origin.len && memcmp(list, origin.base, length) == 0)
			return true;
		list += length;
	}
	return false;
}

static bool
is_any(const Request *request)
{
	return strcmp(request->worker->config->cors_origin, "*") == 0;
}

void
cors_add_headers(Request *request)
{
	h2o_iovec_t origin = request_header(request->http, "origin");

	if (request->worker->config->cors_origin[0] == '\0')
		return;
	if (!is_any(request))
		reply_header(request, "vary", "Origin", 6);
	if (origin.base == NULL || !(is_any(request) || is_listed(request->worker->config->cors_origin, origin)))
		return;
	if (is_any(request))
		reply_header(request, "access-control-allow-origin", "*", 1);
	else
		reply_header(request, "access-control-allow-origin", origin.base, origin.len);
	reply_header(request, "access-control-expose-headers", exposed, sizeof(exposed) - 1);
	request->is_cross_origin = true;
}

void
cors_write_methods(const RouteSet *routes, bool with_options, Buffer *out)
{
	for (int method = 0; method < METHOD_COUNT; method++)
		if (routes->by_method[method] != NULL)
			buffer_printf(out, "%s%s%s", out->length == 0 ? "" : ", ", route_method_name((HttpMethod) method),
						  method == METHOD_GET ? ", HEAD" : "");
	if (with_options)
		buffer_append_text(out, ", OPTIONS");
}

void
cors_reply_options(Request *request, const RouteSet *routes)
{
	Buffer methods = { 0 };
	Buffer body = { 0 };

	if (routes == NULL)
		buffer_append_text(&methods, "GET, HEAD, POST, PUT, DELETE, OPTIONS");
	else
		cors_write_methods(routes, true, &methods);
	reply_header(request, "allow", methods.base, methods.length);
	if (request->is_cross_origin)
	{
		reply_header(request, "access-control-allow-methods", methods.base, methods.length);
		reply_header(request, "access-control-allow-headers", allowed_headers, sizeof(allowed_headers) - 1);
		reply_header(request, "access-control-max-age", "600", 3);
	}
	buffer_dispose(&methods);
	reply_body(request, 204, NULL, &body);
}
