/*
 * execution: the query belongs to its request, which abandons it when it is disposed of.
 */
#include "http/execution.h"

#include <poll.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "http/reply.h"

/* ----- which values the database would not take ----- */

/* Replaces what was guessed from the statement's error with what the database says about the values. */
static void
on_judged(DbQuery *query, const PGresult *rows)
{
	Request *request = query->data;
	Problem *problem = &request->problem;
	h2o_mem_pool_t *pool = &request->http->pool;

	if (request->is_judged_anew && PQntuples(rows) > 0)
		problem->fields.size = 0;
	for (int row = 0; row < PQntuples(rows); row++)
		problem_add_field(problem, pool, h2o_strdup(pool, PQgetvalue(rows, row, 0), SIZE_MAX).base,
						  h2o_strdup(pool, PQgetvalue(rows, row, 1), SIZE_MAX).base);
	reply_problem(request, problem);
}

/* If the database does not respond, the problem is sent as it was. */
static void
on_judge_error(DbQuery *query, const DbError *error)
{
	Request *request = query->data;

	(void) error;
	reply_problem(request, &request->problem);
}

static void
on_judge_timeout(DbQuery *query, bool sent)
{
	(void) sent;
	on_judge_error(query, NULL);
}

bool
execution_judge(Request *request, const Problem *problem, bool all)
{
	h2o_mem_pool_t *pool = &request->http->pool;
	Buffer arrays[3] = { { 0 } }; /* names, types, values */
	const char **values;

	for (size_t i = 0; i < request->route->parameter_count; i++)
	{
		const Parameter *parameter = &request->route->parameters[i];
		const char *value = request->statement.values[i];

		if (value == NULL || !(parameter->has_more || (all && parameter->domain != NULL)))
			continue;
		array_append(&arrays[0], parameter_field(parameter));
		array_append(&arrays[1], parameter->domain == NULL ? parameter->type : parameter->domain);
		array_append(&arrays[2], value);
	}
	if (arrays[0].length == 0)
		return false;
	values = h2o_mem_alloc_pool(pool, 3 * sizeof(*values));
	for (int i = 0; i < 3; i++)
	{
		buffer_append_byte(&arrays[i], '}');
		values[i] = h2o_strdup(pool, buffer_text(&arrays[i]), arrays[i].length).base;
		buffer_dispose(&arrays[i]);
	}
	if (request->query != NULL)
		db_pool_abandon(request->query);
	request->problem = *problem;
	request->is_judged_anew = all;
	request->query = db_query_create(&request->router->judge, values);
	request->query->repeatable = true;
	request->query->data = request;
	request->query->on_result = on_judged;
	request->query->on_error = on_judge_error;
	request->query->on_timeout = on_judge_timeout;
	db_pool_submit(request->worker->pools[METRICS_READ], request->query);
	return true;
}

/* ----- the statement ----- */

static void
execution_on_result(DbQuery *query, const PGresult *result)
{
	Request *request = query->data;
	h2o_iovec_t path = request_raw_path(request->http);
	h2o_iovec_t parameters = request_raw_query(request->http);
	h2o_iovec_t accept = request_header(request->http, "accept");
	ResponseContext context = { .route = request->route,
								.statement = &request->statement,
								.path = path.base,
								.path_length = path.len,
								.query = parameters.base,
								.query_length = parameters.len,
								.accept = accept.base,
								.accept_length = accept.len };
	Response *response = &request->response;

	response_begin(&context, result, &request->http->pool, response);
	if (response->links.length > 0)
		reply_header(request, "link", response->links.base, response->links.length);
	buffer_dispose(&response->links);
	if (response->total_count != NULL)
		reply_header(request, "x-total-count", response->total_count, strlen(response->total_count));
	if (response->incomplete)
		reply_header(request, "x-incomplete", "true", 4);
	if (response->replayed)
		reply_header(request, "idempotency-replayed", "true", 4);
	if (response->refused != NULL)
	{
		Problem problem = problem_from_refusal(
			response->refused, response->refused_detail == NULL ? "" : response->refused_detail, &request->http->pool);

		reply_problem(request, &problem);
	}
	else if (response->status == 404)
		reply_error(request, 404, "Not found.");
	else
		reply_rows(request);
}

static void execution_submit(Request *request, DbPool *pool);

static void
execution_on_error(DbQuery *query, const DbError *error)
{
	Request *request = query->data;
	DbPool *const *pools = request->worker->pools;
	Problem problem = problem_from_error(error, request->route, &request->http->pool);

	/* If a replica could not answer, ask the primary instead: replay may cancel queries on a replica. */
	if (query->pool == pools[METRICS_REPLICA] && error->kind != DB_ERROR_QUEUE_FULL &&
		(error->kind != DB_ERROR_SERVER || strncmp(error->sqlstate, "40", 2) == 0))
	{
		db_pool_abandon(query);
		execution_submit(request, pools[METRICS_READ]);
		return;
	}
	if (problem.status == 500)
	{
		char quoted[1024];

		log_error("event=statement_failed id=%s route=%s code=%s reason=%s", request->id, request->route->path,
				  error->sqlstate, log_quote(error->message, quoted, sizeof(quoted)));
	}
	if (problem.status != 422 || error->column[0] != '\0' || !execution_judge(request, &problem, true))
		reply_problem(request, &problem);
}

static void
execution_on_timeout(DbQuery *query, bool sent)
{
	Request *request = query->data;
	Problem problem = problem_make(504, sent ? "The database took too long to respond."
											 : "No database connection became available in time.");

	if (request->route->method != METHOD_GET)
		problem.outcome = sent ? "unknown" : "known";
	reply_problem(request, &problem);
}

/* A client that has closed its side while its request was waiting is assumed to have left. */
static bool
execution_is_wanted(DbQuery *query)
{
	Request *request = query->data;
	h2o_socket_t *socket = request->http->conn->callbacks->get_socket(request->http->conn);
	struct pollfd state = { .fd = socket == NULL ? -1 : h2o_socket_get_fd(socket), .events = POLLRDHUP };

	return poll(&state, 1, 0) <= 0 || (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
}

/* Returns a hash of the user or the application in the path, or 0 if there is none. */
static uint64_t
execution_party(const Request *request)
{
	const Route *route = request->route;
	const Parameter *parameter = route_parameter(route, route->auth == AUTH_APPLICATION ? "token" : "user_id");
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
	const char *text;

	if (parameter == NULL || parameter->source != SOURCE_PATH)
		return 0;
	text = request->path.segments[parameter->segment].text;
	for (text += strspn(text, "0"); *text != '\0'; text++)
		hash = (hash ^ (unsigned char) *text) * 0x100000001b3;
	return hash;
}

static void
execution_submit(Request *request, DbPool *pool)
{
	const Route *route = request->route;
	DbQuery *query = db_query_create(&route->statement, request->statement.values);

	query->repeatable = route->method == METHOD_GET || request->statement.has_key;
	query->party = execution_party(request);
	query->data = request;
	query->on_result = execution_on_result;
	query->on_error = execution_on_error;
	query->on_timeout = execution_on_timeout;
	query->is_wanted = execution_is_wanted;
	request->query = query;
	db_pool_submit(pool, query);
}

void
execution_start(Request *request)
{
	DbPool *const *pools = request->worker->pools;
	bool reads = request->route->method == METHOD_GET;

	/* Reads go to a replica if there is one. */
	if (reads && pools[METRICS_REPLICA] != NULL && db_pool_is_ready(pools[METRICS_REPLICA]))
		execution_submit(request, pools[METRICS_REPLICA]);
	else
		execution_submit(request, pools[reads ? METRICS_READ : METRICS_WRITE]);
}
