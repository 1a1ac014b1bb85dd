/*
 * interposed: functions of h2o 2.2.5 that are too forgiving, done again. The dynamic linker prefers the program's own
 * definition to the library's, also for the library's calls, so that h2o itself uses these. Their names, structs and
 * meaning are h2o's (deps/picohttpparser, include/h2o/url.h); test/http shows that they are in place.
 */
#ifndef INTERPOSED_H
#define INTERPOSED_H

#include <sys/types.h>

#include <h2o.h>

struct phr_header
{
	const char *name; /* NULL: a folded line, which belongs to the header before it */
	size_t name_len;
	const char *value;
	size_t value_len;
};

/* Zero before the first call. */
struct phr_chunked_decoder
{
	size_t bytes_left_in_chunk;
	char consume_trailer;
	char digits;
	char state;
};

/*
 * Parses a request's head as h2o does, but takes the blanks after a header's value off it. A head that is malformed, or
 * too long, is said to be a request with an empty method, which nobody can send, so that it gets to the handler and is
 * answered as other errors are: h2o would write a constant to the socket.
 */
int phr_parse_request(const char *bytes, size_t length, const char **method, size_t *method_length, const char **path,
					  size_t *path_length, int *minor_version, struct phr_header *headers, size_t *header_count,
					  size_t last_length);

/*
 * Decodes a piece of a chunked body in place, as RFC 9112, 7.1 has it and nothing else: sizes of hexadecimal digits
 * alone, lines that end with CR and LF. *length becomes that of what was decoded. Returns -2 if more must follow, -1
 * if it is not well-formed, or else how many bytes behind the body were left alone; they then follow what was decoded.
 */
ssize_t phr_decode_chunked(struct phr_chunked_decoder *decoder, char *bytes, size_t *length);

/*
 * Finds the query. A path that is not plain is "/" to h2o, since the router does not look at h2o's, and the inbox has
 * no such file: h2o would print what it cannot normalize, and an application's token stands in its path.
 */
h2o_iovec_t h2o_url_normalize_path(h2o_mem_pool_t *pool, const char *path, size_t length, size_t *query_at,
								   size_t **places);

#endif
