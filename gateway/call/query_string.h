/*
 * query_string: the name=value pairs of a query string, one at a time.
 */
#ifndef QUERY_STRING_H
#define QUERY_STRING_H

#include <h2o.h>

#include "base/percent.h"

typedef struct QueryPair
{
	const char *name; /* decoded, NUL at the end */
	size_t name_length;
	const char *value;
	size_t value_length;
	PercentResult result; /* of decoding both; the texts are good only if PERCENT_OK */
} QueryPair;

/* Takes the next pair off *query into pool's memory; false when there is none. A + is a blank. */
bool query_string_next(const char **query, size_t *length, h2o_mem_pool_t *pool, QueryPair *pair);

#endif
