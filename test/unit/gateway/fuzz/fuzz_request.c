/*
 * A fuzz target for all that clients' bytes go through before PostgreSQL: path, query, headers and body, bound to
 * routes that have a parameter of every source and type. An input is lines: the choice of a route, path, query, key,
 * authorization (which is read as X-Forwarded-For too), accept-encoding, and the rest is the body. Beside not crashing,
 * what is bound must be what PostgreSQL takes as text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "access/auth.h"
#include "base/buffer.h"
#include "http/gzip.h"
#include "db/pg_types.h"
#include "access/proxies.h"
#include "base/rfc3339.h"
#include "call/statement.h"
#include "base/utf8.h"

static const char *const short_words[] = { "asc", "desc" };

#define PARAMETER(parameter_name, parameter_source, oid, type_name, ...)                        \
	{                                                                                           \
		.name = parameter_name, .source = parameter_source, .type_oid = oid, .type = type_name, \
		.max_length = SIZE_MAX, __VA_ARGS__                                                     \
	}

#define PARAMETERS(source)                                                                                   \
	PARAMETER("id", SOURCE_PATH, TYPE_BIGINT, "bigint", .segment = 1, .required = true),                     \
		PARAMETER("key", SOURCE_HEADER, TYPE_TEXT, "text", .domain = "x.key"),                               \
		PARAMETER("i", source, TYPE_INTEGER, "integer", .has_minimum = true, .minimum = -5),                 \
		PARAMETER("s", source, TYPE_SMALLINT, "smallint", .has_maximum = true, .maximum = 5),                \
		PARAMETER("b", source, TYPE_BOOLEAN, "boolean", .required = true),                                   \
		PARAMETER("t", source, TYPE_TEXT, "text", .min_length = 1),                                          \
		PARAMETER("w", source, TYPE_TEXT, "text", .one_of = (const char **) short_words, .one_of_count = 2), \
		PARAMETER("at", source, TYPE_TIMESTAMPTZ, "timestamp with time zone", .required = false),            \
		PARAMETER("j", source, TYPE_JSONB, "jsonb", .description = "any JSON"),                              \
		PARAMETER("a", source, TYPE_TEXT_ARRAY, "text[]", .required = false),                                \
		PARAMETER("n", source, 1700, "numeric", .required = false),                                          \
		PARAMETER("caller_id", SOURCE_TOKEN, TYPE_BIGINT, "bigint", .required = false)

static Parameter query_parameters[] = { PARAMETERS(SOURCE_QUERY) };
static Parameter body_parameters[] = { PARAMETERS(SOURCE_BODY) };

enum
{
	PARAMETER_COUNT = sizeof(body_parameters) / sizeof(body_parameters[0])
};

static const Route routes[] = {
	{ .method = METHOD_GET, .auth = AUTH_USER, .parameters = query_parameters, .parameter_count = PARAMETER_COUNT },
	{ .method = METHOD_POST, .auth = AUTH_USER, .parameters = body_parameters, .parameter_count = PARAMETER_COUNT },
	{ .method = METHOD_POST, .auth = AUTH_OPERATOR }
};

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/* Takes a line off the input. */
static h2o_iovec_t
next_line(const char **at, const char *end)
{
	const char *newline = *at < end ? memchr(*at, '\n', (size_t) (end - *at)) : NULL;
	h2o_iovec_t line = h2o_iovec_init(*at, (size_t) ((newline == NULL ? end : newline) - *at));

	*at = newline == NULL ? end : newline + 1;
	return line;
}

static void
check_bound(const Route *route, const Statement *statement)
{
	for (size_t i = 0; i < route->parameter_count; i++)
	{
		const char *value = statement->values[i];

		require(value != NULL || !route->parameters[i].required);
		require(value == NULL || utf8_is_valid(value, strlen(value)));
		if (value != NULL && route->parameters[i].type_oid == TYPE_TIMESTAMPTZ)
			require(rfc3339_is_valid(value));
		if (value != NULL && route->parameters[i].type_oid == TYPE_INTEGER)
			require(atoll(value) >= -5 && atoll(value) <= INT32_MAX);
	}
}

static void
check_refused(const Problem *problem)
{
	Buffer document = { 0 };
	json_t *json;

	require(problem->status == 400 || problem->status == 422);
	problem_write(problem, "id", &document);
	json = json_loadb(document.base, document.length, JSON_ALLOW_NUL, NULL);
	require(json_is_object(json));
	json_decref(json);
	buffer_dispose(&document);
}

static void
bind_request(const Route *route, const char *at, const char *end, const Path *path, h2o_mem_pool_t *pool)
{
	h2o_iovec_t query = next_line(&at, end);
	h2o_iovec_t key = next_line(&at, end);
	h2o_iovec_t authorization = next_line(&at, end);
	h2o_iovec_t encoding = next_line(&at, end);
	StatementInput input = { .path = path,
							 .query = query.base,
							 .query_length = query.len,
							 .idempotency_key = key.len == 0 ? NULL : h2o_strdup(pool, key.base, key.len).base,
							 .idempotency_key_length = key.len,
							 .body = at,
							 .body_length = (size_t) (end - at),
							 .caller_id = "7" };
	static Proxies *proxies;
	struct sockaddr_storage client;
	Statement statement;
	Problem problem;
	const char *token;
	size_t token_length;

	if (proxies == NULL)
		proxies = proxies_read("10.0.0.0/8,fd00::/8,unix", (char[128]){ 0 }, 128);
	if (auth_bearer(authorization.base, authorization.len, &token, &token_length))
		require(token + token_length <= authorization.base + authorization.len);
	proxies_find_client(proxies, authorization.base, authorization.len, &client);
	gzip_is_accepted(encoding.base, encoding.len);
	if (statement_bind(route, &input, pool, &statement, &problem))
		check_bound(route, &statement);
	else
		check_refused(&problem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const char *at = (const char *) bytes;
	const char *end = at + length;
	h2o_iovec_t choice = next_line(&at, end);
	h2o_iovec_t raw = next_line(&at, end);
	const Route *route = &routes[choice.len == 0 ? 0 : (unsigned char) choice.base[0] % 3];
	const Caller caller = { .is_authenticated = true, .user_id = 7 };
	h2o_mem_pool_t pool;
	Path path;

	h2o_mem_init_pool(&pool);
	if (raw.len > 0 && raw.base[0] == '/' && path_parse(raw.base, raw.len, &pool, &path) == PATH_OK && path.count >= 2)
	{
		auth_decide(route, &path, &caller);
		bind_request(route, at, end, &path, &pool);
	}
	h2o_mem_clear_pool(&pool);
	return 0;
}
