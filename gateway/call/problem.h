/*
 * problem: RFC 9457 problem documents, and which of them an error of the database becomes. Texts are the caller's or
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
	const char *hint; /* NULL: none */
	unsigned retry_after_s;
	const char *outcome; /* of a lost write: "known" (nothing was done) or "unknown"; NULL: not in question */
	H2O_VECTOR(ProblemField) fields;
} Problem;

enum
{
	PROBLEM_FIELDS_MAX = 20 /* what a person can read; the rest costs only time */
};

/* A status' reason phrase. */
const char *problem_title(int status);

/* A problem of the gateway's own, code PYnnn. */
Problem problem_make(int status, const char *detail);

/* Adds a field if there are not PROBLEM_FIELDS_MAX yet. */
void problem_add_field(Problem *problem, h2o_mem_pool_t *pool, const char *field, const char *detail);

/* The status that docs/routes.md gives a SQLSTATE. */
int problem_status_of(const char *sqlstate);

/* What an error of a route's statement becomes. Texts are copied to pool. */
Problem problem_from_error(const DbError *error, const Route *route, h2o_mem_pool_t *pool);

/* What a function refused in its answer's column: a SQLSTATE and a detail, which may be empty. */
Problem problem_from_refusal(const char *sqlstate, const char *detail, h2o_mem_pool_t *pool);

void problem_write(const Problem *problem, const char *request_id, Buffer *out);

#endif
