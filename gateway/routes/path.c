/*
 * path: split first and decoded then, so that an encoded slash is part of its segment.
 */
#include "routes/path.h"

#include <string.h>

#include "base/percent.h"

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
