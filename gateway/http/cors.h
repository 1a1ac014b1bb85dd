/*
 * cors: what pages of other origins may do, by --cors-origin. It knows h2o's request alone, so that errors of h2o's own
 * have the headers too.
 */
#ifndef CORS_H
#define CORS_H

#include <stdbool.h>

#include <h2o.h>

/* Adds the headers of cross-origin answers where the request's origin is one of these ("*": any) and may call; returns
 * whether it is. */
bool cors_add_headers(h2o_req_t *http, const char *origins);

/* Adds what the answer to a preflight says beyond that; the methods are as Allow has them. */
void cors_add_preflight_headers(h2o_req_t *http, const char *methods, size_t length);

#endif
