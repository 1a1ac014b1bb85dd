/*
 * access: decides whether a request may call its route. Nothing else decides that.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include "http/request.h"

typedef enum AccessDecision
{
	ACCESS_ALLOWED,
	ACCESS_UNAUTHENTICATED, /* 401: a token is needed, or a better one */
	ACCESS_FORBIDDEN        /* 403: we know who it is, and they may not */
} AccessDecision;

/* Decides according to the rules of HTTP.md whether this caller may call this route. `path` is the one that led to the
 * route. */
AccessDecision access_decide(const Route *route, const Path *path, const Caller *caller);

/* Finds the token in an Authorization header with the scheme Bearer. Returns false if there is none. */
bool access_bearer(const char *header, size_t length, const char **token, size_t *token_length);

/* Sets the caller according to the token, and decides according to the route. Returns false if it has responded with
 * 401 or 403. */
bool access_authorize(Request *request);

/* Takes the request out of its user's or application's bucket. Returns false if it has responded with 429. The operator
 * is not limited, nor are callers without a name: limiting addresses is left to the proxy. */
bool access_check_rate(Request *request);

#endif
