/*
 * methods: OPTIONS is one of a path's where --cors-origin is set.
 */
#include "http/methods.h"

#include "http/cors.h"
#include "http/reply.h"

static void
methods_write(const RouteSet *routes, bool with_options, Buffer *out)
{
	for (int method = 0; method < METHOD_COUNT; method++)
		if (routes->by_method[method] != NULL)
			buffer_printf(out, "%s%s%s", out->length == 0 ? "" : ", ", route_method_name((HttpMethod) method),
						  method == METHOD_GET ? ", HEAD" : "");
	if (with_options)
		buffer_append_text(out, ", OPTIONS");
}

void
methods_reply_not_allowed(Request *request, const RouteSet *routes)
{
	Buffer allow = { 0 };

	methods_write(routes, request->worker->config->cors_origin[0] != '\0', &allow);
	reply_header(request, "allow", allow.base, allow.length);
	buffer_dispose(&allow);
	reply_error(request, 405, "Method not allowed.");
}

void
methods_reply_options(Request *request, const RouteSet *routes)
{
	Buffer methods = { 0 };
	Buffer body = { 0 };

	if (routes == NULL)
		buffer_append_text(&methods, "GET, HEAD, POST, PUT, DELETE, OPTIONS");
	else
		methods_write(routes, true, &methods);
	reply_header(request, "allow", methods.base, methods.length);
	if (request->is_cross_origin)
		cors_add_preflight_headers(request->http, methods.base, methods.length);
	buffer_dispose(&methods);
	reply_body(request, 204, NULL, &body);
}
