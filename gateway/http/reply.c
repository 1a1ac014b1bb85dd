/*
 * reply: passes a response to h2o. The content length is set unless the response is sent in chunks, because h2o closes
 * the connection otherwise.
 */
#include "http/reply.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum
{
	PIECE_BYTES = 65536 /* takes some 0.1 ms to write, and --send-timeout-ms to read at most */
};

static void
header_add(h2o_req_t *http, const char *name, const char *value, size_t length)
{
	h2o_add_header_by_str(&http->pool, &http->res.headers, name, strlen(name), 1, NULL,
						  h2o_strdup(&http->pool, value, length).base, length);
}

void
reply_header(Request *request, const char *name, const char *value, size_t length)
{
	header_add(request->http, name, value, length);
}

bool
reply_cors_headers(h2o_req_t *http, const char *origins)
{
	static const char exposed[] = "Link, X-Total-Count, X-Incomplete, X-Request-Id, Idempotency-Replayed, Retry-After, "
								  "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset";
	bool is_any = strcmp(origins, "*") == 0;
	h2o_iovec_t origin = request_header(http, "origin");

	if (origins[0] == '\0')
		return false;
	if (!is_any)
		header_add(http, "vary", "Origin", 6);
	if (origin.base == NULL || !(is_any || h2o_contains_token(origins, strlen(origins), origin.base, origin.len, ',')))
		return false;
	if (is_any)
		origin = h2o_iovec_init(H2O_STRLIT("*"));
	header_add(http, "access-control-allow-origin", origin.base, origin.len);
	header_add(http, "access-control-expose-headers", exposed, sizeof(exposed) - 1);
	return true;
}

static void
body_dispose(void *body)
{
	buffer_dispose(body);
}

/* Passes ownership of the body's memory to the request's pool. */
static h2o_iovec_t
body_hold(h2o_req_t *http, Buffer *body)
{
	Buffer *held = h2o_mem_alloc_shared(&http->pool, sizeof(*held), body_dispose);

	buffer_trim(body);
	*held = *body;
	*body = (Buffer){ 0 };
	return h2o_iovec_init(held->base, held->length);
}

/* Starts the response. `held_bytes` is what it takes in memory until it is sent. */
static void
reply_start(Request *request, int status, const char *content_type, size_t content_length, size_t held_bytes)
{
	h2o_req_t *http = request->http;
	const DbQuery *query = request->query;
	char timing[96];
	int length;

	request->status = status;
	client_set_sending(request->client, held_bytes + 1);
	http->res.status = status;
	http->res.reason = problem_title(status);
	http->res.content_length = content_length;
	if (content_type != NULL)
		h2o_add_header(&http->pool, &http->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, content_type,
					   strlen(content_type));
	reply_header(request, "x-request-id", request->id, strlen(request->id));
	/* The time spent waiting for a connection, and then for the database. */
	if (query != NULL && query->sent_at_us != 0 && query->finished_at_us >= query->sent_at_us)
	{
		length = snprintf(timing, sizeof(timing), "queue;dur=%.3f, db;dur=%.3f",
						  (double) (query->sent_at_us - query->submitted_at_us) / 1000,
						  (double) (query->finished_at_us - query->sent_at_us) / 1000);
		reply_header(request, "server-timing", timing, (size_t) length);
	}
	if (request->route == NULL || request->route->built_in == BUILT_IN_NONE)
		reply_header(request, "cache-control", "no-store", 8);
	/* Only chunks or the end of the connection tell where a body of unknown length ends. */
	if (request->worker->draining || (content_length == SIZE_MAX && status == 200 && http->version < 0x101))
		http->http1_is_persistent = 0;
	h2o_start_response(http, &request->generator);
}

/* ----- in pieces ----- */

/* Passes as much of the piece to h2o as a client must read in time. */
static void
piece_send(Request *request)
{
	size_t left = request->piece.length - request->piece_sent;
	const char *start = left == 0 ? "" : request->piece.base + request->piece_sent; /* an empty one has no base */
	h2o_iovec_t bytes = h2o_iovec_init(start, left < PIECE_BYTES || request->head ? left : PIECE_BYTES);
	bool is_last = request->head || (request->is_last_piece && bytes.len == left);

	request->bytes += bytes.len;
	request->piece_sent += bytes.len;
	h2o_send(request->http, &bytes, bytes.len != 0 && !request->head,
			 is_last ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

static void
on_turn(Turn *turn)
{
	Request *request = H2O_STRUCT_FROM_MEMBER(Request, turn, turn);
	Buffer *piece = &request->piece;

	if (request->piece_sent == piece->length)
	{
		size_t capacity = piece->capacity;

		piece->length = request->piece_sent = 0;
		request->is_last_piece = response_write(&request->response, piece, PIECE_BYTES);
		/* Lines and arrays are written as a whole, so it may have grown. */
		request->client->sending_bytes += piece->capacity - capacity;
	}
	piece_send(request);
}

/* What was sent last is with the kernel. Do not send more at once: as long as the client reads as fast, h2o calls this
 * again before it looks at any other connection. */
static void
on_proceed(h2o_generator_t *generator, h2o_req_t *http)
{
	Request *request = H2O_STRUCT_FROM_MEMBER(Request, generator, generator);

	(void) http;
	client_note_progress(request->client);
	worker_wait_for_turn(request->worker, &request->turn);
}

static void
reply_start_pieces(Request *request, int status, const char *content_type, size_t content_length, size_t held_bytes)
{
	request->turn.cb = on_turn;
	request->generator.proceed = on_proceed;
	reply_start(request, status, content_type, content_length, held_bytes);
	piece_send(request);
}

void
reply_body(Request *request, int status, const char *content_type, Buffer *body)
{
	size_t length = body->length;

	buffer_trim(body);
	if (body != &request->piece)
	{
		request->piece = *body;
		*body = (Buffer){ 0 };
	}
	request->is_last_piece = true;
	reply_start_pieces(request, status, content_type, status == 204 ? SIZE_MAX : length, length);
}

void
reply_rows(Request *request)
{
	Response *response = &request->response;
	const char *type = response->status == 204 ? NULL : response->content_type;
	Buffer *piece = &request->piece;

	/* h2o sends chunks with status 200 only. */
	if (response_write(response, piece, response->status == 200 ? PIECE_BYTES : SIZE_MAX))
	{
		reply_body(request, response->status, type, piece);
		return;
	}
	request->result = db_query_take_result(request->query);
	reply_start_pieces(request, response->status, type, SIZE_MAX,
					   PQresultMemorySize(request->result) + piece->capacity);
}

/* ----- problems ----- */

void
reply_problem(Request *request, const Problem *problem)
{
	Buffer body = { 0 };
	char seconds[16];

	/* The request may be tried again later. */
	if (problem->status == 429 || problem->status == 503 || problem->status == 504)
		reply_header(request, "retry-after", seconds,
					 (size_t) snprintf(seconds, sizeof(seconds), "%u",
									   problem->retry_after_s == 0 ? 1 : problem->retry_after_s));
	problem_write(problem, request->id, &body);
	reply_body(request, problem->status, "application/problem+json", &body);
}

void
reply_error(Request *request, int status, const char *detail)
{
	Problem problem = problem_make(status, detail);

	reply_problem(request, &problem);
}

/* The filter's stream: replaces the body of an error from h2o itself with a problem document. */
static void
stream_send_problem(h2o_ostream_t *stream, h2o_req_t *http, h2o_iovec_t *bytes, size_t count, h2o_send_state_t state)
{
	Worker *worker = H2O_STRUCT_FROM_MEMBER(Worker, http, http->conn->ctx);
	Problem problem = problem_make(http->res.status, http->res.status == 413 ? "The body is too large." : NULL);
	Buffer body = { 0 };
	char id[REQUEST_ID_LENGTH_MAX + 1];
	h2o_iovec_t document;

	request_make_id(http, id);
	problem_write(&problem, id, &body);
	document = body_hold(http, &body);
	http->res.reason = problem_title(http->res.status);
	http->res.content_length = document.len;
	reply_cors_headers(http, worker->config->cors_origin);
	h2o_set_header(&http->pool, &http->res.headers, H2O_TOKEN_CONTENT_TYPE, H2O_STRLIT("application/problem+json"), 1);
	header_add(http, "x-request-id", id, strlen(id));
	(void) bytes;
	/* Count and log it here, because there is no Request for it. */
	metrics_count_request(worker->metrics, 0, http->res.status, 0);
	if (worker->config->log_requests)
		log_info("event=request id=%s method=- route=- status=%d", id, http->res.status);
	h2o_ostream_send_next(stream, http, &document, count == 0 ? 0 : 1, state);
}

static void
on_stream_setup(h2o_filter_t *filter, h2o_req_t *http, h2o_ostream_t **slot)
{
	ssize_t place = h2o_find_header(&http->res.headers, H2O_TOKEN_CONTENT_TYPE, -1);

	/* h2o's own errors are plain text. Ours never are. */
	if (http->res.status >= 400 && place >= 0 &&
		h2o_lcstris(http->res.headers.entries[place].value.base, 10, H2O_STRLIT("text/plain")))
	{
		h2o_ostream_t *stream = h2o_add_ostream(http, sizeof(*stream), slot);

		stream->do_send = stream_send_problem;
		slot = &stream->next;
	}
	(void) filter;
	h2o_setup_next_ostream(http, slot);
}

void
reply_register_filter(h2o_pathconf_t *path)
{
	h2o_filter_t *filter = h2o_create_filter(path, sizeof(*filter));

	filter->on_setup_ostream = on_stream_setup;
}
