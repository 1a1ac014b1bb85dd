/*
 * uri: libh2o decodes only together with normalizing a path, and its h2o_uri_escape() leaves & and = as they are, which
 * a value in a query string must not. Segments and pairs are split first and decoded then.
 */
#include "base/uri.h"

#include <string.h>

#include "base/utf8.h"

static int
hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

PercentResult
percent_decode(const char *in, size_t length, bool plus_is_blank, char *out, size_t *out_length)
{
	size_t written = 0;

	for (size_t i = 0; i < length; i++)
	{
		char byte = in[i];

		if (byte == '%')
		{
			int high = i + 2 < length ? hex_value(in[i + 1]) : -1;
			int low = i + 2 < length ? hex_value(in[i + 2]) : -1;

			if (high < 0 || low < 0)
				return PERCENT_MALFORMED;
			byte = (char) (high * 16 + low);
			i += 2;
		}
		else if (byte == '+' && plus_is_blank)
			byte = ' ';
		out[written++] = byte;
	}
	out[written] = '\0';
	*out_length = written;
	return utf8_is_valid(out, written) ? PERCENT_OK : PERCENT_NOT_UTF8;
}

void
percent_encode(Buffer *buffer, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		char byte = text[i];

		/* What RFC 3986 calls unreserved. */
		if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
			(byte != '\0' && strchr("-._~", byte) != NULL))
			buffer_append_byte(buffer, byte);
		else
		{
			static const char digits[] = "0123456789ABCDEF";
			const char encoded[] = { '%', digits[(unsigned char) byte >> 4], digits[byte & 15] };

			buffer_append(buffer, encoded, sizeof(encoded));
		}
	}
}

PathResult
path_parse(const char *raw, size_t length, h2o_mem_pool_t *pool, Path *path)
{
	const char *end = raw + length;
	char *decoded = h2o_mem_alloc_pool(pool, 2 * length + 1);

	path->count = 0;
	while (raw < end)
	{
		const char *start = raw + 1;
		PathSegment *segment;
		PercentResult result;

		raw = memchr(start, '/', (size_t) (end - start));
		if (raw == NULL)
			raw = end;
		if (path->count == PATH_SEGMENTS_MAX)
			return PATH_TOO_DEEP;
		segment = &path->segments[path->count++];
		segment->text = decoded;
		result = percent_decode(start, (size_t) (raw - start), false, decoded, &segment->length);
		if (result != PERCENT_OK)
			return result == PERCENT_MALFORMED ? PATH_MALFORMED : PATH_NOT_UTF8;
		decoded += segment->length + 1;
	}
	return PATH_OK;
}

static PercentResult
query_decode(const char *raw, size_t length, h2o_mem_pool_t *pool, const char **text, size_t *text_length)
{
	char *decoded = h2o_mem_alloc_pool(pool, length + 1);

	*text = decoded;
	return percent_decode(raw, length, true, decoded, text_length);
}

bool
query_string_next(const char **query, size_t *length, h2o_mem_pool_t *pool, QueryPair *pair)
{
	const char *start;
	const char *equals;
	size_t pair_length;
	size_t name_length;

	while (*length > 0 && **query == '&')
		(*query)++, (*length)--;
	if (*length == 0)
		return false;
	start = *query;
	equals = memchr(start, '&', *length);
	pair_length = equals == NULL ? *length : (size_t) (equals - start);
	*query += pair_length;
	*length -= pair_length;
	equals = memchr(start, '=', pair_length);
	name_length = equals == NULL ? pair_length : (size_t) (equals - start);
	pair->result = query_decode(start, name_length, pool, &pair->name, &pair->name_length);
	if (pair->result != PERCENT_OK)
		return true;
	if (equals == NULL)
		equals = start + pair_length - 1;
	pair->result =
		query_decode(equals + 1, (size_t) (start + pair_length - equals - 1), pool, &pair->value, &pair->value_length);
	return true;
}
