/*
 * request: the data of one HTTP request, until its response is sent.
 */
#include "http/request.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

h2o_iovec_t
request_raw_path(const h2o_req_t *http)
{
	return h2o_iovec_init(http->path.base, http->query_at < http->path.len ? http->query_at : http->path.len);
}

h2o_iovec_t
request_raw_query(const h2o_req_t *http)
{
	if (http->query_at >= http->path.len)
		return h2o_iovec_init("", 0);
	return h2o_iovec_init(http->path.base + http->query_at + 1, http->path.len - http->query_at - 1);
}

h2o_iovec_t
request_header(const h2o_req_t *http, const char *name)
{
	ssize_t place = h2o_find_header_by_str(&http->headers, name, strlen(name), -1);

	return place < 0 ? h2o_iovec_init(NULL, 0) : http->headers.entries[place].value;
}

void
request_make_id(h2o_req_t *http, char *out)
{
	Worker *worker = H2O_STRUCT_FROM_MEMBER(Worker, http, http->conn->ctx);
	h2o_iovec_t given = request_header(http, "x-request-id");
	bool sane = given.len > 0 && given.len <= REQUEST_ID_LENGTH_MAX;

	for (size_t i = 0; i < given.len && sane; i++)
		sane = isalnum((unsigned char) given.base[i]) || strchr("-_.:", given.base[i]) != NULL;
	if (sane)
		snprintf(out, REQUEST_ID_LENGTH_MAX + 1, "%.*s", (int) given.len, given.base);
	else
		snprintf(out, REQUEST_ID_LENGTH_MAX + 1, "%016jx%08jx", (uintmax_t) worker->request_prefix,
				 (uintmax_t) ++worker->request_count);
}

static void
request_log(const Request *request, int status, uint64_t duration_us)
{
	const DbQuery *query = request->query;
	h2o_iovec_t name = request->http->input.method;
	char method[16];

	snprintf(method, sizeof(method), "%.*s", (int) name.len, name.len > 0 ? name.base : "");
	for (char *at = method; *at != '\0'; at++)
		if (!isupper((unsigned char) *at) && *at != '-')
			*at = '?';
	log_info(
		"event=request id=%s method=%s route=%s status=%d rows=%zu bytes=%zu total_us=%ju database_us=%ju", request->id,
		method[0] == '\0' ? "-" : method, request->route == NULL ? "-" : request->route->path, status,
		request->response.rows, request->bytes, (uintmax_t) duration_us,
		(uintmax_t) (query == NULL || query->finished_at_us == 0 ? 0 : query->finished_at_us - query->submitted_at_us));
}

/* The response was sent, or the client has left. */
static void
on_dispose(void *data)
{
	Request *request = data;
	Worker *worker = request->worker;
	int status = request->status == 0 ? 499 : request->status;
	uint64_t now_us = db_now_us();

	if (!request->is_stream || status != 200)
		metrics_count_request(worker->metrics, request->route == NULL ? 0 : request->route->metrics_series, status,
							  now_us - request->started_at_us);
	if (worker->config->log_requests)
		request_log(request, status, now_us - request->started_at_us);
	if (request->query != NULL)
		db_pool_abandon(request->query);
	worker_leave_turns(&request->turn);
	PQclear(request->result);
	buffer_dispose(&request->piece);
	request->client->requests--;
	client_set_sending(request->client, 0);
	request->client->idle_since_us = now_us;
	router_release(request->router);
}

Request *
request_create(h2o_req_t *http)
{
	Request *request = h2o_mem_alloc_shared(&http->pool, sizeof(*request), on_dispose);
	Worker *worker = H2O_STRUCT_FROM_MEMBER(Worker, http, http->conn->ctx);

	memset(request, 0, sizeof(*request));
	request->http = http;
	request->worker = worker;
	request->router = router_retain(worker->router);
	request->client = http->conn->callbacks->get_socket(http->conn)->on_close.data;
	request->client->requests++;
	request->head = h2o_memis(http->method.base, http->method.len, H2O_STRLIT("HEAD"));
	request->started_at_us = db_now_us();
	request_make_id(http, request->id);
	return request;
}
