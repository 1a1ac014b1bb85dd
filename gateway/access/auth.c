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
is_own_path(const Route *route, const Path *path, const Caller *caller)
{
	for (size_t i = 0; i < route->parameter_count; i++)
	{
		const Parameter *parameter = &route->parameters[i];

		if (parameter->source == SOURCE_PATH && strcmp(parameter->name, "user_id") == 0)
		{
			const PathSegment *segment = &path->segments[parameter->segment];
			intmax_t id;

			/* Digits alone, as a bigint is written. */
			if (segment->length == 0 || strspn(segment->text, "0123456789") != segment->length)
				return false;
			errno = 0;
			id = strtoimax(segment->text, NULL, 10);
			return errno == 0 && id > 0 && id == caller->user_id;
		}
	}
	return false;
}

AuthDecision
auth_decide(const Route *route, const Path *path, const Caller *caller)
{
	if (route->auth == AUTH_NONE || route->auth == AUTH_APPLICATION || caller->is_operator)
		return AUTH_ALLOWED;
	if (!caller->is_authenticated)
		return AUTH_UNAUTHENTICATED;
	return route->auth == AUTH_USER && is_own_path(route, path, caller) ? AUTH_ALLOWED : AUTH_FORBIDDEN;
}

bool
auth_bearer(const char *header, size_t length, const char **token, size_t *token_length)
{
	if (length < 8 || strncasecmp(header, "Bearer ", 7) != 0)
		return false;
	*token = header + 7;
	*token_length = length - 7;
	while (*token_length > 0 && **token == ' ')
		(*token)++, (*token_length)--;
	return *token_length > 0;
}
