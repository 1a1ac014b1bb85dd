/*
 * methods: the methods that a path has, as Allow lists them.
 */
#ifndef METHODS_H
#define METHODS_H

#include "http/request.h"
#include "routes/router.h"

/* Answers 405. */
void methods_reply_not_allowed(Request *request, const RouteSet *routes);

/* Answers OPTIONS on a path that has the routes; NULL: OPTIONS *, of the server as a whole. */
void methods_reply_options(Request *request, const RouteSet *routes);

#endif
