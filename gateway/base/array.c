/*
 * array: PostgreSQL's array literals from and to JSON. Elements are always quoted on the way in.
 */
#include "base/array.h"

#include <stdbool.h>
#include <string.h>

static void
append_quoted(Buffer *out, const char *text, size_t length)
{
	buffer_append_byte(out, '"');
	for (size_t i = 0; i < length; i++)
	{
		if (text[i] == '"' || text[i] == '\\')
			buffer_append_byte(out, '\\');
		buffer_append_byte(out, text[i]);
	}
	buffer_append_byte(out, '"');
}

static bool
element_from_json(const json_t *element, Buffer *out)
{
	switch (json_typeof(element))
	{
		case JSON_ARRAY:
			return array_from_json(element, out);
		case JSON_STRING:
			append_quoted(out, json_string_value(element), json_string_length(element));
			return strlen(json_string_value(element)) == json_string_length(element);
		case JSON_INTEGER:
			buffer_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(element));
			return true;
		case JSON_REAL:
			buffer_printf(out, "%.17g", json_real_value(element));
			return true;
		case JSON_TRUE:
		case JSON_FALSE:
			buffer_append_byte(out, json_is_true(element) ? 't' : 'f');
			return true;
		case JSON_NULL:
			buffer_append_text(out, "NULL");
			return true;
		case JSON_OBJECT:
			break;
	}
	return false;
}

bool
array_from_json(const json_t *array, Buffer *out)
{
	bool fine = true;

	buffer_append_byte(out, '{');
	for (size_t i = 0; i < json_array_size(array) && fine; i++)
	{
		if (i > 0)
			buffer_append_byte(out, ',');
		fine = element_from_json(json_array_get(array, i), out);
	}
	buffer_append_byte(out, '}');
	return fine;
}

/* A quoted element, at its opening quote; returns what follows the closing one. */
static const char *
quoted_to_json(const char *at, ArrayElementWriter write_element, Buffer *out)
{
	Buffer text = { 0 };

	for (at++; *at != '\0' && *at != '"'; at++)
	{
		if (*at == '\\' && at[1] != '\0')
			at++;
		buffer_append_byte(&text, *at);
	}
	write_element(out, buffer_text(&text), text.length);
	buffer_dispose(&text);
	return *at == '"' ? at + 1 : at;
}

static const char *
plain_to_json(const char *at, ArrayElementWriter write_element, Buffer *out)
{
	size_t length = strcspn(at, ",{}");

	if (length == 4 && memcmp(at, "NULL", 4) == 0)
		buffer_append_text(out, "null");
	else
		write_element(out, at, length);
	return at + length;
}

void
array_to_json(const char *literal, ArrayElementWriter write_element, Buffer *out)
{
	const char *at = literal[0] == '[' ? strchr(literal, '{') : literal; /* bounds, [2:3]={…}, say nothing in JSON */

	while (at != NULL && *at != '\0')
	{
		if (*at == '{' || *at == '}')
			buffer_append_byte(out, *at++ == '{' ? '[' : ']');
		else if (*at == ',')
			buffer_append_byte(out, *at++);
		else if (*at == '"')
			at = quoted_to_json(at, write_element, out);
		else
			at = plain_to_json(at, write_element, out);
	}
}
