/*
 * request: one HTTP request, and what is known about it so far. It is allocated in h2o's request pool and is freed with
 * it. If the client leaves before the response, its query is abandoned. The handler decides what happens to a request.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "call/response.h"
#include "call/statement.h"
#include "access/token.h"
#include "http/worker.h"

enum
{
	REQUEST_ID_LENGTH_MAX = 64
};

typedef struct Request
{
	h2o_req_t *http;
	Worker *worker;
	Client *client;
	Router *router; /* that it was matched with; the request holds a reference */
	const Route *route;
	Path path;
	char id[REQUEST_ID_LENGTH_MAX + 1];
	Statement statement;
	DbQuery *query;
	Problem problem;     /* the response, which the database completes, while the query is the judge's */
	bool is_judged_anew; /* only the database knows which of its fields are wrong, so what was known before is replaced
						  */
	uint64_t started_at_us;
	int status; /* 0 before the response */
	size_t bytes;
	Response response;
	PGresult *result; /* of the response, if it is large: it is sent in pieces, each written into the same buffer */
	Buffer piece;     /* this one, or the whole body */
	bool is_last_piece;
	size_t piece_sent; /* how much of it was passed to h2o */
	h2o_generator_t generator;
	Turn turn; /* waits for it to write the next piece */
	bool head;
	bool is_stream;       /* counts and logs itself when it starts and ends */
	bool is_cross_origin; /* from an origin that may call */
	Caller caller;
} Request;

/* Creates a request that has just arrived. It is counted and logged when h2o is done with it. */
Request *request_create(h2o_req_t *http);

/* Copies the client's id if it sent a short and plain one, or else makes a new one. `out` must have room for
 * REQUEST_ID_LENGTH_MAX and a NUL. */
void request_make_id(h2o_req_t *http, char *out);

/* Returns the value of a header, or {NULL, 0} if it is absent. */
h2o_iovec_t request_header(const h2o_req_t *http, const char *name);

/* Return the request target without its query, and the query without its question mark. */
h2o_iovec_t request_raw_path(const h2o_req_t *http);
h2o_iovec_t request_raw_query(const h2o_req_t *http);

#endif
