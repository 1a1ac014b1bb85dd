/*
 * response: the rows that a function returned, as JSON or CSV, and the headers that docs/routes.md lists. The body is
 * written in parts, because a large one takes long. Does not use the HTTP library.
 */
#ifndef RESPONSE_H
#define RESPONSE_H

#include "base/buffer.h"
#include "routes/route.h"
#include "call/statement.h"

/* The request, for use in links. */
typedef struct ResponseContext
{
	const Route *route;
	const Statement *statement;
	int row;             /* the row to write, if the route returns one object */
	const char *omitted; /* a column that is not a field here, or NULL */
	const char *path;    /* still encoded */
	size_t path_length;
	const char *query; /* still encoded */
	size_t query_length;
	const char *accept; /* value of the header Accept */
	size_t accept_length;
} ResponseContext;

typedef enum ResponseForm
{
	RESPONSE_EMPTY,
	RESPONSE_JSON, /* a value that is JSON already */
	RESPONSE_OBJECT,
	RESPONSE_ARRAY,
	RESPONSE_CSV
} ResponseForm;

typedef struct ResponseField ResponseField;

typedef struct Response
{
	int status;
	const char *content_type; /* type of the body */
	Buffer links;             /* the value of the Link header; empty if there is none */
	size_t rows;              /* written so far */
	bool replayed;
	bool incomplete;         /* elements are missing from the list */
	const char *total_count; /* NULL if there is none; this and the next two point into the result */
	const char *refused;     /* NULL or, if refused, an SQLSTATE, in which case there is no body */
	const char *refused_detail;
	/* where writing goes on */
	const PGresult *result;
	ResponseForm form;
	ResponseField *fields;
	size_t field_count;
	int row;
	size_t field;
	size_t offset;
} Response;

/* Fills in the response. The result must live as long as it is written; its fields are allocated in the pool; the
 * caller must dispose of `links`. If the route returns a single object but there is no row, the status is 404. */
void response_begin(const ResponseContext *context, const PGresult *result, h2o_mem_pool_t *pool, Response *response);

/* Appends the next part of the body, until `out` has about `size` bytes. Returns whether that was the last. */
bool response_write(Response *response, Buffer *out, size_t size);

#endif
