/*
 * built_in: what the process says of itself, which the database cannot say for it.
 */
#include "http/built_in.h"

#include <string.h>

#include "base/json.h"
#include "config/config.h"
#include "http/reply.h"

/* A database of another version is served what it has; whoever looks after it is told. */
static void
write_readiness(const Router *router, Buffer *body)
{
	const char *extension = router->extension_version;

	buffer_append_text(body, "{\"status\":\"ok\"");
	if (extension[0] != '\0' && strcmp(extension, PARLEY_VERSION) != 0)
	{
		buffer_append_text(body, ",\"extension\":");
		json_write_text(body, extension);
		buffer_append_text(body, ",\"gateway\":\"" PARLEY_VERSION "\"");
	}
	buffer_append_byte(body, '}');
}

void
built_in_answer(Request *request)
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
			write_readiness(request->router, &body);
			break;
		case BUILT_IN_METRICS:
			type = "text/plain; version=0.0.4; charset=utf-8";
			metrics_write(shared->metrics, shared->worker_count, &body);
			break;
		default:
			buffer_append_text(&body, "{\"status\":\"ok\"}");
			break;
	}
	reply_body(request, 200, type, &body);
}
