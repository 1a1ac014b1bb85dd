/*
 * access: identifies the caller by the token, and decides according to the route's row and the rate limit. Tokens and
 * addresses never reach the log.
 */
#include "http/access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "http/reply.h"

enum
{
	CLIENT_NAME_MAX = 80
};

/* Returns whether the path's {user_id} is the caller. */
static bool
path_is_own(const Route *route, const Path *path, const Caller *caller)
{
	const Parameter *parameter = route_parameter(route, "user_id");
	const PathSegment *segment;
	intmax_t id;

	if (parameter == NULL || parameter->source != SOURCE_PATH)
		return false;
	/* Accept only digits, as in the text of a bigint. */
	segment = &path->segments[parameter->segment];
	if (segment->length == 0 || strspn(segment->text, "0123456789") != segment->length)
		return false;
	errno = 0;
	id = strtoimax(segment->text, NULL, 10);
	return errno == 0 && id > 0 && id == caller->user_id;
}

AccessDecision
access_decide(const Route *route, const Path *path, const Caller *caller)
{
	if (route->auth == AUTH_NONE || route->auth == AUTH_APPLICATION || caller->is_operator)
		return ACCESS_ALLOWED;
	if (!caller->is_authenticated)
		return ACCESS_UNAUTHENTICATED;
	return route->auth == AUTH_USER && path_is_own(route, path, caller) ? ACCESS_ALLOWED : ACCESS_FORBIDDEN;
}

bool
access_bearer(const char *header, size_t length, const char **token, size_t *token_length)
{
	if (length < 8 || strncasecmp(header, "Bearer ", 7) != 0)
		return false;
	*token = header + 7;
	*token_length = length - 7;
	for (; *token_length > 0 && **token == ' '; (*token_length)--)
		(*token)++;
	return *token_length > 0;
}

/* Returns whether the host is one that a page of another site cannot have pointed to this server: localhost, a name
 * without a dot, an address, or a name in --listen. */
static bool
request_is_for_own_host(const Request *request)
{
	h2o_iovec_t authority = request->http->authority;
	unsigned char address[sizeof(struct in6_addr)];
	h2o_iovec_t host;
	uint16_t port;
	char text[64];

	if (h2o_url_parse_hostport(authority.base, authority.len, &host, &port) == NULL || host.len >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int) host.len, host.base);
	return (strpbrk(text, ".:") == NULL && host.len > 0) || inet_pton(AF_INET, text, address) == 1 ||
		   inet_pton(AF_INET6, text, address) == 1 ||
		   memmem(request->worker->config->listen, strlen(request->worker->config->listen), authority.base,
				  authority.len) != NULL;
}

/* Returns whether the browser says that this was sent by a page of another site which --cors-origin does not list. */
static bool
request_is_cross_site(const Request *request)
{
	h2o_iovec_t site = request_header(request->http, "sec-fetch-site");
	h2o_iovec_t origin = request_header(request->http, "origin");
	h2o_iovec_t authority = request->http->authority;

	if (request->is_cross_origin)
		return false;
	if (site.base != NULL && !h2o_memis(site.base, site.len, H2O_STRLIT("same-origin")) &&
		!h2o_memis(site.base, site.len, H2O_STRLIT("none")))
		return true;
	return origin.base != NULL &&
		   (origin.len <= authority.len ||
			memcmp(origin.base + origin.len - authority.len, authority.base, authority.len) != 0 ||
			origin.base[origin.len - authority.len - 1] != '/');
}

static void
reply_unauthenticated(Request *request, bool has_bad_token)
{
	const char *challenge =
		has_bad_token ? "Bearer realm=\"parley\", error=\"invalid_token\"" : "Bearer realm=\"parley\"";

	reply_header(request, "www-authenticate", challenge, strlen(challenge));
	reply_error(request, 401, has_bad_token ? "The token is invalid or has expired." : "Authentication is required.");
}

bool
access_authorize(Request *request)
{
	Worker *worker = request->worker;
	h2o_iovec_t header = request_header(request->http, "authorization");
	TokenVerdict verdict = TOKEN_GOOD; /* no token is fine if none is needed */
	AccessDecision decision;
	const char *token;
	size_t length;

	if (worker->keys == NULL && request->route->auth != AUTH_NONE &&
		(!request_is_for_own_host(request) || request_is_cross_site(request)))
	{
		reply_error(request, 403, "Without a key, requests for another host or from another site are refused.");
		return false;
	}
	if (worker->keys == NULL)
		request->caller.is_operator = true;
	else if (header.base != NULL && access_bearer(header.base, header.len, &token, &length))
		verdict = token_verify(worker->tokens, worker->keys, token, length, time(NULL), &request->caller);
	if (verdict == TOKEN_BAD)
		reply_unauthenticated(request, true);
	else if (verdict == TOKEN_NOT_EXAMINED)
		reply_error(request, 429, "Too many invalid tokens.");
	if (verdict != TOKEN_GOOD)
		return false;
	decision = access_decide(request->route, &request->path, &request->caller);
	if (decision == ACCESS_UNAUTHENTICATED)
		reply_unauthenticated(request, false);
	else if (decision == ACCESS_FORBIDDEN)
		reply_error(request, 403, "You do not have access to this resource.");
	return decision == ACCESS_ALLOWED;
}

bool
access_check_rate(Request *request)
{
	RateLimit *limit = request->worker->shared->rate_limit;
	const Parameter *token = route_parameter(request->route, "token");
	char name[CLIENT_NAME_MAX];
	RateVerdict verdict;
	Problem problem;

	if (limit == NULL || (request->caller.is_operator && request->worker->keys != NULL))
		return true;
	/* Limit the application, or else the user. */
	if (request->route->auth == AUTH_APPLICATION && token != NULL && token->source == SOURCE_PATH)
		snprintf(name, sizeof(name), "a%.64s", request->path.segments[token->segment].text);
	else if (request->caller.user_id != 0)
		snprintf(name, sizeof(name), "u%jd", (intmax_t) request->caller.user_id);
	else
		return true;
	verdict = rate_limit_take(limit, name, strlen(name), db_now_us());
	for (size_t i = 0; i < 3; i++)
	{
		static const char *const headers[] = { "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset" };
		const unsigned numbers[] = { (unsigned) request->worker->config->rate_burst, verdict.remaining,
									 verdict.reset_s };
		char number[16];

		reply_header(request, headers[i], number, (size_t) snprintf(number, sizeof(number), "%u", numbers[i]));
	}
	if (verdict.allowed)
		return true;
	problem = problem_make(429, "Too many requests.");
	problem.retry_after_s = verdict.reset_s;
	reply_problem(request, &problem);
	return false;
}
