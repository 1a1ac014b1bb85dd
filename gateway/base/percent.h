/*
 * percent: percent-encoding (RFC 3986) of path segments and query strings.
 */
#ifndef PERCENT_H
#define PERCENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

typedef enum PercentResult
{
	PERCENT_OK,
	PERCENT_MALFORMED, /* a % without two hexadecimal digits */
	PERCENT_NOT_UTF8
} PercentResult;

/*
 * Decodes length bytes of in to out, which has room for length + 1, ends them with a NUL and sets *out_length (which
 * tells of NULs inside). plus_is_blank: in a query string, as HTML forms and URLSearchParams write it.
 */
PercentResult percent_decode(const char *in, size_t length, bool plus_is_blank, char *out, size_t *out_length);

/* Appends %XX. */
void percent_encode_byte(Buffer *buffer, unsigned char byte);

/* Appends text with everything but RFC 3986's unreserved characters encoded. */
void percent_encode(Buffer *buffer, const char *text, size_t length);

#endif
