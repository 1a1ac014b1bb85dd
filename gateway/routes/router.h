/*
 * router: which route a path and method lead to. Immutable once built and shared by all threads: retain and release
 * count its holders, the last one's release gives back all its memory.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include <stdatomic.h>
#include <stdio.h>

#include "base/uri.h"
#include "routes/route.h"

/* What leads to a path: a route, or NULL, by method. */
typedef struct RouteSet
{
	Route *by_method[METHOD_COUNT];
} RouteSet;

typedef struct RouteNode
{
	const char *literal;    /* NULL: a parameter */
	struct RouteNode *next; /* sibling; the parameter, if there is one, is the last */
	struct RouteNode *children;
	RouteSet routes;
	bool has_routes;
} RouteNode;

typedef struct Router
{
	atomic_uint holders;
	h2o_mem_pool_t pool;
	RouteNode root;
	bool is_complete;                           /* the database's routes are in it */
	const char *extension_version;              /* that they come from, "" without any */
	size_t route_count;                         /* of the database's */
	H2O_VECTOR(const DbStatement *) statements; /* theirs, and the judge's behind them */
	DbStatement judge;                          /* refused_values() of arrays of names, types and values */
} Router;

/* A router with the built-in routes alone, held once. */
Router *router_create(void);

/* Adds the rows of describe_routes(), once. What cannot be served is left out and told: to complaints, NULL: the log.
 */
void router_add_rows(Router *router, const PGresult *rows, FILE *complaints);

Router *router_retain(Router *router);
void router_release(Router *router);

/* The routes at a path, or NULL. A literal segment goes before a parameter. */
const RouteSet *router_match(const Router *router, const Path *path);

#endif
