/*
 * problem: RFC 9457 problem documents, and the mapping of database errors to them. Texts belong to the caller or are
 * static.
 */
#ifndef PROBLEM_H
#define PROBLEM_H

#include "base/buffer.h"
#include "routes/route.h"

typedef struct ProblemField
{
	const char *field;
	const char *detail;
} ProblemField;

typedef struct Problem
{
	int status;
	const char *code; /* SQLSTATE */
	const char *detail;
	const char *hint; /* NULL if there is none */
	unsigned retry_after_s;
	const char *outcome; /* of a lost write: "known" (nothing was done) or "unknown"; otherwise NULL */
	H2O_VECTOR(ProblemField) fields;
} Problem;

enum
{
	PROBLEM_FIELDS_MAX = 20 /* as many as a person can read; more would only cost time */
};

/* Returns the reason phrase of a status. */
const char *problem_title(int status);

/* Makes a problem of the gateway's own, with the code PYnnn. */
Problem problem_make(int status, const char *detail);

/* Adds a field, unless there are PROBLEM_FIELDS_MAX already. */
void problem_add_field(Problem *problem, h2o_mem_pool_t *pool, const char *field, const char *detail);

/* Returns the status of an SQLSTATE according to docs/routes.md. */
int problem_status_of(const char *sqlstate);

/* Converts an error of a route's statement to a problem. Texts are copied to the pool. */
Problem problem_from_error(const DbError *error, const Route *route, h2o_mem_pool_t *pool);

/* Converts a refusal in a column of the result to a problem. The detail may be empty. */
Problem problem_from_refusal(const char *sqlstate, const char *detail, h2o_mem_pool_t *pool);

void problem_write(const Problem *problem, const char *request_id, Buffer *out);

#endif
