/*
 * json_body: a request's body as a JSON object, by jansson. It ends at the first number that it cannot hold, and does
 * not say whose it is; so such numbers are then replaced by a string which says so, and the body is parsed again.
 */
#include "call/json_body.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/utf8.h"

enum
{
	JSON_DEPTH_MAX = 64
};

/* No text that a client may send, since it has a NUL in it. */
static const char large_value[] = "\0too large a number";
static const char large_text[] = "\"\\u0000too large a number\"";

/* Whether brackets nest no deeper than JSON_DEPTH_MAX, looked at before anything recursive is. */
static bool
is_shallow(const char *text, size_t length)
{
	int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < length && depth <= JSON_DEPTH_MAX; i++)
	{
		if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
		else if (!in_string && (text[i] == '{' || text[i] == '['))
			depth++;
		else if (!in_string && (text[i] == '}' || text[i] == ']'))
			depth--;
	}
	return depth <= JSON_DEPTH_MAX;
}

/* Whether jansson cannot hold the number, which a NUL or something else that is no part of it follows. */
static bool
is_large_number(const char *number, size_t length)
{
	errno = 0;
	if (memchr(number, '.', length) != NULL || memchr(number, 'e', length) != NULL ||
		memchr(number, 'E', length) != NULL)
		return fabs(strtod(number, NULL)) == HUGE_VAL;
	strtoll(number, NULL, 10);
	return errno == ERANGE;
}

/* Appends the body, which a NUL ends, with another text in the place of each number that is too large. */
static void
replace_large_numbers(const char *at, Buffer *out)
{
	bool in_string = false;

	while (*at != '\0')
	{
		size_t length = in_string ? 0 : strspn(at, "+-.eE0123456789");

		if (length > 0 && is_large_number(at, length))
			buffer_append_text(out, large_text);
		else if (length > 0)
			buffer_append(out, at, length);
		else
		{
			length = in_string && at[0] == '\\' && at[1] != '\0' ? 2 : 1;
			in_string ^= at[0] == '"';
			buffer_append(out, at, length);
		}
		at += length;
	}
}

static json_t *
load(const char *text, size_t length, json_error_t *error)
{
	return json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, error);
}

static json_t *
load_again(const char *text, size_t length, json_error_t *error)
{
	Buffer copy = { 0 };
	Buffer replaced = { 0 };
	json_t *json;

	buffer_append(&copy, text, length);
	replace_large_numbers(buffer_text(&copy), &replaced);
	json = load(replaced.base, replaced.length, error);
	buffer_dispose(&copy);
	buffer_dispose(&replaced);
	return json;
}

static void
dispose(void *holder)
{
	json_decref(*(json_t **) holder);
}

JsonBody
json_body_parse(const char *text, size_t length, h2o_mem_pool_t *pool)
{
	JsonBody body = { 0 };
	json_error_t error;
	json_t *json;
	json_t **holder;

	if (!is_shallow(text, length))
		return (JsonBody){ .wrong = "The body nests too deeply." };
	if (!utf8_is_valid(text, length))
		return (JsonBody){ .wrong = "The body is not valid UTF-8." };
	json = load(text, length, &error);
	if (json == NULL && json_error_code(&error) == json_error_numeric_overflow)
	{
		json = load_again(text, length, &error);
		body.has_large_one = true;
	}
	holder = h2o_mem_alloc_shared(pool, sizeof(*holder), dispose);
	*holder = json;
	if (json_is_object(json))
		body.object = json;
	else if (json != NULL)
		body.wrong = "The body is not a JSON object.";
	else if (json_error_code(&error) == json_error_duplicate_key)
		body.wrong = "The body names a field more than once.";
	else
		body.wrong = "The body is not well-formed JSON.";
	return body;
}

bool
json_body_is_large(const json_t *value)
{
	const char *name;
	json_t *member;
	size_t place;

	if (json_is_string(value))
		return json_string_length(value) == sizeof(large_value) - 1 &&
			   memcmp(json_string_value(value), large_value, sizeof(large_value) - 1) == 0;
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
