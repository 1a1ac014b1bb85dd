/*
 * cors: what pages of other origins may do, by --cors-origin.
 */
#ifndef CORS_H
#define CORS_H

#include "http/request.h"

/* Adds the headers of cross-origin answers where the request's origin is one that may call. */
void cors_add_headers(Request *request);

/* Answers OPTIONS on a path that has the routes; NULL: OPTIONS *, of the server as a whole. */
void cors_reply_options(Request *request, const RouteSet *routes);

/* Appends the methods of a path as Allow has them. */
void cors_write_methods(const RouteSet *routes, bool with_options, Buffer *out);

#endif
