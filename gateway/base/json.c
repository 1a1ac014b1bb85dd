/*
 * json: formats rows as JSON without building a tree of values, which is why we do not use jansson for it. Runs of
 * plain bytes are copied as a whole. Elements of arrays passed to PostgreSQL are always quoted.
 */
#include "base/json.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The character that follows the backslash if the byte must be escaped, or 0 if it need not. */
static const char escapes[256] = { [0 ... 7] = 'u', ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',      ['\v'] = 'u',
								   ['\f'] = 'f',    ['\r'] = 'r', ['"'] = '"',  [14 ... 31] = 'u', ['\\'] = '\\' };

/* Returns the length of the longest prefix without a byte that must be escaped. Looks at eight bytes at a time. */
static size_t
plain_length(const char *text, size_t length)
{
	const uint64_t ones = UINT64_MAX / 255;
	const uint64_t highs = ones << 7;
	size_t plain = 0;

	for (uint64_t word; length - plain >= sizeof(word); plain += sizeof(word))
	{
		uint64_t quote, backslash;

		memcpy(&word, text + plain, sizeof(word));
		quote = word ^ (ones * '"');
		backslash = word ^ (ones * '\\');
		/* Sets the high bit of a byte that is less than a blank, a quote or a backslash; of others only after such a
		 * byte. */
		if (((word - ones * ' ') & ~word & highs) | ((quote - ones) & ~quote & highs) |
			((backslash - ones) & ~backslash & highs))
			break;
	}
	while (plain < length && escapes[(unsigned char) text[plain]] == 0)
		plain++;
	return plain;
}

void
json_escape(Buffer *buffer, const char *text, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	size_t plain = plain_length(text, length);

	buffer_append(buffer, text, plain);
	for (size_t i = plain; i < length; i += 1 + plain)
	{
		unsigned char byte = (unsigned char) text[i];
		const char escape[] = { '\\', escapes[byte], '0', '0', digits[byte >> 4], digits[byte & 15] };

		buffer_append(buffer, escape, escapes[byte] == 'u' ? 6 : 2);
		plain = plain_length(text + i + 1, length - i - 1);
		buffer_append(buffer, text + i + 1, plain);
	}
}

void
json_write_string(Buffer *buffer, const char *text, size_t length)
{
	buffer_append_byte(buffer, '"');
	json_escape(buffer, text, length);
	buffer_append_byte(buffer, '"');
}

void
json_write_text(Buffer *buffer, const char *text)
{
	if (text == NULL)
		buffer_append_text(buffer, "null");
	else
		json_write_string(buffer, text, strlen(text));
}

JsonText
json_next_text(const char **at, const char *end)
{
	const char *start = *at + 1;
	const char *stop;
	bool is_quoted = false;
	int depth = 0;

	while (start < end && isspace((unsigned char) *start))
		start++;
	for (stop = start; stop < end; stop++)
	{
		if (is_quoted && *stop == '\\')
			stop++;
		else if (*stop == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && depth == 0 && strchr(",:]}", *stop) != NULL)
			break;
		else if (!is_quoted)
			depth += (*stop == '[' || *stop == '{') - (*stop == ']' || *stop == '}');
	}
	*at = stop;
	while (stop > start && isspace((unsigned char) stop[-1]))
		stop--;
	return (JsonText){ start, (size_t) (stop - start) };
}

void
array_append(Buffer *literal, const char *text)
{
	buffer_append_byte(literal, literal->length == 0 ? '{' : ',');
	if (text == NULL)
	{
		buffer_append_text(literal, "NULL");
		return;
	}
	buffer_append_byte(literal, '"');
	for (; *text != '\0'; text++)
	{
		if (*text == '"' || *text == '\\')
			buffer_append_byte(literal, '\\');
		buffer_append_byte(literal, *text);
	}
	buffer_append_byte(literal, '"');
}

bool
array_from_json(const json_t *array, JsonText written, Buffer *out)
{
	const char *end = written.text + written.length;
	const json_t *element;
	size_t place;

	json_array_foreach(array, place, element)
	{
		JsonText text = json_next_text(&written.text, end);
		char *scalar;

		if (json_is_string(element))
			text = (JsonText){ json_string_value(element), json_string_length(element) };
		if (json_is_array(element) || json_is_object(element) || memchr(text.text, '\0', text.length) != NULL)
			return false;
		scalar = json_is_null(element) ? NULL : strndup(text.text, text.length);
		array_append(out, scalar);
		free(scalar);
	}
	buffer_append_text(out, out->length == 0 ? "{}" : "}");
	return true;
}

/* Converts a quoted element, starting at its opening quote. Returns the position after the closing quote. */
static const char *
array_quoted_to_json(const char *at, ArrayElementWriter write_element, Buffer *out)
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

void
array_to_json(const char *literal, ArrayElementWriter write_element, Buffer *out)
{
	for (const char *at = literal; *at != '\0';)
	{
		if (*at == '{' || *at == '}')
			buffer_append_byte(out, *at++ == '{' ? '[' : ']');
		else if (*at == ',')
			buffer_append_byte(out, *at++);
		else if (*at == '"')
			at = array_quoted_to_json(at, write_element, out);
		else
		{
			size_t length = strcspn(at, ",{}");

			if (length == 4 && memcmp(at, "NULL", 4) == 0)
				buffer_append_text(out, "null");
			else
				write_element(out, at, length);
			at += length;
		}
	}
}
