/*
 * outcome: what became of a request's query, as its answer.
 */
#include "http/outcome.h"

#include <string.h>

#include "http/access.h"
#include "http/judge.h"
#include "base/log.h"
#include "http/reply.h"

void
outcome_on_result(DbQuery *query, const PGresult *result)
{
	Request *request = query->data;
	h2o_iovec_t path = request_raw_path(request->http);
	h2o_iovec_t parameters = request_raw_query(request->http);
	ResponseContext context = { .route = request->route,
								.statement = &request->statement,
								.path = path.base,
								.path_length = path.len,
								.query = parameters.base,
								.query_length = parameters.len };
	Response response;

	response_write(&context, result, &request->http->pool, &response);
	request->rows = response.rows;
	if (response.status != 404)
		access_note_found(request);
	if (response.links.length > 0)
		reply_header(request, "link", response.links.base, response.links.length);
	if (response.total_count != NULL)
		reply_header(request, "x-total-count", response.total_count, strlen(response.total_count));
	if (response.replayed)
		reply_header(request, "idempotency-replayed", "true", 4);
	if (response.refused != NULL)
	{
		Problem problem = problem_from_refusal(
			response.refused, response.refused_detail == NULL ? "" : response.refused_detail, &request->http->pool);

		reply_problem(request, &problem);
	}
	else if (response.status == 404)
		reply_error(request, 404, "There is no such thing.");
	else
		reply_body(request, response.status, response.status == 204 ? NULL : "application/json", &response.body);
	buffer_dispose(&response.links);
	buffer_dispose(&response.body);
}

static void
log_failure(const Request *request, const DbError *error)
{
	char quoted[1024];

	log_error("event=statement_failed id=%s route=%s code=%s reason=%s", request->id, request->route->path,
			  error->sqlstate, log_quote(error->message, quoted, sizeof(quoted)));
}

void
outcome_on_error(DbQuery *query, const DbError *error)
{
	Request *request = query->data;
	Problem problem = problem_from_error(error, request->route, &request->http->pool);

	if (problem.status == 500)
		log_failure(request, error);
	if (problem.status == 422 && error->column[0] == '\0' && judge_is_needed(request, true))
		judge_ask(request, &problem, true);
	else
		reply_problem(request, &problem);
}

void
outcome_on_timeout(DbQuery *query, bool sent)
{
	Request *request = query->data;
	Problem problem =
		problem_make(504, sent ? "The database took too long." : "No connection to the database came free in time.");

	if (request->route->method != METHOD_GET)
		problem.outcome = sent ? "unknown" : "known";
	reply_problem(request, &problem);
}
