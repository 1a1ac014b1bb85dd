/*
 * route: one row of parley.describe_routes(), ready for use. A route and all it points to belong to its router's pool.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include "db/db_query.h"
#include "routes/parameter.h"

typedef enum HttpMethod
{
	METHOD_GET,
	METHOD_POST,
	METHOD_PUT,
	METHOD_DELETE,
	METHOD_COUNT
} HttpMethod;

typedef enum RouteAuth
{
	AUTH_NONE,
	AUTH_OPERATOR,
	AUTH_USER,
	AUTH_APPLICATION
} RouteAuth;

typedef struct RouteColumn
{
	const char *name;
	Oid type;
} RouteColumn;

typedef enum BuiltIn
{
	BUILT_IN_NONE,
	BUILT_IN_HEALTH,
	BUILT_IN_READY,
	BUILT_IN_METRICS,
	BUILT_IN_OPENAPI
} BuiltIn;

typedef struct Route
{
	BuiltIn built_in;
	HttpMethod method;
	const char *path;
	RouteAuth auth;
	int status;
	const char *function;
	const char *description;
	bool returns_set;
	DbStatement statement;
	Parameter *parameters;
	size_t parameter_count;
	bool has_body;  /* a parameter comes from it */
	bool has_token; /* an application's, in the path */
	unsigned metrics_series;
	RouteColumn *columns; /* of its answer; NULL: not known */
	size_t column_count;
} Route;

const char *route_method_name(HttpMethod method);

/* The route that a row describes, in pool's memory; NULL if it makes no sense to this version. */
Route *route_read(const PGresult *rows, int row, h2o_mem_pool_t *pool);

/* A column of parley.describe_routes() by its name, "" where there is none or a null. */
const char *route_cell(const PGresult *rows, int row, const char *column);

#endif
