/*
 * value: checks one parameter's value against its type and its domain's bounds, and converts it to the text that
 * PostgreSQL reads.
 */
#include "call/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rfc3339.h"

static Value
value_wrong(const char *why)
{
	return (Value){ .wrong = why };
}

/* Returns the message for a value outside its bounds. If these are not plain, it is the domain's comment. */
static Value
value_out_of_bounds(const Parameter *parameter, h2o_mem_pool_t *pool)
{
	char words[96];

	if (parameter->one_of_count > 0)
	{
		Buffer list = { 0 };
		Value value;

		buffer_append_text(&list, "must be one of ");
		for (size_t i = 0; i < parameter->one_of_count; i++)
			buffer_printf(&list, "%s%s", i == 0 ? "" : ", ", parameter->one_of[i]);
		value = value_wrong(h2o_strdup(pool, buffer_text(&list), list.length).base);
		buffer_dispose(&list);
		return value;
	}
	if (parameter->has_minimum && parameter->has_maximum)
		snprintf(words, sizeof(words), "must be from %jd to %jd", (intmax_t) parameter->minimum,
				 (intmax_t) parameter->maximum);
	else if (parameter->has_minimum || parameter->has_maximum)
		snprintf(words, sizeof(words), "must be at %s %jd", parameter->has_minimum ? "least" : "most",
				 (intmax_t) (parameter->has_minimum ? parameter->minimum : parameter->maximum));
	else if (parameter->max_length == SIZE_MAX)
		snprintf(words, sizeof(words), "must have at least %zu characters", parameter->min_length);
	else
		snprintf(words, sizeof(words), "must have %zu to %zu characters", parameter->min_length, parameter->max_length);
	return value_wrong(h2o_strdup(pool, words, SIZE_MAX).base);
}

static Value
text_check(const Parameter *parameter, const char *text, size_t length, h2o_mem_pool_t *pool)
{
	bool listed = parameter->one_of_count == 0;
	size_t characters = 0;

	if (strlen(text) != length)
		return value_wrong("must not contain a NUL character");
	for (size_t i = 0; i < length; i++)
		characters += (text[i] & 0xC0) != 0x80;
	for (size_t i = 0; i < parameter->one_of_count && !listed; i++)
		listed = strcmp(parameter->one_of[i], text) == 0;
	if (!listed || characters < parameter->min_length || characters > parameter->max_length)
		return value_out_of_bounds(parameter, pool);
	return (Value){ .text = text };
}

static Value
number_check(const Parameter *parameter, intmax_t number, const char *text, h2o_mem_pool_t *pool)
{
	if ((parameter->has_minimum && number < parameter->minimum) ||
		(parameter->has_maximum && number > parameter->maximum))
		return value_out_of_bounds(parameter, pool);
	if ((parameter->type_oid == TYPE_INTEGER && (number < INT32_MIN || number > INT32_MAX)) ||
		(parameter->type_oid == TYPE_SMALLINT && (number < INT16_MIN || number > INT16_MAX)))
		return value_wrong("is too large");
	return (Value){ .text = text };
}

static Value
time_from_text(const char *text, size_t length)
{
	if (strlen(text) != length || !rfc3339_is_valid(text))
		return value_wrong("must be a time with its zone, such as 2024-02-29T12:00:00Z");
	return (Value){ .text = text };
}

static bool
type_is_integer(Oid type)
{
	return type == TYPE_SMALLINT || type == TYPE_INTEGER || type == TYPE_BIGINT;
}

Value
value_from_text(const Parameter *parameter, const char *text, size_t length, h2o_mem_pool_t *pool)
{
	if (type_is_integer(parameter->type_oid))
	{
		const char *digits = text[0] == '-' ? text + 1 : text;
		intmax_t number;

		if (*digits == '\0' || strlen(text) != length || digits[strspn(digits, "0123456789")] != '\0')
			return value_wrong("must be a whole number");
		errno = 0;
		number = strtoimax(text, NULL, 10);
		if (errno == ERANGE)
			return value_wrong("is too large");
		return number_check(parameter, number, text, pool);
	}
	if (parameter->type_oid == TYPE_BOOLEAN)
		return strlen(text) == length && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
				   ? (Value){ .text = text }
				   : value_wrong("must be true or false");
	if (parameter->type_oid == TYPE_TIMESTAMPTZ)
		return time_from_text(text, length);
	if (parameter->type_oid == TYPE_JSON || parameter->type_oid == TYPE_JSONB || strstr(parameter->type, "[]") != NULL)
	{
		/* Parsed only to check it. */
		json_t *json =
			json_loadb(text, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
		JsonText written = { text + strspn(text, " \t\r\n"), length - strspn(text, " \t\r\n") };
		Value value = json == NULL ? value_wrong("must be JSON") : value_from_json(parameter, json, written, pool);

		json_decref(json);
		return value;
	}
	return text_check(parameter, text, length, pool);
}

/* Returns whether an array of JSON contains an integer that is too large for any integer type. */
static bool
array_overflows(JsonText array)
{
	const char *end = array.text + array.length;

	errno = 0;
	/* Digits end at the comma or the bracket. */
	for (JsonText number = json_next_text(&array.text, end); number.length > 0 && errno == 0;
		 number = json_next_text(&array.text, end))
		strtoimax(number.text, NULL, 10);
	return errno == ERANGE;
}

Value
value_from_json(const Parameter *parameter, const json_t *json, JsonText written, h2o_mem_pool_t *pool)
{
	bool is_text = parameter->type_oid == TYPE_TEXT || parameter->type_oid == TYPE_VARCHAR;
	const char *text = h2o_strdup(pool, written.text, written.length).base;

	if (parameter->type_oid == TYPE_JSON || parameter->type_oid == TYPE_JSONB)
		return (Value){ .text = text };
	if (strstr(parameter->type, "[]") != NULL)
	{
		Buffer literal = { 0 };
		Value value = value_wrong("must be an array");

		if (json_is_array(json) && strstr(parameter->type, "int") != NULL && array_overflows(written))
			value = value_wrong("contains a number that is too large");
		else if (json_is_array(json) && array_from_json(json, written, &literal))
			value = (Value){ .text = h2o_strdup(pool, buffer_text(&literal), literal.length).base };
		buffer_dispose(&literal);
		return value;
	}
	if (type_is_integer(parameter->type_oid))
		return json_is_number(json) ? value_from_text(parameter, text, written.length, pool)
									: value_wrong("must be a whole number");
	if (parameter->type_oid == TYPE_BOOLEAN)
		return json_is_boolean(json) ? (Value){ .text = json_is_true(json) ? "true" : "false" }
									 : value_wrong("must be true or false");
	if (parameter->type_oid == TYPE_TIMESTAMPTZ)
		return json_is_string(json) ? time_from_text(json_string_value(json), json_string_length(json))
									: time_from_text("", 0);
	/* For types that JSON does not have, such as uuid or numeric, accept a string or a number, which PostgreSQL checks.
	 */
	if (json_is_string(json))
		return text_check(parameter, json_string_value(json), json_string_length(json), pool);
	if (!is_text && json_is_number(json))
		return (Value){ .text = text };
	return value_wrong("must be a string");
}
