/*
 * statement: binds what a request brings to the parameters of its route's statement.
 *
 * Names are judged first, all of them, and only if they are good are the values, all of them. The parsed body lives in
 * the pool too, since values point into it.
 */
#include "call/statement.h"

#include <string.h>

#include "call/json_body.h"
#include "base/uri.h"
#include "base/utf8.h"
#include "db/pg_types.h"
#include "call/value.h"

enum
{
	BODY_BYTES = 65536,
	CHARACTER_BYTES_MAX = 12 /* in JSON, as two \uXXXX */
};

/* What was given for one parameter: a text, or JSON. */
typedef struct Given
{
	const char *text;
	size_t length;
	const json_t *json;
} Given;

typedef struct Binding
{
	const Route *route;
	h2o_mem_pool_t *pool;
	Given *given;
	bool has_large_number; /* the body */
	Problem *problem;
} Binding;

static bool
binding_refuse(Binding *binding, int status, const char *detail)
{
	*binding->problem = problem_make(status, detail);
	return false;
}

static Given *
find_given(const Binding *binding, ParameterSource source, const char *name, size_t length)
{
	for (size_t i = 0; i < binding->route->parameter_count; i++)
	{
		const Parameter *parameter = &binding->route->parameters[i];

		if (parameter->source == source && strlen(parameter->name) == length &&
			memcmp(parameter->name, name, length) == 0)
			return &binding->given[i];
	}
	return NULL;
}

static bool
take_query(Binding *binding, const char *query, size_t length)
{
	QueryPair pair;

	while (!problem_is_full(binding->problem) && query_string_next(&query, &length, binding->pool, &pair))
	{
		Given *given;

		if (pair.result == PERCENT_MALFORMED)
			return binding_refuse(binding, 400, "The query string has a % that two hexadecimal digits do not follow.");
		if (pair.result == PERCENT_NOT_UTF8)
			return binding_refuse(binding, 400, "The query string is not valid UTF-8.");
		given = find_given(binding, SOURCE_QUERY, pair.name, pair.name_length);
		if (given == NULL)
			problem_add_field(binding->problem, binding->pool, pair.name, "is not a parameter here");
		else if (given->text != NULL)
			problem_add_field(binding->problem, binding->pool, pair.name, "is given more than once");
		else
			*given = (Given){ .text = pair.value, .length = pair.value_length };
	}
	return true;
}

static bool
take_body(Binding *binding, const char *body, size_t length)
{
	JsonBody parsed;
	const char *name;
	json_t *value;

	if (length == 0)
		return true;
	parsed = json_body_parse(body, length, binding->pool);
	if (parsed.object == NULL)
		return binding_refuse(binding, 400, parsed.wrong);
	binding->has_large_number = parsed.has_large_one;
	json_object_foreach(parsed.object, name, value)
	{
		Given *given = find_given(binding, SOURCE_BODY, name, strlen(name));

		if (given == NULL)
			problem_add_field(binding->problem, binding->pool, name, "is not a field here");
		else
			given->json = value;
		if (problem_is_full(binding->problem))
			break;
	}
	return true;
}

static void
take_path_header_and_token(Binding *binding, const StatementInput *input)
{
	for (size_t i = 0; i < binding->route->parameter_count; i++)
	{
		const Parameter *parameter = &binding->route->parameters[i];

		if (parameter->source == SOURCE_PATH)
		{
			const PathSegment *segment = &input->path->segments[parameter->segment];

			binding->given[i] = (Given){ .text = segment->text, .length = segment->length };
		}
		else if (parameter->source == SOURCE_HEADER)
			binding->given[i] = (Given){ .text = input->idempotency_key, .length = input->idempotency_key_length };
		else if (parameter->source == SOURCE_TOKEN)
		{
			/* Only these: describe_routes() names no other. */
			const char *text = strcmp(parameter->name, "caller_role") == 0    ? input->caller_role
							   : strcmp(parameter->name, "caller_phone") == 0 ? input->caller_phone
																			  : input->caller_id;

			binding->given[i] = (Given){ .text = text, .length = text == NULL ? 0 : strlen(text) };
		}
	}
}

/* What tells a null from a field that is absent, where the function asks for it. */
static Value
binding_null_fields(const Binding *binding, const Parameter *asking)
{
	json_t *names = json_array();
	Value value;

	for (size_t i = 0; i < binding->route->parameter_count; i++)
		if (binding->given[i].json != NULL && json_is_null(binding->given[i].json))
			json_array_append_new(names, json_string(binding->route->parameters[i].name));
	value = value_from_json(asking, names, binding->pool);
	json_decref(names);
	return value;
}

static Value
binding_judge(const Binding *binding, const Parameter *parameter, const Given *given)
{
	h2o_mem_pool_t *pool = binding->pool;

	if (parameter->source == SOURCE_NULLS)
		return binding_null_fields(binding, parameter);
	if (given->text != NULL && !utf8_is_valid(given->text, given->length))
		return (Value){ .wrong = "is not valid UTF-8" };
	if (given->text != NULL)
		return value_from_text(parameter, given->text, given->length, pool);
	if (given->json != NULL && binding->has_large_number)
	{
		const json_t *integer;

		if (json_body_is_large(given->json))
			return (Value){ .wrong =
								json_is_real(given->json) ? "is too large a number" : "has too large a number in it" };
		integer = json_body_integer(given->json, pool);
		if (integer != NULL)
			return value_from_json(parameter, integer, pool);
	}
	if (given->json != NULL && !json_is_null(given->json))
		return value_from_json(parameter, given->json, pool);
	return (Value){ .wrong = parameter->required ? "is required" : NULL };
}

static bool
take_values(Binding *binding, Statement *statement)
{
	const Route *route = binding->route;

	for (size_t i = 0; i < route->parameter_count; i++)
	{
		Value value = binding_judge(binding, &route->parameters[i], &binding->given[i]);

		statement->values[i] = value.text;
		if (value.wrong != NULL)
			problem_add_field(binding->problem, binding->pool, parameter_field(&route->parameters[i]), value.wrong);
		if (route->parameters[i].source == SOURCE_HEADER && value.text != NULL)
			statement->has_key = true;
	}
	return binding->problem->fields.size == 0;
}

/* Gives the fields collected so far their status. */
static bool
refuse_fields(Binding *binding, int status, const char *detail)
{
	Problem problem = problem_make(status, detail);

	problem.fields = binding->problem->fields;
	*binding->problem = problem;
	return false;
}

bool
statement_bind(const Route *route, const StatementInput *input, h2o_mem_pool_t *pool, Statement *statement,
			   Problem *problem)
{
	size_t size = (route->parameter_count + 1) * sizeof(Given);
	Binding binding = { .route = route, .pool = pool, .given = h2o_mem_alloc_pool(pool, size), .problem = problem };

	*problem = (Problem){ 0 };
	memset(binding.given, 0, size);
	*statement = (Statement){ .values = h2o_mem_alloc_pool(pool, (route->parameter_count + 1) * sizeof(char *)) };
	take_path_header_and_token(&binding, input);
	if (!take_query(&binding, input->query, input->query_length))
		return false;
	if ((route->method == METHOD_POST || route->method == METHOD_PUT) &&
		!take_body(&binding, input->body, input->body_length))
		return false;
	if (problem->fields.size > 0)
		return refuse_fields(&binding, 400, "The request has names that this route does not know, or knows once only.");
	if (!take_values(&binding, statement))
		return refuse_fields(&binding, 422, "The request has values that are missing or not acceptable.");
	return true;
}

size_t
statement_body_limit(const Route *route, size_t most)
{
	size_t limit = BODY_BYTES;

	for (size_t i = 0; i < route->parameter_count; i++)
	{
		const Parameter *parameter = &route->parameters[i];
		bool is_text = parameter->type_oid == TYPE_TEXT || parameter->type_oid == TYPE_VARCHAR;

		if (parameter->source != SOURCE_BODY)
			continue;
		if (parameter->type_oid == TYPE_JSON || parameter->type_oid == TYPE_JSONB ||
			strstr(parameter->type, "[]") != NULL ||
			(is_text && parameter->max_length == SIZE_MAX && parameter->domain == NULL))
			return most;
		if (is_text && parameter->max_length < most / CHARACTER_BYTES_MAX)
			limit += CHARACTER_BYTES_MAX * parameter->max_length;
	}
	return limit < most ? limit : most;
}

const char *
statement_value(const Route *route, const Statement *statement, const char *name)
{
	for (size_t i = 0; i < route->parameter_count; i++)
		if (strcmp(route->parameters[i].name, name) == 0)
			return statement->values[i];
	return NULL;
}
