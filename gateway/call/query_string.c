/*
 * query_string: the name=value pairs of a query string, one at a time. Empty pairs (&&) are passed over.
 */
#include "call/query_string.h"

#include <string.h>

static PercentResult
decode(const char *raw, size_t length, h2o_mem_pool_t *pool, const char **text, size_t *text_length)
{
	char *decoded = h2o_mem_alloc_pool(pool, length + 1);

	*text = decoded;
	return percent_decode(raw, length, true, decoded, text_length);
}

bool
query_string_next(const char **query, size_t *length, h2o_mem_pool_t *pool, QueryPair *pair)
{
	const char *start;
	const char *equals;
	size_t pair_length;
	size_t name_length;

	while (*length > 0 && **query == '&')
		(*query)++, (*length)--;
	if (*length == 0)
		return false;
	start = *query;
	equals = memchr(start, '&', *length);
	pair_length = equals == NULL ? *length : (size_t) (equals - start);
	*query += pair_length;
	*length -= pair_length;
	equals = memchr(start, '=', pair_length);
	name_length = equals == NULL ? pair_length : (size_t) (equals - start);
	pair->result = decode(start, name_length, pool, &pair->name, &pair->name_length);
	if (pair->result != PERCENT_OK)
		return true;
	if (equals == NULL)
		equals = start + pair_length - 1;
	pair->result =
		decode(equals + 1, (size_t) (start + pair_length - equals - 1), pool, &pair->value, &pair->value_length);
	return true;
}
