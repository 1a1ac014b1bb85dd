/*
 * router: a tree of path segments. Everything in it lies in one pool, freed as a whole.
 */
#include "routes/router.h"

#include <stdatomic.h>
#include <string.h>

#include <jansson.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/percent.h"
#include "db/pg_types.h"

typedef struct RouteNode RouteNode;

struct RouteNode
{
	const char *literal; /* NULL: a parameter */
	RouteNode *next;     /* sibling; the parameter, if there is one, is the last */
	RouteNode *children;
	RouteSet routes;
	bool has_routes;
};

struct Router
{
	atomic_uint holders;
	h2o_mem_pool_t pool;
	RouteNode root;
	bool complete;
	DbStatement judge;
	H2O_VECTOR(const DbStatement *) statements;
	H2O_VECTOR(Route *) routes;
	const char *document;
};

static const char *const method_names[METHOD_COUNT] = { "GET", "POST", "PUT", "DELETE" };

const char *
route_method_name(HttpMethod method)
{
	return method_names[method];
}

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

static char *
copy_text(Router *router, const char *text, size_t length)
{
	return h2o_strdup(&router->pool, text, length).base;
}

static void *
allocate(Router *router, size_t size)
{
	void *memory = h2o_mem_alloc_pool(&router->pool, size == 0 ? 1 : size);

	memset(memory, 0, size);
	return memory;
}

static RouteNode *
find_or_add_child(Router *router, RouteNode *parent, const char *name, size_t length)
{
	bool is_parameter = length > 0 && name[0] == '{';
	RouteNode **place = &parent->children;
	RouteNode *node;

	for (; *place != NULL && (*place)->literal != NULL; place = &(*place)->next)
		if (!is_parameter && strlen((*place)->literal) == length && memcmp((*place)->literal, name, length) == 0)
			return *place;
	if (is_parameter && *place != NULL)
		return *place;
	node = allocate(router, sizeof(*node));
	node->literal = is_parameter ? NULL : copy_text(router, name, length);
	node->next = *place;
	*place = node;
	return node;
}

static void
insert_route(Router *router, Route *route)
{
	RouteNode *node = &router->root;
	const char *at = route->path;

	while (*at == '/')
	{
		size_t length = strcspn(++at, "/");

		node = find_or_add_child(router, node, at, length);
		at += length;
	}
	node->routes.by_method[route->method] = route;
	route->metrics_series = metrics_series(method_names[route->method], route->path);
	node->has_routes = true;
}

static const RouteNode *
match_node(const RouteNode *node, const Path *path, size_t depth)
{
	const PathSegment *segment = &path->segments[depth];

	if (depth == path->count)
		return node->has_routes ? node : NULL;
	for (const RouteNode *child = node->children; child != NULL; child = child->next)
	{
		const RouteNode *found = NULL;

		if (child->literal == NULL ? segment->length > 0
								   : strlen(child->literal) == segment->length &&
										 memcmp(child->literal, segment->text, segment->length) == 0)
			found = match_node(child, path, depth + 1);
		if (found != NULL)
			return found;
	}
	return NULL;
}

const RouteSet *
router_match(const Router *router, const Path *path)
{
	const RouteNode *node = match_node(&router->root, path, 0);

	return node == NULL ? NULL : &node->routes;
}

static void
add_built_in(Router *router, BuiltIn built_in, const char *path)
{
	Route *route = allocate(router, sizeof(*route));

	*route = (Route){ .built_in = built_in, .path = path, .status = 200, .description = "" };
	insert_route(router, route);
}

Router *
router_create(void)
{
	Router *router = h2o_mem_alloc(sizeof(*router));

	memset(router, 0, sizeof(*router));
	atomic_init(&router->holders, 1);
	h2o_mem_init_pool(&router->pool);
	add_built_in(router, BUILT_IN_HEALTH, "/health");
	add_built_in(router, BUILT_IN_READY, "/ready");
	add_built_in(router, BUILT_IN_METRICS, "/metrics");
	add_built_in(router, BUILT_IN_OPENAPI, "/openapi.json");
	return router;
}

Router *
router_retain(Router *router)
{
	atomic_fetch_add_explicit(&router->holders, 1, memory_order_relaxed);
	return router;
}

void
router_release(Router *router)
{
	if (router == NULL || atomic_fetch_sub_explicit(&router->holders, 1, memory_order_acq_rel) != 1)
		return;
	h2o_mem_clear_pool(&router->pool);
	free(router);
}

bool
router_is_complete(const Router *router)
{
	return router->complete;
}

size_t
router_route_count(const Router *router)
{
	return router->routes.size;
}

const Route *const *
router_routes(const Router *router)
{
	return (const Route *const *) router->routes.entries;
}

const char *
router_document(const Router *router)
{
	return router->document;
}

size_t
router_statement_count(const Router *router)
{
	return router->statements.size;
}

const DbStatement *const *
router_statements(const Router *router)
{
	return router->statements.entries;
}

const DbStatement *
router_judge(const Router *router)
{
	return &router->judge;
}

void
router_set_columns(Router *router, size_t place, const PGresult *description)
{
	Route *route = router->routes.entries[place];

	route->column_count = (size_t) PQnfields(description);
	route->columns = allocate(router, route->column_count * sizeof(*route->columns));
	for (int i = 0; i < PQnfields(description); i++)
		route->columns[i] =
			(RouteColumn){ .name = copy_text(router, PQfname(description, i), strlen(PQfname(description, i))),
						   .type = PQftype(description, i) };
}

void
router_set_document(Router *router, const char *text)
{
	router->document = copy_text(router, text, strlen(text));
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

/* Which segment of the path is {name}; SIZE_MAX if none. */
static size_t
find_segment(const char *path, const char *name)
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
member_text(Router *router, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) ? copy_text(router, json_string_value(value), json_string_length(value)) : NULL;
}

static size_t
member_size(const json_t *object, const char *key, size_t absent)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) && json_integer_value(value) >= 0 ? (size_t) json_integer_value(value) : absent;
}

static void
read_bounds(Router *router, const json_t *description, Parameter *parameter)
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
	parameter->one_of = allocate(router, parameter->one_of_count * sizeof(*parameter->one_of));
	for (size_t i = 0; i < parameter->one_of_count; i++)
	{
		const char *word = json_string_value(json_array_get(one_of, i));

		parameter->one_of[i] = word == NULL ? "" : copy_text(router, word, strlen(word));
	}
}

/* Whether value.c cannot say all that there is to say of a value of this type. */
static bool
is_judged_by_database(Oid type)
{
	return type != TYPE_SMALLINT && type != TYPE_INTEGER && type != TYPE_BIGINT && type != TYPE_BOOLEAN &&
		   type != TYPE_TEXT && type != TYPE_VARCHAR && type != TYPE_TIMESTAMPTZ;
}

const char *
parameter_field(const Parameter *parameter)
{
	return parameter->source == SOURCE_HEADER ? "Idempotency-Key" : parameter->name;
}

static bool
read_parameter(Router *router, const Route *route, const json_t *description, Parameter *parameter)
{
	static const char *const sources[] = { "path", "query", "body", "header", "token" };
	const char *source = json_string_value(json_object_get(description, "in"));
	int place = source == NULL ? -1 : find_word(source, sources, 5);

	if (place < 0)
		return false;
	*parameter = (Parameter){ .name = member_text(router, description, "name"),
							  .source = (ParameterSource) place,
							  .type = member_text(router, description, "type"),
							  .type_oid = (Oid) member_size(description, "type_oid", 0),
							  .required = json_is_true(json_object_get(description, "required")),
							  .fallback = member_text(router, description, "default"),
							  .domain = member_text(router, description, "domain"),
							  .description = member_text(router, description, "description") };
	read_bounds(router, description, parameter);
	parameter->has_more =
		is_judged_by_database(parameter->type_oid) || json_is_true(json_object_get(description, "more"));
	if (parameter->name == NULL || parameter->type == NULL)
		return false;
	if (parameter->source == SOURCE_PATH)
		parameter->segment = find_segment(route->path, parameter->name);
	return parameter->source != SOURCE_PATH || parameter->segment < PATH_SEGMENTS_MAX;
}

static bool
read_parameters(Router *router, Route *route, const char *text)
{
	json_t *list = json_loads(text, 0, NULL);
	size_t count = json_array_size(list);
	Oid *types = allocate(router, count * sizeof(*types));
	bool fine = json_is_array(list);

	route->parameters = allocate(router, count * sizeof(*route->parameters));
	route->parameter_count = count;
	for (size_t i = 0; i < count && fine; i++)
	{
		fine = read_parameter(router, route, json_array_get(list, i), &route->parameters[i]);
		types[i] = route->parameters[i].type_oid;
		route->has_body |= route->parameters[i].source == SOURCE_BODY;
	}
	json_decref(list);
	route->statement.parameter_count = (int) count;
	route->statement.parameter_types = types;
	return fine;
}

/* A column of describe_routes() by its name, "" where there is none or a null. */
static const char *
cell(const PGresult *rows, int row, const char *column)
{
	int place = PQfnumber(rows, column);

	return place < 0 ? "" : PQgetvalue(rows, row, place);
}

static Route *
read_route(Router *router, const PGresult *rows, int row)
{
	static const char *const auths[] = { "none", "operator", "user", "application" };
	int method = find_word(cell(rows, row, "method"), method_names, METHOD_COUNT);
	int auth = find_word(cell(rows, row, "auth"), auths, 4);
	const char *function = cell(rows, row, "function");
	const char *description = cell(rows, row, "description");
	const char *sql = cell(rows, row, "statement");
	const char *path = cell(rows, row, "path");
	Route *route = allocate(router, sizeof(*route));

	if (method < 0 || auth < 0 || path[0] != '/' || sql[0] == '\0')
		return NULL;
	*route = (Route){ .method = (HttpMethod) method,
					  .path = copy_text(router, path, strlen(path)),
					  .auth = (RouteAuth) auth,
					  .status = atoi(cell(rows, row, "status")),
					  .function = copy_text(router, function, strlen(function)),
					  .description = copy_text(router, description, strlen(description)),
					  .returns_set = strcmp(cell(rows, row, "returns_set"), "t") == 0,
					  .statement.sql = copy_text(router, sql, strlen(sql)) };
	return read_parameters(router, route, cell(rows, row, "parameters")) ? route : NULL;
}

static void
add_judge(Router *router, unsigned id)
{
	static const Oid types[] = { TYPE_TEXT_ARRAY, TYPE_REGTYPE_ARRAY, TYPE_TEXT_ARRAY };

	router->judge = (DbStatement){ .id = id,
								   .sql = "SELECT name, detail FROM parley.refused_values($1, $2, $3)",
								   .parameter_count = 3,
								   .parameter_types = types };
	router->statements.entries[router->statements.size++] = &router->judge;
}

/* Why a row is no route that can be served, or NULL. */
static const char *
reason_against(const Route *route, const PGresult *rows, int row)
{
	const char *problem = cell(rows, row, "problem");

	return problem[0] != '\0' ? problem : route == NULL ? "it makes no sense to this version" : NULL;
}

/* Of a route that is not served: in the log, or where somebody reads at once. */
static void
complain(const char *method, const char *path, const char *wrong, FILE *complaints)
{
	char quoted_path[256];
	char quoted_reason[512];

	if (complaints != NULL)
		fprintf(complaints, "parleyd: %s %s is not served: %s\n", method, path, wrong);
	else
		log_error("event=route_not_served method=%s path=%s reason=%s", method,
				  log_quote(path, quoted_path, sizeof(quoted_path)),
				  log_quote(wrong, quoted_reason, sizeof(quoted_reason)));
}

void
router_add_rows(Router *router, const PGresult *rows, FILE *complaints)
{
	static unsigned last_statement_id; /* routers are built by one thread */

	h2o_vector_reserve(&router->pool, &router->statements, (size_t) PQntuples(rows) + 1);
	h2o_vector_reserve(&router->pool, &router->routes, (size_t) PQntuples(rows) + 1);
	for (int row = 0; row < PQntuples(rows); row++)
	{
		Route *route = read_route(router, rows, row);
		const char *wrong = reason_against(route, rows, row);

		if (wrong != NULL)
		{
			complain(cell(rows, row, "method"), cell(rows, row, "path"), wrong, complaints);
			continue;
		}
		route->statement.id = ++last_statement_id;
		router->statements.entries[router->statements.size++] = &route->statement;
		router->routes.entries[router->routes.size++] = route;
		insert_route(router, route);
	}
	add_judge(router, ++last_statement_id);
	router->complete = true;
}
