/*
 * gzip: bodies compressed whole, by zlib at its fastest level: JSON shrinks to a fifth even so.
 */
#include "http/gzip.h"

#include <string.h>
#include <strings.h>

#include <zlib.h>

enum
{
	GZIP_FORMAT = 16 + MAX_WBITS
};

static const char *
skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/* Whether the parameters of one coding, such as ;q=0.0, forbid it. */
static bool
is_forbidden(const char *at, const char *end)
{
	at = skip_blanks(at, end);
	if (at == end || *at != ';')
		return false;
	at = skip_blanks(at + 1, end);
	if (end - at < 3 || strncasecmp(at, "q=0", 3) != 0)
		return false;
	for (at += 3; at < end && *at != ' '; at++)
		if (*at != '.' && *at != '0')
			return false;
	return true;
}

bool
gzip_is_accepted(const char *header, size_t length)
{
	const char *end = header + length;
	bool any = false;

	while (header < end)
	{
		const char *start = skip_blanks(header, end);
		const char *stop = start < end ? memchr(start, ',', (size_t) (end - start)) : NULL;
		size_t name;

		if (stop == NULL)
			stop = end;
		for (name = 0; start + name < stop && strchr("; \t", start[name]) == NULL; name++)
			;
		if (name == 4 && strncasecmp(start, "gzip", 4) == 0)
			return !is_forbidden(start + name, stop);
		any |= name == 1 && *start == '*' && !is_forbidden(start + name, stop);
		header = stop + 1;
	}
	return any;
}

bool
gzip_compress(Buffer *body)
{
	z_stream stream = { 0 };
	Buffer out = { 0 };
	bool smaller;

	if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_FORMAT, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	stream.next_in = (unsigned char *) body->base;
	stream.avail_in = (unsigned) body->length;
	stream.next_out = (unsigned char *) buffer_reserve(&out, body->length);
	stream.avail_out = (unsigned) body->length;
	smaller = deflate(&stream, Z_FINISH) == Z_STREAM_END;
	out.length = stream.total_out;
	deflateEnd(&stream);
	if (smaller)
	{
		buffer_dispose(body);
		*body = out;
	}
	else
		buffer_dispose(&out);
	return smaller;
}
