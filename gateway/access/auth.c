/*
 * auth: whether the route's row lets the caller in.
 */
#include "access/auth.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* Whether the path's {user_id} is the caller. */
static bool
path_is_own(const Route *route, const Path *path, const Caller *caller)
{
	const Parameter *parameter = route_parameter(route, "user_id");
	const PathSegment *segment;
	intmax_t id;

	if (parameter == NULL || parameter->source != SOURCE_PATH)
		return false;
	/* Digits alone, as a bigint is written. */
	segment = &path->segments[parameter->segment];
	if (segment->length == 0 || strspn(segment->text, "0123456789") != segment->length)
		return false;
	errno = 0;
	id = strtoimax(segment->text, NULL, 10);
	return errno == 0 && id > 0 && id == caller->user_id;
}

AuthDecision
auth_decide(const Route *route, const Path *path, const Caller *caller)
{
	if (route->auth == AUTH_NONE || route->auth == AUTH_APPLICATION || caller->is_operator)
		return AUTH_ALLOWED;
	if (!caller->is_authenticated)
		return AUTH_UNAUTHENTICATED;
	return route->auth == AUTH_USER && path_is_own(route, path, caller) ? AUTH_ALLOWED : AUTH_FORBIDDEN;
}

bool
auth_bearer(const char *header, size_t length, const char **token, size_t *token_length)
{
	if (length < 8 || strncasecmp(header, "Bearer ", 7) != 0)
		return false;
	*token = header + 7;
	*token_length = length - 7;
	for (; *token_length > 0 && **token == ' '; (*token_length)--)
		(*token)++;
	return *token_length > 0;
}
