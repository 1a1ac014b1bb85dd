/*
 * router: which route a path and method lead to. Immutable once built and shared by all threads: retain and release
 * count its holders, the last one's release gives back all its memory.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include <stdio.h>

#include "base/uri.h"
#include "routes/route.h"

typedef struct Router Router;

/* What leads to a path: a route, or NULL, by method. */
typedef struct RouteSet
{
	Route *by_method[METHOD_COUNT];
} RouteSet;

/* A router with the built-in routes alone, held once. */
Router *router_create(void);

/* Adds the rows of describe_routes(), once. What cannot be served is left out and told: to complaints, NULL: the log.
 */
void router_add_rows(Router *router, const PGresult *rows, FILE *complaints);

Router *router_retain(Router *router);
void router_release(Router *router);

/* The routes at a path, or NULL. A literal segment goes before a parameter. */
const RouteSet *router_match(const Router *router, const Path *path);

/* Whether the database's routes are in it. */
bool router_is_complete(const Router *router);

/* The extension's version that the routes come from, "" without any. */
const char *router_extension_version(const Router *router);

/* How many routes the database has, and their statements; behind these stands the judge's. */
size_t router_route_count(const Router *router);
size_t router_statement_count(const Router *router);
const DbStatement *const *router_statements(const Router *router);

/* refused_values() of arrays of names, types and values. */
const DbStatement *router_judge(const Router *router);

#endif
