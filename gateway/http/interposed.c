/*
 * interposed: see interposed.h. No function here keeps state of its own.
 */
#include "http/interposed.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

typedef int (*RequestParser)(const char *, size_t, const char **, size_t *, const char **, size_t *, int *,
							 struct phr_header *, size_t *, size_t);

/* CHUNK_DATA must have the same number as in h2o, whose phr_decode_chunked_is_in_data() looks at it. */
enum
{
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_DATA,
	CHUNK_SIZE_BLANK,
	CHUNK_SIZE_LF,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER_START,
	CHUNK_TRAILER,
	CHUNK_TRAILER_LF,
	CHUNK_END_LF,
	CHUNK_END,
	SIZE_DIGITS_MAX = 15
};

int
phr_parse_request(const char *bytes, size_t length, const char **method, size_t *method_length, const char **path,
				  size_t *path_length, int *minor_version, struct phr_header *headers, size_t *header_count,
				  size_t last_length)
{
	static RequestParser h2os;
	size_t empty = 0;
	int parsed;

	if (h2os == NULL)
		h2os = (RequestParser) dlsym(RTLD_NEXT, "phr_parse_request");
	parsed = h2os(bytes, length, method, method_length, path, path_length, minor_version, headers, header_count,
				  last_length);
	for (size_t i = 0; parsed > 0 && i < *header_count; i++)
		if (headers[i].value_len > 0)
			headers[i].value_len = h2o_str_stripws(headers[i].value, headers[i].value_len).len;
	while (empty < length && (bytes[empty] == '\r' || bytes[empty] == '\n'))
		empty++;
	/* What some clients send after a body is not a request. */
	if ((parsed != -1 || (length <= 4 && empty == length)) && (parsed != -2 || length < H2O_MAX_REQLEN))
		return parsed;
	*method = *path = "";
	*method_length = *path_length = *header_count = 0;
	*minor_version = 1;
	return (int) length;
}

static bool
byte_is_control(char byte)
{
	return iscntrl((unsigned char) byte) && byte != '\t';
}

static bool
chunk_enter(struct phr_chunked_decoder *decoder, int state)
{
	decoder->state = (char) state;
	return true;
}

/* Handles a byte of the size, or the first one after it. */
static bool
chunk_take_size(struct phr_chunked_decoder *decoder, char byte)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit = memchr(digits, tolower((unsigned char) byte), sizeof(digits) - 1);

	if (digit != NULL)
	{
		decoder->bytes_left_in_chunk = decoder->bytes_left_in_chunk * 16 + (size_t) (digit - digits);
		return decoder->digits++ < SIZE_DIGITS_MAX;
	}
	if (decoder->digits == 0)
		return false;
	decoder->digits = 0;
	if (byte == '\r')
		return chunk_enter(decoder, CHUNK_SIZE_LF);
	if (byte == ';')
		return chunk_enter(decoder, CHUNK_EXTENSION);
	return (byte == ' ' || byte == '\t') && chunk_enter(decoder, CHUNK_SIZE_BLANK);
}

/* Handles a byte that is not data. Returns false if it is not allowed there. */
static bool
chunk_take(struct phr_chunked_decoder *decoder, char byte)
{
	switch (decoder->state)
	{
		case CHUNK_SIZE:
			return chunk_take_size(decoder, byte);
		case CHUNK_SIZE_BLANK: /* only an extension may follow */
			return byte == ' ' || byte == '\t' || (byte == ';' && chunk_enter(decoder, CHUNK_EXTENSION));
		case CHUNK_EXTENSION:
			return byte == '\r' ? chunk_enter(decoder, CHUNK_SIZE_LF) : !byte_is_control(byte);
		case CHUNK_SIZE_LF:
			return byte == '\n' && chunk_enter(decoder, decoder->bytes_left_in_chunk > 0 ? CHUNK_DATA
														: decoder->consume_trailer       ? CHUNK_TRAILER_START
																						 : CHUNK_END);
		case CHUNK_DATA_CR:
			return byte == '\r' && chunk_enter(decoder, CHUNK_DATA_LF);
		case CHUNK_DATA_LF:
			return byte == '\n' && chunk_enter(decoder, CHUNK_SIZE);
		case CHUNK_TRAILER_START:
			if (byte == '\r')
				return chunk_enter(decoder, CHUNK_END_LF);
			return byte != ' ' && byte != '\t' && !byte_is_control(byte) && chunk_enter(decoder, CHUNK_TRAILER);
		case CHUNK_TRAILER:
			return byte == '\r' ? chunk_enter(decoder, CHUNK_TRAILER_LF) : !byte_is_control(byte);
		case CHUNK_TRAILER_LF:
			return byte == '\n' && chunk_enter(decoder, CHUNK_TRAILER_START);
		case CHUNK_END_LF:
			return byte == '\n' && chunk_enter(decoder, CHUNK_END);
		default:
			return false;
	}
}

ssize_t
phr_decode_chunked(struct phr_chunked_decoder *decoder, char *bytes, size_t *length)
{
	size_t end = *length;
	size_t at = 0;

	*length = 0;
	while (at < end && decoder->state != CHUNK_END)
	{
		if (decoder->state == CHUNK_DATA)
		{
			size_t count = end - at < decoder->bytes_left_in_chunk ? end - at : decoder->bytes_left_in_chunk;

			memmove(bytes + *length, bytes + at, count);
			*length += count;
			at += count;
			decoder->bytes_left_in_chunk -= count;
			if (decoder->bytes_left_in_chunk == 0)
				chunk_enter(decoder, CHUNK_DATA_CR);
		}
		else if (!chunk_take(decoder, bytes[at++]))
			return -1;
	}
	if (decoder->state != CHUNK_END)
		return -2;
	memmove(bytes + *length, bytes + at, end - at);
	return (ssize_t) (end - at);
}

h2o_iovec_t
h2o_url_normalize_path(h2o_mem_pool_t *pool, const char *path, size_t length, size_t *query_at, size_t **places)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";
	const char *mark = length == 0 ? NULL : memchr(path, '?', length);
	bool is_plain;

	(void) pool;
	*query_at = mark == NULL ? SIZE_MAX : (size_t) (mark - path);
	*places = NULL;
	if (mark != NULL)
		length = *query_at;
	/* A path needs no normalization if its segments have only plain characters and do not begin with a dot. */
	is_plain = length > 0 && path[0] == '/';
	for (size_t i = 0; i < length && is_plain; i++)
		is_plain = memchr(plain, path[i], sizeof(plain) - 1) != NULL && !(path[i] == '.' && path[i - 1] == '/');
	return is_plain ? h2o_iovec_init(path, length) : h2o_iovec_init(H2O_STRLIT("/"));
}
