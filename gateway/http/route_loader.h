/*
 * route_loader: reads the routes from the database, at start, whenever it has connected anew, when told to, and when
 * the database says on the channel parley_routes that they changed. Lives on the main thread's loop.
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

/* Connects, reads the routes, says on standard output how many there are; for --check. False if that fails, which was
 * said. */
bool route_loader_check(const Config *config);

#endif
