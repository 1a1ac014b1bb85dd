/*
 * router: finds the route for a path and a method. It is immutable once built and shared by all threads. retain and
 * release count its holders; the last release frees all of its memory.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include <stdatomic.h>
#include <stdio.h>

#include "base/uri.h"
#include "routes/route.h"

/* The routes for a path, by method; NULL if there is none. */
typedef struct RouteSet
{
	Route *by_method[METHOD_COUNT];
} RouteSet;

typedef struct RouteNode
{
	const char *literal;    /* NULL for a parameter */
	struct RouteNode *next; /* next sibling; a parameter comes last */
	struct RouteNode *children;
	RouteSet routes;
	bool has_routes;
} RouteNode;

typedef struct Router
{
	atomic_uint holders;
	h2o_mem_pool_t pool;
	RouteNode root;
	bool is_complete;                           /* it contains the routes of the database */
	const char *extension_version;              /* of the database, "" if it has none */
	size_t route_count;                         /* from the database */
	H2O_VECTOR(const DbStatement *) statements; /* those of the routes, followed by the judge's */
	DbStatement judge;                          /* refused_values() for arrays of names, types and values */
} Router;

/* Creates a router with only the built-in routes and one reference. */
Router *router_create(void);

/* Adds the rows of describe_routes(). Call this once. Routes that cannot be served are left out and reported to
 * `complaints` or, if that is NULL, in the log. */
void router_add_rows(Router *router, const PGresult *rows, FILE *complaints);

Router *router_retain(Router *router);
void router_release(Router *router);

/* Returns the routes for a path, or NULL. A literal segment takes precedence over a parameter. */
const RouteSet *router_match(const Router *router, const Path *path);

#endif
