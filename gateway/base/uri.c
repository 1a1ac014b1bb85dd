/*
 * uri: libh2o decodes only while normalizing a path, and its h2o_uri_escape() does not encode & and =, which it must in
 * the value of a query string. Segments and pairs are split first and then decoded.
 */
#include "base/uri.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

bool
utf8_is_valid(const char *text, size_t length)
{
	json_t *string;
	size_t plain = 0;

	while (plain < length && (unsigned char) text[plain] < 0x80)
		plain++;
	if (plain == length)
		return true;
	string = json_stringn(text, length); /* NULL if it is not valid */
	json_decref(string);
	return string != NULL;
}

UriResult
percent_decode(const char *in, size_t length, bool plus_is_blank, char *out, size_t *out_length)
{
	size_t written = 0;

	for (size_t i = 0; i < length; i++)
	{
		char byte = in[i];

		if (byte == '%')
		{
			char digits[3] = "";

			if (i + 2 >= length || !isxdigit((unsigned char) in[i + 1]) || !isxdigit((unsigned char) in[i + 2]))
				return URI_MALFORMED;
			memcpy(digits, in + i + 1, 2);
			byte = (char) strtoul(digits, NULL, 16);
			i += 2;
		}
		else if (byte == '+' && plus_is_blank)
			byte = ' ';
		out[written++] = byte;
	}
	out[written] = '\0';
	*out_length = written;
	return utf8_is_valid(out, written) ? URI_OK : URI_NOT_UTF8;
}

void
percent_encode(Buffer *buffer, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		char byte = text[i];

		/* RFC 3986's unreserved characters, in locale C. */
		if (isalnum((unsigned char) byte) || (byte != '\0' && strchr("-._~", byte) != NULL))
			buffer_append_byte(buffer, byte);
		else
			buffer_printf(buffer, "%%%02X", (unsigned char) byte);
	}
}

UriResult
path_parse(const char *raw, size_t length, h2o_mem_pool_t *pool, Path *path)
{
	const char *end = raw + length;
	char *decoded = h2o_mem_alloc_pool(pool, 2 * length + 1);

	path->count = 0;
	while (raw < end)
	{
		const char *start = raw + 1;
		PathSegment *segment;
		UriResult result;

		raw = memchr(start, '/', (size_t) (end - start));
		if (raw == NULL)
			raw = end;
		if (path->count == PATH_SEGMENTS_MAX)
			return URI_TOO_DEEP;
		segment = &path->segments[path->count++];
		segment->text = decoded;
		result = percent_decode(start, (size_t) (raw - start), false, decoded, &segment->length);
		if (result != URI_OK)
			return result;
		decoded += segment->length + 1;
	}
	return URI_OK;
}

bool
query_string_next(const char **query, size_t *length, h2o_mem_pool_t *pool, QueryPair *pair)
{
	const char *start;
	const char *end;
	const char *equals;
	char *decoded;

	for (; *length > 0 && **query == '&'; (*length)--)
		(*query)++;
	if (*length == 0)
		return false;
	start = *query;
	end = memchr(start, '&', *length);
	if (end == NULL)
		end = start + *length;
	*query = end;
	*length -= (size_t) (end - start);
	equals = memchr(start, '=', (size_t) (end - start));
	if (equals == NULL)
		equals = end;
	decoded = h2o_mem_alloc_pool(pool, (size_t) (end - start) + 2);
	pair->name = decoded;
	pair->result = percent_decode(start, (size_t) (equals - start), true, decoded, &pair->name_length);
	if (pair->result != URI_OK)
		return true;
	decoded += pair->name_length + 1;
	pair->value = decoded;
	start = equals == end ? end : equals + 1;
	pair->result = percent_decode(start, (size_t) (end - start), true, decoded, &pair->value_length);
	return true;
}
