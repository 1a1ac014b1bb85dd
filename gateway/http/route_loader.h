/*
 * route_loader: reads the routes from the database at start, after each reconnection, on request, and when a
 * notification on the channel parley_routes says that they have changed. Runs on the main thread's loop.
 */
#ifndef ROUTE_LOADER_H
#define ROUTE_LOADER_H

#include "config/config.h"
#include "db/db_pool.h"
#include "http/server.h"

typedef struct RouteLoader RouteLoader;

RouteLoader *route_loader_start(h2o_loop_t *loop, const Config *config, Server *server);
void route_loader_reload(RouteLoader *loader);
void route_loader_dispose(RouteLoader *loader);

/* For --check: connects, reads the routes, and prints on standard output how many there are. Returns false on failure,
 * which has been printed. */
bool route_loader_check(const Config *config);

#endif
