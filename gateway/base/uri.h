/*
 * uri: the parts of a request target (RFC 3986): percent-encoded UTF-8, the segments of a path, the pairs of a query
 * string.
 */
#ifndef URI_H
#define URI_H

#include <stdbool.h>
#include <stddef.h>

#include <h2o.h>

#include "base/buffer.h"

/* Returns whether the bytes are UTF-8 according to RFC 3629, and to PostgreSQL: text that it would refuse is never sent
 * to it. */
bool utf8_is_valid(const char *text, size_t length);

typedef enum UriResult
{
	URI_OK,
	URI_MALFORMED, /* a % without two hexadecimal digits */
	URI_NOT_UTF8,
	URI_TOO_DEEP /* a path of more than PATH_SEGMENTS_MAX segments */
} UriResult;

/*
 * Decodes `length` bytes of `in` to `out`, which must have room for length + 1, adds a NUL, and sets *out_length (by
 * which NULs inside can be noticed). plus_is_blank is for query strings, as written by HTML forms and URLSearchParams.
 */
UriResult percent_decode(const char *in, size_t length, bool plus_is_blank, char *out, size_t *out_length);

/* Appends a text with everything except RFC 3986's unreserved characters encoded. */
void percent_encode(Buffer *buffer, const char *text, size_t length);

typedef struct PathSegment
{
	const char *text; /* decoded, with a NUL at the end */
	size_t length;
} PathSegment;

enum
{
	PATH_SEGMENTS_MAX = 32
};

typedef struct Path
{
	PathSegment segments[PATH_SEGMENTS_MAX];
	size_t count;
} Path;

/* Splits a raw path (which starts with /) at each /, and then decodes each segment separately. The result is allocated
 * in the pool. */
UriResult path_parse(const char *raw, size_t length, h2o_mem_pool_t *pool, Path *path);

typedef struct QueryPair
{
	const char *name; /* decoded, with a NUL at the end */
	size_t name_length;
	const char *value;
	size_t value_length;
	UriResult result; /* of decoding both; the texts are valid only if this is URI_OK */
} QueryPair;

/* Takes the next pair from *query, allocated in the pool. Returns false if there are no more. A + is a blank. */
bool query_string_next(const char **query, size_t *length, h2o_mem_pool_t *pool, QueryPair *pair);

#endif
