/*
 * cors: what pages of other origins may do. Credentials are bearer tokens, never cookies, so none are allowed to be
 * sent along.
 */
#include "http/cors.h"

#include <string.h>

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

static void
cors_add_header(h2o_req_t *http, const char *name, const char *value, size_t length)
{
	h2o_add_header_by_str(&http->pool, &http->res.headers, name, strlen(name), 1, NULL,
						  h2o_strdup(&http->pool, value, length).base, length);
}

bool
cors_add_headers(h2o_req_t *http, const char *origins)
{
	bool is_any = strcmp(origins, "*") == 0;
	ssize_t place = h2o_find_header_by_str(&http->headers, H2O_STRLIT("origin"), -1);
	h2o_iovec_t origin = place < 0 ? h2o_iovec_init(NULL, 0) : http->headers.entries[place].value;

	if (origins[0] == '\0')
		return false;
	if (!is_any)
		cors_add_header(http, "vary", "Origin", 6);
	if (origin.base == NULL || !(is_any || is_listed(origins, origin)))
		return false;
	if (is_any)
		origin = h2o_iovec_init(H2O_STRLIT("*"));
	cors_add_header(http, "access-control-allow-origin", origin.base, origin.len);
	cors_add_header(http, "access-control-expose-headers", exposed, sizeof(exposed) - 1);
	return true;
}

void
cors_add_preflight_headers(h2o_req_t *http, const char *methods, size_t length)
{
	cors_add_header(http, "access-control-allow-methods", methods, length);
	cors_add_header(http, "access-control-allow-headers", allowed_headers, sizeof(allowed_headers) - 1);
	cors_add_header(http, "access-control-max-age", "600", 3);
}
