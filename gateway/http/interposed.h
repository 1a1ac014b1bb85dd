/*
 * interposed: replacements for functions of h2o 2.2.5 that are too lenient. The dynamic linker prefers the program's
 * definitions to the library's, even for calls within the library, so h2o itself uses these. Names, structs and
 * semantics are h2o's (deps/picohttpparser, include/h2o/url.h). test/http shows that they are in use.
 */
#ifndef INTERPOSED_H
#define INTERPOSED_H

#include <sys/types.h>

#include <h2o.h>

struct phr_header
{
	const char *name; /* NULL for a folded line, which belongs to the previous header */
	size_t name_len;
	const char *value;
	size_t value_len;
};

/* Must be zero before the first call. */
struct phr_chunked_decoder
{
	size_t bytes_left_in_chunk;
	char consume_trailer;
	char digits;
	char state;
};

/*
 * Parses a request's head as h2o does, but removes the blanks after a header's value. A head that is malformed or too
 * long is returned as a request with an empty method, which nobody can send. This way the handler responds as to other
 * errors; h2o would write a constant to the socket.
 */
int phr_parse_request(const char *bytes, size_t length, const char **method, size_t *method_length, const char **path,
					  size_t *path_length, int *minor_version, struct phr_header *headers, size_t *header_count,
					  size_t last_length);

/*
 * Decodes a piece of a chunked body in place, strictly according to RFC 9112, 7.1: sizes are only hexadecimal digits,
 * and lines end with CR and LF. Sets *length to the length of the decoded data. Returns -2 if more must follow, -1 if
 * it is malformed, or else the number of bytes after the body, which were left alone and follow the decoded data.
 */
ssize_t phr_decode_chunked(struct phr_chunked_decoder *decoder, char *bytes, size_t *length);

/*
 * Finds the query. A path that is not plain becomes "/" for h2o. This is fine because our router does not use h2o's
 * path, and the inbox has no such file. Otherwise h2o would print what it cannot normalize, and a path may contain an
 * application's token.
 */
h2o_iovec_t h2o_url_normalize_path(h2o_mem_pool_t *pool, const char *path, size_t length, size_t *query_at,
								   size_t **places);

#endif
