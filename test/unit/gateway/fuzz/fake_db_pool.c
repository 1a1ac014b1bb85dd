/*
 * A pool without a database. Every query gets its result at once. The start of its first value selects rows, a refusal,
 * an error or a timeout, so the client's bytes can choose. All bound values must be text that PostgreSQL accepts.
 */
#include "db/db_pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "base/uri.h"
#include "gateway_rows.h"

struct DbPool
{
	uint64_t metrics[POOL_METRIC_COUNT];
};

DbPool *
db_pool_create(h2o_loop_t *loop, const DbPoolSettings *settings)
{
	DbPool *pool = calloc(1, sizeof(*pool));

	(void) loop;
	if (settings->on_ready != NULL)
		settings->on_ready(settings->data, true);
	return pool;
}

void
db_pool_close(DbPool *pool)
{
	(void) pool;
}

void
db_pool_dispose(DbPool *pool)
{
	free(pool);
}

void
db_pool_set_statements(DbPool *pool, const DbStatement *const *statements, size_t count)
{
	(void) pool, (void) statements, (void) count;
}

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static void
check_values(const DbQuery *query)
{
	for (int i = 0; i < query->statement->parameter_count; i++)
	{
		const char *value = query->values[i];
		Oid type = query->statement->parameter_types[i];

		require(value == NULL || utf8_is_valid(value, strlen(value)));
		if (value != NULL && type == TYPE_TIMESTAMPTZ)
			require(rfc3339_is_valid(value));
		if (value != NULL && type == TYPE_INTEGER)
			require(atoll(value) >= -5 && atoll(value) <= INT32_MAX);
		if (value != NULL && type == TYPE_BOOLEAN)
			require(strcmp(value, "true") == 0 || strcmp(value, "false") == 0);
	}
}

static void
answer_with_rows(DbQuery *query, const char *first, const char *refused)
{
	static const RowColumn columns[] = { { "name", TYPE_TEXT },
										 { "at", TYPE_TIMESTAMPTZ },
										 { "words", TYPE_TEXT_ARRAY },
										 { "refused", TYPE_TEXT },
										 { "next_cursor", TYPE_TEXT } };
	const char *const cells[] = { first, "2024-02-29 12:00:00.5+00", "{a,\"b\\\"\",NULL}", refused, "1.2" };

	query->result = make_rows(columns, 5, cells, 1);
	query->on_result(query, query->result);
	PQclear(db_query_take_result(query));
}

static void
answer_with_error(DbQuery *query, const char *sqlstate)
{
	DbError error = { .kind = DB_ERROR_SERVER,
					  .message = "the fake says no",
					  .detail = "",
					  .hint = "",
					  .table = "",
					  .column = "id",
					  .constraint = "",
					  .type_schema = "",
					  .type_name = "" };

	memcpy(error.sqlstate, sqlstate, 6);
	query->on_error(query, &error);
}

void
db_pool_submit(DbPool *pool, DbQuery *query)
{
	const char *first = query->statement->parameter_count == 0 || query->values[0] == NULL ? "" : query->values[0];

	(void) pool;
	check_values(query);
	query->submitted_at_us = query->sent_at_us = query->finished_at_us = db_now_us();
	switch (first[0])
	{
		case '1':
			answer_with_error(query, "23505");
			break;
		case '2':
			answer_with_error(query, "22023");
			break;
		case '3':
			query->on_timeout(query, true);
			break;
		case '4':
			answer_with_rows(query, first, "PY409");
			break;
		default:
			answer_with_rows(query, first, NULL);
			break;
	}
}

void
db_pool_abandon(DbQuery *query)
{
	h2o_mem_release_shared(query);
}

bool
db_pool_is_ready(const DbPool *pool)
{
	return pool != NULL;
}

bool
db_pool_is_alive(const DbPool *pool)
{
	return pool != NULL;
}

const uint64_t *
db_pool_metrics(DbPool *pool)
{
	return pool->metrics;
}
