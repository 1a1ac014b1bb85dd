/*
 * judge: asks the database which of a request's values it would not take. Names, types and values go as three arrays;
 * where the database does not answer, the problem is answered as it was.
 */
#include "http/judge.h"

#include "base/json.h"
#include "http/reply.h"

enum
{
	ARRAYS = 3
};

static bool
is_asked_for(const Request *request, size_t place, bool all)
{
	const Parameter *parameter = &request->route->parameters[place];

	return request->statement.values[place] != NULL && (parameter->has_more || (all && parameter->domain != NULL));
}

bool
judge_is_needed(const Request *request, bool all)
{
	for (size_t i = 0; i < request->route->parameter_count; i++)
		if (is_asked_for(request, i, all))
			return true;
	return false;
}

static const char *
write_array(json_t *list, h2o_mem_pool_t *pool)
{
	Buffer literal = { 0 };
	const char *text;

	array_from_json(list, &literal);
	text = h2o_strdup(pool, buffer_text(&literal), literal.length).base;
	buffer_dispose(&literal);
	json_decref(list);
	return text;
}

static const char **
write_values(const Request *request, bool all)
{
	h2o_mem_pool_t *pool = &request->http->pool;
	const char **values = h2o_mem_alloc_pool(pool, ARRAYS * sizeof(*values));
	json_t *names = json_array();
	json_t *types = json_array();
	json_t *given = json_array();

	for (size_t i = 0; i < request->route->parameter_count; i++)
	{
		const Parameter *parameter = &request->route->parameters[i];

		if (!is_asked_for(request, i, all))
			continue;
		json_array_append_new(names, json_string(parameter_field(parameter)));
		json_array_append_new(types, json_string(parameter->domain == NULL ? parameter->type : parameter->domain));
		json_array_append_new(given, json_string(request->statement.values[i]));
	}
	values[0] = write_array(names, pool);
	values[1] = write_array(types, pool);
	values[2] = write_array(given, pool);
	return values;
}

static const char *
copy_cell(Request *request, const PGresult *rows, int row, int column)
{
	return h2o_strdup(&request->http->pool, PQgetvalue(rows, row, column), SIZE_MAX).base;
}

/* What the database says of a value takes the place of what was guessed from the error of its statement. */
static void
on_result(DbQuery *query, const PGresult *rows)
{
	Request *request = query->data;
	Problem *problem = &request->problem;

	if (request->is_judged_anew && PQntuples(rows) > 0)
		problem->fields.size = 0;
	for (int row = 0; row < PQntuples(rows); row++)
		problem_add_field(problem, &request->http->pool, copy_cell(request, rows, row, 0),
						  copy_cell(request, rows, row, 1));
	reply_problem(request, problem);
}

static void
on_error(DbQuery *query, const DbError *error)
{
	Request *request = query->data;

	(void) error;
	reply_problem(request, &request->problem);
}

static void
on_timeout(DbQuery *query, bool sent)
{
	Request *request = query->data;

	(void) sent;
	reply_problem(request, &request->problem);
}

void
judge_ask(Request *request, const Problem *problem, bool all)
{
	const DbStatement *statement = &request->router->judge;
	DbQuery *query = db_query_create(statement, write_values(request, all));

	if (request->query != NULL)
		db_pool_abandon(request->query);
	request->query = query;
	request->problem = *problem;
	request->is_judged_anew = all;
	query->repeatable = true;
	query->data = request;
	query->on_result = on_result;
	query->on_error = on_error;
	query->on_timeout = on_timeout;
	db_pool_submit(request->worker->pools[METRICS_READ], query);
}
