/*
 * auth: who the caller is, by the bearer token, and whether the route's row lets them in. The one place that decides.
 */
#ifndef AUTH_H
#define AUTH_H

#include "routes/router.h"
#include "access/token.h"

typedef enum AuthDecision
{
	AUTH_ALLOWED,
	AUTH_UNAUTHENTICATED, /* 401: there must be a token, or a better one */
	AUTH_FORBIDDEN        /* 403: it is clear who it is, and that they may not */
} AuthDecision;

/* What HTTP.md's rules say of this caller on this route; the path is the one that led to it. */
AuthDecision auth_decide(const Route *route, const Path *path, const Caller *caller);

/* The token of an Authorization header of the scheme Bearer, in *token; false if it has none. */
bool auth_bearer(const char *header, size_t length, const char **token, size_t *token_length);

#endif
