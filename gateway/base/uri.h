/*
 * uri: the parts of a request's target (RFC 3986): UTF-8 in percent-encoding, the segments of a path, the pairs of a
 * query string.
 */
#ifndef URI_H
#define URI_H

#include <stdbool.h>
#include <stddef.h>

#include <h2o.h>

#include "base/buffer.h"

/* Whether the bytes are UTF-8 as RFC 3629 has it, and PostgreSQL: no text that it would refuse is ever sent to it. */
bool utf8_is_valid(const char *text, size_t length);

typedef enum UriResult
{
	URI_OK,
	URI_MALFORMED, /* a % without two hexadecimal digits */
	URI_NOT_UTF8,
	URI_TOO_DEEP /* a path of more than PATH_SEGMENTS_MAX segments */
} UriResult;

/*
 * Decodes length bytes of in to out, which has room for length + 1, ends them with a NUL and sets *out_length (which
 * tells of NULs inside). plus_is_blank: in a query string, as HTML forms and URLSearchParams write it.
 */
UriResult percent_decode(const char *in, size_t length, bool plus_is_blank, char *out, size_t *out_length);

/* Appends text with everything but RFC 3986's unreserved characters encoded. */
void percent_encode(Buffer *buffer, const char *text, size_t length);

typedef struct PathSegment
{
	const char *text; /* decoded, NUL at the end */
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

/* Splits a raw path (which begins with /) at each /, and then decodes every segment by itself, in pool's memory. */
UriResult path_parse(const char *raw, size_t length, h2o_mem_pool_t *pool, Path *path);

typedef struct QueryPair
{
	const char *name; /* decoded, NUL at the end */
	size_t name_length;
	const char *value;
	size_t value_length;
	UriResult result; /* of decoding both; the texts are good only if URI_OK */
} QueryPair;

/* Takes the next pair off *query into pool's memory; false when there is none. A + is a blank. */
bool query_string_next(const char **query, size_t *length, h2o_mem_pool_t *pool, QueryPair *pair);

#endif
