/*
 * statement: binds the input of a request to the parameters of its route's statement.
 *
 * All names are checked first. Only if all of them are valid are the values checked, all of them. The parsed body is
 * kept in the pool too, because values point into it.
 */
#include "call/statement.h"

#include <string.h>

#include "base/json.h"
#include "base/uri.h"
#include "call/value.h"

enum
{
	BODY_BYTES = 65536,
	CHARACTER_BYTES_MAX = 12 /* in JSON, as two \uXXXX */
};

/* What was given for one parameter: a text, which is JSON if it comes from the body. */
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
	Problem *problem;
} Binding;

static bool
binding_refuse(Binding *binding, int status, const char *detail)
{
	*binding->problem = problem_make(status, detail);
	return false;
}

static Given *
binding_find(const Binding *binding, ParameterSource source, const char *name, size_t length)
{
	const Parameter *parameter = route_parameter(binding->route, name);

	/* No parameter has a NUL in its name. */
	return parameter != NULL && parameter->source == source && strlen(name) == length
			   ? &binding->given[parameter - binding->route->parameters]
			   : NULL;
}

static bool
binding_take_query(Binding *binding, const char *query, size_t length)
{
	QueryPair pair;

	while (binding->problem->fields.size < PROBLEM_FIELDS_MAX &&
		   query_string_next(&query, &length, binding->pool, &pair))
	{
		Given *given;

		if (pair.result == URI_MALFORMED)
			return binding_refuse(binding, 400,
								  "The query string contains a % that is not followed by two hexadecimal digits.");
		if (pair.result == URI_NOT_UTF8)
			return binding_refuse(binding, 400, "The query string is not valid UTF-8.");
		given = binding_find(binding, SOURCE_QUERY, pair.name, pair.name_length);
		if (given == NULL)
			problem_add_field(binding->problem, binding->pool, pair.name, "is not a parameter of this route");
		else if (given->text != NULL)
			problem_add_field(binding->problem, binding->pool, pair.name, "is given more than once");
		else
			*given = (Given){ .text = pair.value, .length = pair.value_length };
	}
	return true;
}

static void
json_dispose(void *holder)
{
	json_decref(*(json_t **) holder);
}

/* Passes ownership of the value to the pool. */
static json_t *
json_hold(json_t *json, h2o_mem_pool_t *pool)
{
	json_t **holder = h2o_mem_alloc_shared(pool, sizeof(*holder), json_dispose);

	return *holder = json;
}

static const char *
json_complaint(const json_t *json, const json_error_t *error)
{
	if (json != NULL)
		return "The body is not a JSON object.";
	switch (json_error_code(error))
	{
		case json_error_stack_overflow:
			return "The body is nested too deeply.";
		case json_error_invalid_utf8:
			return "The body is not valid UTF-8.";
		case json_error_duplicate_key:
			return "The body contains a field more than once.";
		case json_error_numeric_overflow:
			return "The body contains a number that is too large.";
		default:
			return "The body is not well-formed JSON.";
	}
}

/* Numbers are taken from the text. jansson would fail at an integer that is too large for a bigint. */
static bool
binding_take_body(Binding *binding, const char *body, size_t length)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
	json_error_t error;
	json_t *json = json_loadb(body, length, flags, &error);
	const char *at = memchr(body, '{', length);
	const char *name;
	json_t *value;

	json_hold(json, binding->pool);
	if (!json_is_object(json))
		return binding_refuse(binding, 400, json_complaint(json, &error));
	json_object_foreach(json, name, value)
	{
		Given *given = binding_find(binding, SOURCE_BODY, name, strlen(name));
		JsonText written;

		json_next_text(&at, body + length); /* the name: jansson keeps the order */
		written = json_next_text(&at, body + length);
		if (given == NULL)
			problem_add_field(binding->problem, binding->pool, name, "is not a field of this route");
		else
			*given = (Given){ .text = written.text, .length = written.length, .json = value };
		if (binding->problem->fields.size == PROBLEM_FIELDS_MAX)
			break;
	}
	return true;
}

static void
binding_take_path_header_and_token(Binding *binding, const StatementInput *input)
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
			/* Only these are possible: describe_routes() returns no others. */
			const char *text = strcmp(parameter->name, "caller_role") == 0    ? input->caller_role
							   : strcmp(parameter->name, "caller_phone") == 0 ? input->caller_phone
																			  : input->caller_id;

			binding->given[i] = (Given){ .text = text, .length = text == NULL ? 0 : strlen(text) };
		}
	}
}

/* Returns the names of the fields that are null, if the function wants to distinguish them from absent fields. */
static Value
binding_null_fields(const Binding *binding)
{
	Buffer names = { 0 };
	Value value;

	for (size_t i = 0; i < binding->route->parameter_count; i++)
		if (binding->given[i].json != NULL && json_is_null(binding->given[i].json))
			array_append(&names, binding->route->parameters[i].name);
	buffer_append_text(&names, names.length == 0 ? "{}" : "}");
	value = (Value){ .text = h2o_strdup(binding->pool, buffer_text(&names), names.length).base };
	buffer_dispose(&names);
	return value;
}

static Value
binding_judge(const Binding *binding, const Parameter *parameter, const Given *given)
{
	const json_t *json = given->json;

	if (parameter->source == SOURCE_NULLS)
		return binding_null_fields(binding);
	if (given->text == NULL || (json != NULL && json_is_null(json)))
		return (Value){ .wrong = parameter->required ? "is required" : NULL };
	if (json != NULL)
		return value_from_json(parameter, json, (JsonText){ given->text, given->length }, binding->pool);
	if (!utf8_is_valid(given->text, given->length))
		return (Value){ .wrong = "is not valid UTF-8" };
	return value_from_text(parameter, given->text, given->length, binding->pool);
}

bool
statement_bind(const Route *route, const StatementInput *input, h2o_mem_pool_t *pool, Statement *statement,
			   Problem *problem)
{
	size_t size = (route->parameter_count + 1) * sizeof(Given);
	Binding binding = { .route = route, .pool = pool, .given = h2o_mem_alloc_pool(pool, size), .problem = problem };
	Problem wrong = problem_make(400, "The request has unknown or repeated names.");

	*problem = (Problem){ 0 };
	memset(binding.given, 0, size);
	*statement = (Statement){ .values = h2o_mem_alloc_pool(pool, (route->parameter_count + 1) * sizeof(char *)) };
	binding_take_path_header_and_token(&binding, input);
	if (!binding_take_query(&binding, input->query, input->query_length))
		return false;
	if ((route->method == METHOD_POST || route->method == METHOD_PUT) && input->body_length > 0 &&
		!binding_take_body(&binding, input->body, input->body_length))
		return false;
	if (problem->fields.size == 0)
	{
		wrong = problem_make(422, "The request has missing or invalid values.");
		for (size_t i = 0; i < route->parameter_count; i++)
		{
			const Parameter *parameter = &route->parameters[i];
			Value value = binding_judge(&binding, parameter, &binding.given[i]);

			statement->values[i] = value.text;
			statement->has_key |= parameter->source == SOURCE_HEADER && value.text != NULL;
			if (value.wrong != NULL)
				problem_add_field(problem, pool, parameter_field(parameter), value.wrong);
		}
	}
	if (problem->fields.size == 0)
		return true;
	wrong.fields = problem->fields;
	*problem = wrong;
	return false;
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
	const Parameter *parameter = route_parameter(route, name);

	return parameter == NULL ? NULL : statement->values[parameter - route->parameters];
}
