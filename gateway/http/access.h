/*
 * access: whether a request that has its route may go on. The one place that decides.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include "http/request.h"

typedef enum AccessDecision
{
	ACCESS_ALLOWED,
	ACCESS_UNAUTHENTICATED, /* 401: there must be a token, or a better one */
	ACCESS_FORBIDDEN        /* 403: it is clear who it is, and that they may not */
} AccessDecision;

/* What HTTP.md's rules say of this caller on this route; the path is the one that led to it. */
AccessDecision access_decide(const Route *route, const Path *path, const Caller *caller);

/* The token of an Authorization header of the scheme Bearer, in *token; false if it has none. */
bool access_bearer(const char *header, size_t length, const char **token, size_t *token_length);

/* Sets the caller, by the token, and decides by the route; false: the request is answered, 401 or 403. */
bool access_authorize(Request *request);

/* Takes the request out of its user's or application's bucket; false: it is answered, 429. The operator is not limited,
 * nor is whoever cannot be named: addresses are the proxy's to limit. */
bool access_check_rate(Request *request);

#endif
