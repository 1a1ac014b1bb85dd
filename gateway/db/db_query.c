/*
 * db_query: creates queries.
 */
#include "db/db_query.h"

#include <time.h>

uint64_t
db_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

DbQuery *
db_query_create(const DbStatement *statement, const char *const *values)
{
	DbQuery *query = h2o_mem_alloc_shared(NULL, sizeof(*query), NULL);

	*query = (DbQuery){ .statement = statement, .statement_id = statement->id, .values = values };
	return query;
}

PGresult *
db_query_take_result(DbQuery *query)
{
	PGresult *result = query->result;

	query->result = NULL;
	return result;
}
