/*
 * statement: binds what a request brings to the parameters of its route's statement, by docs/routes.md. Knows no HTTP:
 * it gets texts, and answers values or complaints, all in the given pool.
 */
#ifndef STATEMENT_H
#define STATEMENT_H

#include "call/problem.h"
#include "routes/router.h"

typedef struct StatementInput
{
	const Path *path;
	const char *query; /* raw, without the ?; may be empty */
	size_t query_length;
	const char *body;
	size_t body_length;
	const char *idempotency_key; /* NULL: none */
	size_t idempotency_key_length;
	const char *caller_id; /* as the token has them; NULL: none */
	const char *caller_role;
	const char *caller_phone; /* empty: tokens tell it, and this one does not */
} StatementInput;

typedef struct Statement
{
	const char **values; /* one a parameter of the route, NULL for an SQL null */
	bool has_key;        /* an idempotency key was given */
} Statement;

/* True and *statement, or false and *problem: 400 with all bad names, or else 422 with all bad values. */
bool statement_bind(const Route *route, const StatementInput *input, h2o_mem_pool_t *pool, Statement *statement,
					Problem *problem);

/* How many bytes a body of the route has at most: 64 kB and what its texts need, most where one of them has no bound.
 */
size_t statement_body_limit(const Route *route, size_t most);

/* The value given to a parameter, NULL if there is none of that name or it was not given. */
const char *statement_value(const Route *route, const Statement *statement, const char *name);

#endif
