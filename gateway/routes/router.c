/*
 * router: a tree of path segments. All of it is allocated in one pool, which is freed as a whole.
 */
#include "routes/router.h"

#include <string.h>

#include "base/log.h"
#include "base/metrics.h"

static RouteNode *
node_find_or_add_child(Router *router, RouteNode *parent, const char *name, size_t length)
{
	bool is_parameter = length > 0 && name[0] == '{';
	RouteNode **place = &parent->children;
	RouteNode *node;

	for (; *place != NULL && (*place)->literal != NULL; place = &(*place)->next)
		if (!is_parameter && strlen((*place)->literal) == length && memcmp((*place)->literal, name, length) == 0)
			return *place;
	if (is_parameter && *place != NULL)
		return *place;
	node = h2o_mem_alloc_pool(&router->pool, sizeof(*node));
	*node =
		(RouteNode){ .literal = is_parameter ? NULL : h2o_strdup(&router->pool, name, length).base, .next = *place };
	*place = node;
	return node;
}

static void
router_insert(Router *router, Route *route)
{
	RouteNode *node = &router->root;
	const char *at = route->path;

	while (*at == '/')
	{
		size_t length = strcspn(++at, "/");

		node = node_find_or_add_child(router, node, at, length);
		at += length;
	}
	node->routes.by_method[route->method] = route;
	route->metrics_series = metrics_series(route_method_name(route->method), route->path);
	node->has_routes = true;
}

static const RouteSet *
node_match(const RouteNode *node, const Path *path, size_t depth)
{
	const PathSegment *segment = &path->segments[depth];

	if (depth == path->count)
		return node->has_routes ? &node->routes : NULL;
	for (const RouteNode *child = node->children; child != NULL; child = child->next)
	{
		const RouteSet *found = NULL;

		if (child->literal == NULL ? segment->length > 0
								   : strlen(child->literal) == segment->length &&
										 memcmp(child->literal, segment->text, segment->length) == 0)
			found = node_match(child, path, depth + 1);
		if (found != NULL)
			return found;
	}
	return NULL;
}

const RouteSet *
router_match(const Router *router, const Path *path)
{
	return node_match(&router->root, path, 0);
}

Router *
router_create(void)
{
	static const char *const built_in_paths[] = {
		[BUILT_IN_HEALTH] = "/health", [BUILT_IN_READY] = "/ready", [BUILT_IN_METRICS] = "/metrics"
	};
	Router *router = h2o_mem_alloc(sizeof(*router));

	*router = (Router){ .holders = 1, .extension_version = "" };
	h2o_mem_init_pool(&router->pool);
	for (BuiltIn built_in = BUILT_IN_HEALTH; built_in <= BUILT_IN_METRICS; built_in++)
	{
		Route *route = h2o_mem_alloc_pool(&router->pool, sizeof(*route));

		*route = (Route){ .built_in = built_in, .path = built_in_paths[built_in], .status = 200, .internal = true };
		router_insert(router, route);
	}
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

void
router_add_rows(Router *router, const PGresult *rows, FILE *complaints)
{
	static const Oid judge_types[] = { TYPE_TEXT_ARRAY, TYPE_REGTYPE_ARRAY, TYPE_TEXT_ARRAY };
	static unsigned last_statement_id; /* routers are built by one thread */

	h2o_vector_reserve(&router->pool, &router->statements, 2 * (size_t) PQntuples(rows) + 1);
	if (PQntuples(rows) > 0)
		router->extension_version = h2o_strdup(&router->pool, route_cell(rows, 0, "extension_version"), SIZE_MAX).base;
	for (int row = 0; row < PQntuples(rows); row++)
	{
		Route *route = route_read(rows, row, &router->pool);
		const char *method = route_cell(rows, row, "method");
		const char *path = route_cell(rows, row, "path");
		const char *problem = route_cell(rows, row, "problem");
		char quoted_path[256];
		char quoted_reason[512];
		const char *wrong = problem[0] != '\0' ? problem : route == NULL ? "this version does not understand it" : NULL;

		if (wrong != NULL && complaints != NULL)
			fprintf(complaints, "parleyd: %s %s is not served: %s\n", method, path, wrong);
		else if (wrong != NULL)
			log_error("event=route_not_served method=%s path=%s reason=%s", method,
					  log_quote(path, quoted_path, sizeof(quoted_path)),
					  log_quote(wrong, quoted_reason, sizeof(quoted_reason)));
		if (wrong != NULL)
			continue;
		router->route_count++;
		route->statement.id = ++last_statement_id;
		router->statements.entries[router->statements.size++] = &route->statement;
		if (route->batch.sql != NULL)
		{
			route->batch.id = ++last_statement_id;
			router->statements.entries[router->statements.size++] = &route->batch;
		}
		router_insert(router, route);
	}
	router->judge = (DbStatement){ .id = ++last_statement_id,
								   .sql = "SELECT name, detail FROM parley.refused_values($1, $2, $3)",
								   .parameter_count = 3,
								   .parameter_types = judge_types };
	router->statements.entries[router->statements.size++] = &router->judge;
	router->is_complete = true;
}
