/*
 * response: the rows a function answered, as JSON or CSV, and as the headers that docs/routes.md names. Knows no HTTP
 * library.
 */
#ifndef RESPONSE_H
#define RESPONSE_H

#include "base/buffer.h"
#include "routes/route.h"
#include "call/statement.h"

/* The request that is answered, for its links. */
typedef struct ResponseContext
{
	const Route *route;
	const Statement *statement;
	int row;             /* which, where the route answers one object */
	const char *omitted; /* a column that is no field here; NULL: none */
	const char *path;    /* raw */
	size_t path_length;
	const char *query; /* raw */
	size_t query_length;
	const char *accept; /* the header's value */
	size_t accept_length;
} ResponseContext;

typedef struct Response
{
	int status;
	const char *content_type; /* of the body */
	Buffer body;
	Buffer links; /* the value of the header Link, empty: none */
	size_t rows;
	bool replayed;
	const char *total_count; /* NULL: none; this and the next two point into the result */
	const char *refused;     /* NULL: not; else a SQLSTATE, and there is no body */
	const char *refused_detail;
} Response;

/* Fills response, whose buffers the caller disposes. A route that answers one object but got no row: status 404. */
void response_write(const ResponseContext *context, const PGresult *result, h2o_mem_pool_t *pool, Response *response);

#endif
