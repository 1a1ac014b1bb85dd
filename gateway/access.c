/*
 * access: identifies the caller by the token, and asks auth and the rate limit. Tokens and addresses never reach the
 * log.
 */
#include "access.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auth.h"
#include "reply.h"

/* Sets the caller: by the token, or the operator where there is no key. False if there is a token that is not good. */
static bool
identify(Request *request)
{
	Worker *worker = request->worker;
	h2o_iovec_t header = request_header(request->http, "authorization");
	const char *token;
	size_t length;

	if (worker->keys == NULL)
		request->caller.is_operator = true;
	else if (header.base != NULL && auth_bearer(header.base, header.len, &token, &length))
		return token_verify(worker->tokens, worker->keys, token, length, time(NULL), &request->caller);
	return true;
}

static void
reply_unauthenticated(Request *request, bool has_bad_token)
{
	static const char missing[] = "Bearer realm=\"parley\"";
	static const char invalid[] = "Bearer realm=\"parley\", error=\"invalid_token\"";
	const char *challenge = has_bad_token ? invalid : missing;

	reply_header(request, "www-authenticate", challenge, strlen(challenge));
	reply_error(request, 401, has_bad_token ? "The token is not valid, or not any more." : "This needs a token.");
}

bool
access_authorize(Request *request)
{
	if (!identify(request))
	{
		reply_unauthenticated(request, true);
		return false;
	}
	switch (auth_decide(request->route, &request->path, &request->caller))
	{
		case AUTH_ALLOWED:
			return true;
		case AUTH_UNAUTHENTICATED:
			reply_unauthenticated(request, false);
			return false;
		case AUTH_FORBIDDEN:
			break;
	}
	reply_error(request, 403, "This is not yours.");
	return false;
}

/* The address that the request comes from: the peer's, or the one that its proxy names. */
static AddressKey
find_address(const Request *request)
{
	struct sockaddr_storage named;
	h2o_iovec_t header = { 0 };

	if (request->client->is_proxy)
		header = request_joined_header(request->http, "x-forwarded-for");
	if (header.len > 0 && proxies_find_client(request->worker->shared->proxies, header.base, header.len, &named))
		return address_key((struct sockaddr *) &named);
	return request->client->address;
}

/* Who is limited: the user, or else the application, or else the address. */
static size_t
write_client_name(const Request *request, char name[80])
{
	AddressKey address;

	for (size_t i = 0; i < request->route->parameter_count && request->route->auth == AUTH_APPLICATION; i++)
	{
		const Parameter *parameter = &request->route->parameters[i];

		if (parameter->source == SOURCE_PATH && strcmp(parameter->name, "token") == 0)
			return (size_t) snprintf(name, 80, "a%.64s", request->path.segments[parameter->segment].text);
	}
	if (request->caller.user_id > 0)
		return (size_t) snprintf(name, 80, "u%jd", (intmax_t) request->caller.user_id);
	address = find_address(request);
	name[0] = '@';
	memcpy(name + 1, address.bytes, ADDRESS_KEY_LENGTH);
	return 1 + ADDRESS_KEY_LENGTH;
}

static void
add_number_header(Request *request, const char *name, unsigned number)
{
	char text[16];

	reply_header(request, name, text, (size_t) snprintf(text, sizeof(text), "%u", number));
}

bool
access_check_rate(Request *request)
{
	RateLimit *limit = request->worker->shared->rate_limit;
	char client[80];
	RateVerdict verdict;
	Problem problem;

	if (limit == NULL || (request->caller.is_operator && request->worker->keys != NULL))
		return true;
	verdict = rate_limit_take(limit, client, write_client_name(request, client), db_now_us());
	add_number_header(request, "ratelimit-limit", (unsigned) request->worker->config->rate_burst);
	add_number_header(request, "ratelimit-remaining", verdict.remaining);
	add_number_header(request, "ratelimit-reset", verdict.reset_s);
	if (verdict.allowed)
		return true;
	problem = problem_make(429, "Too many requests.");
	problem.retry_after_s = verdict.reset_s;
	reply_problem(request, &problem);
	return false;
}
