/*
 * problem: RFC 9457 problem documents, and the mapping of database errors to them.
 */
#include "call/problem.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

static const struct
{
	int status;
	const char *title;
	const char *code;
} titles[] = { { 200, "OK", "" },
			   { 201, "Created", "" },
			   { 204, "No Content", "" },
			   { 400, "Bad Request", "PY400" },
			   { 401, "Unauthorized", "PY401" },
			   { 403, "Forbidden", "PY403" },
			   { 404, "Not Found", "PY404" },
			   { 405, "Method Not Allowed", "PY405" },
			   { 408, "Request Timeout", "PY408" },
			   { 409, "Conflict", "PY409" },
			   { 410, "Gone", "PY410" },
			   { 413, "Content Too Large", "PY413" },
			   { 414, "URI Too Long", "PY414" },
			   { 415, "Unsupported Media Type", "PY415" },
			   { 417, "Expectation Failed", "PY417" },
			   { 422, "Unprocessable Content", "22023" },
			   { 429, "Too Many Requests", "PY429" },
			   { 431, "Request Header Fields Too Large", "PY431" },
			   { 499, "Client Closed Request", "PY499" },
			   { 500, "Internal Server Error", "XX000" },
			   { 503, "Service Unavailable", "08006" },
			   { 504, "Gateway Timeout", "57014" } };

enum
{
	TITLE_COUNT = sizeof(titles) / sizeof(titles[0])
};

const char *
problem_title(int status)
{
	for (int i = 0; i < TITLE_COUNT; i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

Problem
problem_make(int status, const char *detail)
{
	Problem problem = { .status = status, .code = "PY500", .detail = detail };

	for (int i = 0; i < TITLE_COUNT; i++)
		if (titles[i].status == status)
			problem.code = titles[i].code;
	return problem;
}

void
problem_add_field(Problem *problem, h2o_mem_pool_t *pool, const char *field, const char *detail)
{
	if (problem->fields.size == PROBLEM_FIELDS_MAX)
		return;
	h2o_vector_reserve(pool, &problem->fields, problem->fields.size + 1);
	problem->fields.entries[problem->fields.size++] = (ProblemField){ field, detail };
}

static bool
sqlstate_is_class(const char *sqlstate, const char *class)
{
	return strncmp(sqlstate, class, 2) == 0;
}

static bool
sqlstate_is_one_of(const char *sqlstate, const char *list)
{
	return strlen(sqlstate) == 5 && strstr(list, sqlstate) != NULL;
}

int
problem_status_of(const char *sqlstate)
{
	if (sqlstate_is_class(sqlstate, "PY"))
	{
		int status = atoi(sqlstate + 2);

		return status >= 400 && status <= 599 ? status : 500;
	}
	if (strcmp(sqlstate, "P0002") == 0)
		return 404;
	if (sqlstate_is_one_of(sqlstate, "23505 23P01 40001 40P01"))
		return 409;
	if (sqlstate_is_one_of(sqlstate, "25006 2200H 55000 55006 55P03"))
		return 503;
	if (sqlstate_is_class(sqlstate, "22") || sqlstate_is_class(sqlstate, "23"))
		return 422;
	if (strcmp(sqlstate, "42501") == 0)
		return 403;
	if (strcmp(sqlstate, "57014") == 0)
		return 504;
	if (sqlstate_is_class(sqlstate, "08") || sqlstate_is_class(sqlstate, "53") || sqlstate_is_class(sqlstate, "57"))
		return 503;
	return 500;
}

/* Returns a sentence of the gateway's own, used instead of PostgreSQL's message, which may mention internals. */
static const char *
status_sentence(const char *sqlstate, int status)
{
	if (strcmp(sqlstate, "23503") == 0)
		return "The request refers to something that does not exist, or that is still in use.";
	if (strcmp(sqlstate, "25006") == 0)
		return "The database does not accept writes at the moment.";
	if (sqlstate_is_one_of(sqlstate,
						   "2200H 55000")) /* a sequence at its end or behind its rows, an index that is not valid */
		return "The database is not ready for this. The operator should look at its log.";
	if (sqlstate_is_class(sqlstate, "55") || (sqlstate_is_class(sqlstate, "40") && status == 503))
		return "Another operation is in progress. Try again.";
	switch (status)
	{
		case 403:
			return "You do not have access to this resource.";
		case 404:
			return "Not found.";
		case 409:
			return strcmp(sqlstate, "23505") == 0 ? "It already exists."
												  : "It conflicts with another change. Try again.";
		case 422:
			return "A value is invalid.";
		case 503:
			return "The database cannot be reached at the moment.";
		case 504:
			return "The database took too long to respond.";
		default:
			return "An internal error occurred. See the log for this request id.";
	}
}

static char *
text_copy(h2o_mem_pool_t *pool, const char *text)
{
	return h2o_strdup(pool, text, SIZE_MAX).base;
}

static void
problem_add_domain_fields(Problem *problem, const DbError *error, const Route *route, h2o_mem_pool_t *pool)
{
	for (size_t i = 0; i < route->parameter_count; i++)
	{
		const Parameter *parameter = &route->parameters[i];
		const char *domain = parameter->domain == NULL ? "" : parameter->domain;
		size_t schema_length = strlen(error->type_schema);

		/* regtype writes the domain with or without its schema. */
		if (strncmp(domain, error->type_schema, schema_length) == 0 && domain[schema_length] == '.')
			domain += schema_length + 1;
		if (strcmp(domain, error->type_name) == 0)
			problem_add_field(problem, pool, parameter->name,
							  parameter->description == NULL ? "is invalid" : parameter->description);
	}
}

static Problem
problem_of_server(const DbError *error, const Route *route, h2o_mem_pool_t *pool)
{
	Problem problem = { .status = problem_status_of(error->sqlstate), .code = text_copy(pool, error->sqlstate) };

	if (route->method == METHOD_GET &&
		sqlstate_is_class(error->sqlstate,
						  "40")) /* A read does not conflict with others, so a failure is only temporary. */
		problem.status = 503;
	/* If a function raised the error itself, its text is meant for clients. PostgreSQL's own messages, which name a
	 * table, can contain rows. */
	if (error->constraint[0] == '\0' && error->table[0] == '\0' && strcmp(error->sqlstate, "2200H") != 0 &&
		(sqlstate_is_class(error->sqlstate, "PY") || strcmp(error->sqlstate, "P0002") == 0 ||
		 sqlstate_is_class(error->sqlstate, "22") || sqlstate_is_class(error->sqlstate, "23")))
	{
		problem.detail =
			h2o_concat(pool, h2o_iovec_init(error->message, strlen(error->message)),
					   h2o_iovec_init(error->detail[0] == '\0' ? "" : ": ", error->detail[0] == '\0' ? 0 : 2),
					   h2o_iovec_init(error->detail, strlen(error->detail)))
				.base;
		problem.hint = error->hint[0] == '\0' ? NULL : text_copy(pool, error->hint);
		if (error->column[0] != '\0')
			problem_add_field(&problem, pool, text_copy(pool, error->column), text_copy(pool, error->message));
		return problem;
	}
	problem.detail = status_sentence(error->sqlstate, problem.status);
	if (problem.status == 500)
		problem.code = "XX000";
	if (error->type_name[0] != '\0')
		problem_add_domain_fields(&problem, error, route, pool);
	return problem;
}

Problem
problem_from_error(const DbError *error, const Route *route, h2o_mem_pool_t *pool)
{
	Problem problem;

	switch (error->kind)
	{
		case DB_ERROR_SERVER:
			return problem_of_server(error, route, pool);
		case DB_ERROR_QUEUE_FULL:
			problem = problem_make(503, "Too many requests are waiting for the database.");
			problem.code = "53300";
			break;
		case DB_ERROR_LOST:
			problem = problem_make(
				503,
				error->outcome_unknown
					? "The connection to the database was lost, and it is not known whether the request was executed."
					: "The connection to the database was lost before the request was executed.");
			break;
		default:
			problem = problem_make(503, "The database cannot be reached at the moment.");
			problem.code = "08001";
			break;
	}
	problem.outcome = route->method == METHOD_GET ? NULL : error->outcome_unknown ? "unknown" : "known";
	return problem;
}

Problem
problem_from_refusal(const char *sqlstate, const char *detail, h2o_mem_pool_t *pool)
{
	Problem problem = { .status = problem_status_of(sqlstate), .code = text_copy(pool, sqlstate) };

	problem.detail = detail[0] == '\0' ? status_sentence(sqlstate, problem.status) : text_copy(pool, detail);
	return problem;
}

static void
member_write(Buffer *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	buffer_printf(out, ",\"%s\":", name);
	json_write_text(out, text);
}

void
problem_write(const Problem *problem, const char *request_id, Buffer *out)
{
	buffer_append_text(out, "{\"type\":\"about:blank\",\"title\":");
	json_write_text(out, problem_title(problem->status));
	buffer_printf(out, ",\"status\":%d", problem->status);
	member_write(out, "detail", problem->detail);
	member_write(out, "code", problem->code);
	member_write(out, "hint", problem->hint);
	member_write(out, "outcome", problem->outcome);
	for (size_t i = 0; i < problem->fields.size; i++)
	{
		buffer_append_text(out, i == 0 ? ",\"errors\":[{\"field\":" : ",{\"field\":");
		json_write_text(out, problem->fields.entries[i].field);
		member_write(out, "detail", problem->fields.entries[i].detail);
		buffer_append_byte(out, '}');
	}
	if (problem->fields.size > 0)
		buffer_append_byte(out, ']');
	member_write(out, "request_id", request_id);
	buffer_append_byte(out, '}');
}
