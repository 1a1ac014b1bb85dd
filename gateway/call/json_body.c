/*
 * json_body: jansson ends at the first integer that it cannot hold, and does not say whose it is; so the body is then
 * parsed again with all integers as reals, which shows the large ones.
 */
#include "call/json_body.h"

#include <math.h>

static const double bigint_end = 9223372036854775808.0;

static void
json_body_dispose(void *holder)
{
	json_decref(*(json_t **) holder);
}

static const char *
json_complaint(const json_t *json, const json_error_t *error)
{
	if (json != NULL)
		return "The body is not a JSON object.";
	switch (json_error_code(error))
	{
		case json_error_stack_overflow:
			return "The body nests too deeply.";
		case json_error_invalid_utf8:
			return "The body is not valid UTF-8.";
		case json_error_duplicate_key:
			return "The body names a field more than once.";
		case json_error_numeric_overflow:
			return "The body has too large a number.";
		default:
			return "The body is not well-formed JSON.";
	}
}

JsonBody
json_body_parse(const char *text, size_t length, h2o_mem_pool_t *pool)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
	JsonBody body = { 0 };
	json_error_t error;
	json_t *json = json_loadb(text, length, flags, &error);
	json_t **holder;

	if (json == NULL && json_error_code(&error) == json_error_numeric_overflow)
	{
		json = json_loadb(text, length, flags | JSON_DECODE_INT_AS_REAL, &error);
		body.has_large_one = true;
	}
	holder = h2o_mem_alloc_shared(pool, sizeof(*holder), json_body_dispose);
	*holder = json;
	if (json_is_object(json))
		body.object = json;
	else
		body.wrong = json_complaint(json, &error);
	return body;
}

bool
json_body_is_large(const json_t *value)
{
	const char *name;
	json_t *member;
	size_t place;

	if (json_is_real(value))
		return fabs(json_real_value(value)) >= bigint_end;
	json_array_foreach(value, place, member)
	{
		if (json_body_is_large(member))
			return true;
	}
	json_object_foreach((json_t *) value, name, member)
	{
		if (json_body_is_large(member))
			return true;
	}
	return false;
}

json_t *
json_body_integer(const json_t *value, h2o_mem_pool_t *pool)
{
	json_t **holder;

	if (!json_is_real(value) || trunc(json_real_value(value)) != json_real_value(value))
		return NULL;
	holder = h2o_mem_alloc_shared(pool, sizeof(*holder), json_body_dispose);
	return *holder = json_integer((json_int_t) json_real_value(value));
}
