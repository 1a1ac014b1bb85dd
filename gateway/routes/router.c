/*
 * router: a tree of path segments. Everything in it lies in one pool, freed as a whole.
 */
#include "routes/router.h"

#include <stdatomic.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
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
	const char *extension_version;
	DbStatement judge;
	H2O_VECTOR(const DbStatement *) statements; /* the routes', and the judge's behind them */
};

static void *
router_allocate(Router *router, size_t size)
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
	node = router_allocate(router, sizeof(*node));
	node->literal = is_parameter ? NULL : h2o_strdup(&router->pool, name, length).base;
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
	route->metrics_series = metrics_series(route_method_name(route->method), route->path);
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
	Route *route = router_allocate(router, sizeof(*route));

	*route = (Route){ .built_in = built_in, .path = path, .status = 200, .internal = true };
	insert_route(router, route);
}

Router *
router_create(void)
{
	Router *router = h2o_mem_alloc(sizeof(*router));

	memset(router, 0, sizeof(*router));
	atomic_init(&router->holders, 1);
	h2o_mem_init_pool(&router->pool);
	router->extension_version = "";
	add_built_in(router, BUILT_IN_HEALTH, "/health");
	add_built_in(router, BUILT_IN_READY, "/ready");
	add_built_in(router, BUILT_IN_METRICS, "/metrics");
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

const char *
router_extension_version(const Router *router)
{
	return router->extension_version;
}

size_t
router_route_count(const Router *router)
{
	return router->statements.size == 0 ? 0 : router->statements.size - 1;
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

/* Of a route that is not served: in the log, or where somebody reads at once. */
static void
log_not_served(const char *method, const char *path, const char *wrong, FILE *complaints)
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
	static const Oid judge_types[] = { TYPE_TEXT_ARRAY, TYPE_REGTYPE_ARRAY, TYPE_TEXT_ARRAY };
	static unsigned last_statement_id; /* routers are built by one thread */

	h2o_vector_reserve(&router->pool, &router->statements, (size_t) PQntuples(rows) + 1);
	if (PQntuples(rows) > 0)
		router->extension_version = h2o_strdup(&router->pool, route_cell(rows, 0, "extension_version"), SIZE_MAX).base;
	for (int row = 0; row < PQntuples(rows); row++)
	{
		Route *route = route_read(rows, row, &router->pool);
		const char *problem = route_cell(rows, row, "problem");
		const char *wrong = problem[0] != '\0' ? problem : route == NULL ? "it makes no sense to this version" : NULL;

		if (wrong != NULL)
		{
			log_not_served(route_cell(rows, row, "method"), route_cell(rows, row, "path"), wrong, complaints);
			continue;
		}
		route->statement.id = ++last_statement_id;
		router->statements.entries[router->statements.size++] = &route->statement;
		insert_route(router, route);
	}
	router->judge = (DbStatement){ .id = ++last_statement_id,
								   .sql = "SELECT name, detail FROM parley.refused_values($1, $2, $3)",
								   .parameter_count = 3,
								   .parameter_types = judge_types };
	router->statements.entries[router->statements.size++] = &router->judge;
	router->complete = true;
}
