/*
 * request: one HTTP request, and what is known of it so far. It lies in h2o's request pool and dies with it; if the
 * client goes away before the answer, its query is abandoned. What happens to a request is the handler's affair.
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
	Router *router; /* the one it was matched with, held */
	const Route *route;
	Path path;
	char id[REQUEST_ID_LENGTH_MAX + 1];
	Statement statement;
	DbQuery *query;
	Problem problem;     /* what is answered, with what the database adds, while the query is judge's */
	bool is_judged_anew; /* which of its fields are wrong is the database's to say, not to add to */
	uint64_t started_at_us;
	int status; /* 0: not answered yet */
	size_t rows;
	size_t bytes;
	bool head;
	bool is_stream;       /* counts and logs itself when it begins and ends */
	bool is_cross_origin; /* of an origin that may call */
	Caller caller;
} Request;

/* A request that has just arrived. It counts and logs itself when h2o is done with it. */
Request *request_create(h2o_req_t *http);

/* The client's id if it sent a short and plain one, else a new one; out has room for REQUEST_ID_LENGTH_MAX and a NUL.
 */
void request_make_id(h2o_req_t *http, char *out);

/* A header's value, {NULL, 0} if it is not there. */
h2o_iovec_t request_header(const h2o_req_t *http, const char *name);

/* The request target without its query, and the query without its question mark. */
h2o_iovec_t request_raw_path(const h2o_req_t *http);
h2o_iovec_t request_raw_query(const h2o_req_t *http);

#endif
