/*
 * route: reads a route from one row of parley.describe_routes().
 */
#include "routes/route.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/uri.h"

static const char *const method_names[METHOD_COUNT] = { "GET", "POST", "PUT", "DELETE" };

const char *
route_method_name(HttpMethod method)
{
	return method_names[method];
}

/* Returns the position of a word in a list, or -1. */
static int
word_find(const char *word, const char *const *words, int count)
{
	for (int i = 0; word != NULL && i < count; i++)
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

const char *
parameter_field(const Parameter *parameter)
{
	return parameter->source == SOURCE_HEADER ? "Idempotency-Key" : parameter->name;
}

/* Returns which segment of the path is {name}, or SIZE_MAX if there is none. */
static size_t
segment_find(const char *path, const char *name)
{
	size_t length = strlen(name);

	for (size_t place = 0; *path == '/'; place++)
	{
		size_t segment = strcspn(++path, "/");

		if (segment == length + 2 && path[0] == '{' && memcmp(path + 1, name, length) == 0)
			return place;
		path += segment;
	}
	return SIZE_MAX;
}

static const char *
member_text(const json_t *object, const char *key, h2o_mem_pool_t *pool)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) ? h2o_strdup(pool, json_string_value(value), json_string_length(value)).base : NULL;
}

static size_t
member_size(const json_t *object, const char *key, size_t absent)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) && json_integer_value(value) >= 0 ? (size_t) json_integer_value(value) : absent;
}

static void
parameter_read_bounds(const json_t *description, h2o_mem_pool_t *pool, Parameter *parameter)
{
	const json_t *minimum = json_object_get(description, "minimum");
	const json_t *maximum = json_object_get(description, "maximum");
	const json_t *one_of = json_object_get(description, "one_of");

	parameter->has_minimum = json_is_integer(minimum);
	parameter->minimum = json_integer_value(minimum);
	parameter->has_maximum = json_is_integer(maximum);
	parameter->maximum = json_integer_value(maximum);
	parameter->min_length = member_size(description, "min_length", 0);
	parameter->max_length = member_size(description, "max_length", SIZE_MAX);
	parameter->one_of_count = json_array_size(one_of);
	parameter->one_of = h2o_mem_alloc_pool(pool, (parameter->one_of_count + 1) * sizeof(*parameter->one_of));
	for (size_t i = 0; i < parameter->one_of_count; i++)
	{
		const char *word = json_string_value(json_array_get(one_of, i));

		parameter->one_of[i] = word == NULL ? "" : h2o_strdup(pool, word, SIZE_MAX).base;
	}
}

static bool
parameter_read(const json_t *description, const char *path, h2o_mem_pool_t *pool, Parameter *parameter)
{
	static const char *const sources[] = { "path", "query", "body", "header", "token", "nulls" };
	int source = word_find(json_string_value(json_object_get(description, "in")), sources, 6);
	Oid type;

	*parameter = (Parameter){ .name = member_text(description, "name", pool),
							  .source = (ParameterSource) source,
							  .type = member_text(description, "type", pool),
							  .type_oid = (Oid) member_size(description, "type_oid", 0),
							  .required = json_is_true(json_object_get(description, "required")),
							  .domain = member_text(description, "domain", pool),
							  .description = member_text(description, "description", pool) };
	parameter_read_bounds(description, pool, parameter);
	/* value.c can check these types completely. */
	type = parameter->type_oid;
	parameter->has_more =
		(type != TYPE_SMALLINT && type != TYPE_INTEGER && type != TYPE_BIGINT && type != TYPE_BOOLEAN &&
		 type != TYPE_TEXT && type != TYPE_VARCHAR && type != TYPE_TIMESTAMPTZ) ||
		json_is_true(json_object_get(description, "more"));
	if (parameter->name == NULL || parameter->type == NULL || source < 0)
		return false;
	if (parameter->source == SOURCE_PATH)
		parameter->segment = segment_find(path, parameter->name);
	return parameter->source != SOURCE_PATH || parameter->segment < PATH_SEGMENTS_MAX;
}

static bool
route_read_parameters(const char *text, h2o_mem_pool_t *pool, Route *route)
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
	}
	json_decref(list);
	route->statement.parameter_count = (int) count;
	route->statement.parameter_types = types;
	return fine;
}

const Parameter *
route_parameter(const Route *route, const char *name)
{
	for (size_t i = 0; i < route->parameter_count; i++)
		if (strcmp(route->parameters[i].name, name) == 0)
			return &route->parameters[i];
	return NULL;
}

Route *
route_read(const PGresult *rows, int row, h2o_mem_pool_t *pool)
{
	static const char *const auths[] = { "none", "operator", "user", "application" };
	int method = word_find(route_cell(rows, row, "method"), method_names, METHOD_COUNT);
	int auth = word_find(route_cell(rows, row, "auth"), auths, 4);
	const char *sql = route_cell(rows, row, "statement");
	const char *batch = route_cell(rows, row, "batch");
	const char *path = route_cell(rows, row, "path");
	Route *route;

	if (method < 0 || auth < 0 || path[0] != '/' || sql[0] == '\0')
		return NULL;
	route = h2o_mem_alloc_pool(pool, sizeof(*route));
	*route = (Route){ .method = (HttpMethod) method,
					  .path = h2o_strdup(pool, path, SIZE_MAX).base,
					  .auth = (RouteAuth) auth,
					  .status = atoi(route_cell(rows, row, "status")),
					  .internal = strcmp(route_cell(rows, row, "internal"), "t") == 0,
					  .returns_set = strcmp(route_cell(rows, row, "returns_set"), "t") == 0,
					  .streams = strcmp(route_cell(rows, row, "streams"), "t") == 0,
					  .statement.sql = h2o_strdup(pool, sql, SIZE_MAX).base };
	if (!route_read_parameters(route_cell(rows, row, "parameters"), pool, route))
		return NULL;
	if (batch[0] != '\0')
		route->batch = (DbStatement){ .sql = h2o_strdup(pool, batch, SIZE_MAX).base,
									  .parameter_count = route->statement.parameter_count };
	return !route->streams || (route->method == METHOD_GET && route_parameter(route, "cursor") != NULL) ? route : NULL;
}
