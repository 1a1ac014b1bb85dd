/*
 * statement: binds the input of a request to the parameters of its route's statement, according to docs/routes.md. It
 * does not depend on HTTP: its input is texts, and its output is values or problems, all in the given pool.
 */
#ifndef STATEMENT_H
#define STATEMENT_H

#include "call/problem.h"
#include "routes/router.h"

typedef struct StatementInput
{
	const Path *path;
	const char *query; /* still encoded, without the ?; may be empty */
	size_t query_length;
	const char *body;
	size_t body_length;
	const char *idempotency_key; /* NULL if there is none */
	size_t idempotency_key_length;
	const char *caller_id; /* from the token; NULL if there is none */
	const char *caller_role;
	const char *caller_phone; /* empty if tokens have a phone claim, but this one does not */
} StatementInput;

typedef struct Statement
{
	const char **values; /* one per parameter of the route; NULL is an SQL null */
	bool has_key;        /* an idempotency key was given */
} Statement;

/* Returns true and sets *statement, or returns false and sets *problem: 400 with all invalid names or, if there are
 * none, 422 with all invalid values. */
bool statement_bind(const Route *route, const StatementInput *input, h2o_mem_pool_t *pool, Statement *statement,
					Problem *problem);

/* Returns the maximum size of a body for the route: 64 kB plus what its texts need, or `most` if one of them has no
 * bound. */
size_t statement_body_limit(const Route *route, size_t most);

/* Returns the value given for a parameter, or NULL if there is no such parameter or it was not given. */
const char *statement_value(const Route *route, const Statement *statement, const char *name);

#endif
