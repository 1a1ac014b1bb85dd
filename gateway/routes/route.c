/*
 * route: read from one row of parley.describe_routes().
 */
#include "routes/route.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char *const method_names[METHOD_COUNT] = { "GET", "POST", "PUT", "DELETE" };

const char *
route_method_name(HttpMethod method)
{
	return method_names[method];
}

/* Where a word stands in a list, or -1. */
static int
find_word(const char *word, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

const char *
route_cell(const PGresult *rows, int row, const char *column)
{
	int place = PQfnumber(rows, column);

	return place < 0 ? "" : PQgetvalue(rows, row, place);
}

static bool
read_parameters(const char *text, h2o_mem_pool_t *pool, Route *route)
{
	json_t *list = json_loads(text, 0, NULL);
	size_t count = json_array_size(list);
	Oid *types = h2o_mem_alloc_pool(pool, (count + 1) * sizeof(*types));
	bool fine = json_is_array(list);

	route->parameters = h2o_mem_alloc_pool(pool, (count + 1) * sizeof(*route->parameters));
	route->parameter_count = count;
	for (size_t i = 0; i < count && fine; i++)
	{
		fine = parameter_read(json_array_get(list, i), route->path, pool, &route->parameters[i]);
		types[i] = route->parameters[i].type_oid;
		route->has_body |= route->parameters[i].source == SOURCE_BODY;
	}
	json_decref(list);
	route->statement.parameter_count = (int) count;
	route->statement.parameter_types = types;
	return fine;
}

Route *
route_read(const PGresult *rows, int row, h2o_mem_pool_t *pool)
{
	static const char *const auths[] = { "none", "operator", "user", "application" };
	int method = find_word(route_cell(rows, row, "method"), method_names, METHOD_COUNT);
	int auth = find_word(route_cell(rows, row, "auth"), auths, 4);
	const char *sql = route_cell(rows, row, "statement");
	const char *path = route_cell(rows, row, "path");
	Route *route;

	if (method < 0 || auth < 0 || path[0] != '/' || sql[0] == '\0')
		return NULL;
	route = h2o_mem_alloc_pool(pool, sizeof(*route));
	*route = (Route){ .method = (HttpMethod) method,
					  .path = h2o_strdup(pool, path, SIZE_MAX).base,
					  .auth = (RouteAuth) auth,
					  .status = atoi(route_cell(rows, row, "status")),
					  .function = h2o_strdup(pool, route_cell(rows, row, "function"), SIZE_MAX).base,
					  .description = h2o_strdup(pool, route_cell(rows, row, "description"), SIZE_MAX).base,
					  .returns_set = strcmp(route_cell(rows, row, "returns_set"), "t") == 0,
					  .statement.sql = h2o_strdup(pool, sql, SIZE_MAX).base };
	return read_parameters(route_cell(rows, row, "parameters"), pool, route) ? route : NULL;
}
