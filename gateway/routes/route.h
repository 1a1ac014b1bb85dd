/*
 * route: one row of parley.describe_routes(), ready for use. A route and everything that it points to belong to its
 * router's pool.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include "db/db_query.h"

typedef enum ParameterSource
{
	SOURCE_PATH,
	SOURCE_QUERY,
	SOURCE_BODY,
	SOURCE_HEADER,
	SOURCE_TOKEN,
	SOURCE_NULLS /* the names of the body's fields that are null */
} ParameterSource;

typedef struct Parameter
{
	const char *name;
	ParameterSource source;
	size_t segment; /* of the path, if source is SOURCE_PATH */
	const char *type;
	Oid type_oid;
	bool required;
	const char *domain;      /* schema.name, or NULL */
	const char *description; /* the domain's comment, or NULL */
	bool has_minimum;
	bool has_maximum;
	int64_t minimum;
	int64_t maximum;
	size_t min_length; /* in characters */
	size_t max_length; /* SIZE_MAX if there is none */
	const char **one_of;
	size_t one_of_count;
	bool has_more; /* a value within these bounds may still be invalid for the type or the domain; only the database can
					  tell */
} Parameter;

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

typedef enum BuiltIn
{
	BUILT_IN_NONE,
	BUILT_IN_HEALTH,
	BUILT_IN_READY,
	BUILT_IN_METRICS
} BuiltIn;

typedef struct Route
{
	BuiltIn built_in;
	HttpMethod method;
	const char *path;
	RouteAuth auth;
	bool internal; /* served only on --admin-listen, if that is set */
	int status;
	bool returns_set;
	bool streams; /* the response is a stream that continues from cursor to cursor */
	DbStatement statement;
	DbStatement batch; /* the same for many calls: an array for each parameter, and a row for each of their elements;
						  sql is NULL if there is none */
	Parameter *parameters;
	size_t parameter_count;
	unsigned metrics_series;
} Route;

/* Returns the name of a parameter in error messages. */
const char *parameter_field(const Parameter *parameter);

/* Returns the route's parameter of that name, or NULL. */
const Parameter *route_parameter(const Route *route, const char *name);

const char *route_method_name(HttpMethod method);

/* Returns the route that a row describes, allocated in the pool, or NULL if it makes no sense to this version. */
Route *route_read(const PGresult *rows, int row, h2o_mem_pool_t *pool);

/* Returns a column of parley.describe_routes() by name, or "" if it does not exist or is null. */
const char *route_cell(const PGresult *rows, int row, const char *column);

#endif
