/*
 * path: the segments of a request's path.
 */
#ifndef PATH_H
#define PATH_H

#include <stddef.h>

#include <h2o.h>

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

typedef enum PathResult
{
	PATH_OK,
	PATH_MALFORMED, /* percent-encoding */
	PATH_NOT_UTF8,
	PATH_TOO_DEEP
} PathResult;

/* Splits a raw path (which begins with /) at each /, and then decodes every segment by itself, in pool's memory. */
PathResult path_parse(const char *raw, size_t length, h2o_mem_pool_t *pool, Path *path);

#endif
