/*
 * statement: binds what a request brings to the parameters of its route's statement.
 *
 * Names are judged first, all of them, and only if they are good are the values, all of them. The parsed body lives in
 * the pool too, since values point into it.
 */
#include "statement.h"

#include <string.h>

#include "query_string.h"
#include "utf8.h"
#include "value.h"

enum
{
	JSON_DEPTH_MAX = 64
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
	Problem *problem;
} Binding;

static bool
refuse(Binding *binding, int status, const char *detail)
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

	while (query_string_next(&query, &length, binding->pool, &pair))
	{
		Given *given;

		if (pair.result == PERCENT_MALFORMED)
			return refuse(binding, 400, "The query string has a % that two hexadecimal digits do not follow.");
		if (pair.result == PERCENT_NOT_UTF8)
			return refuse(binding, 400, "The query string is not valid UTF-8.");
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

/* Whether brackets nest no deeper than JSON_DEPTH_MAX, looked at before anything recursive is. */
static bool
is_shallow(const char *text, size_t length)
{
	int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < length && depth <= JSON_DEPTH_MAX; i++)
	{
		if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
		else if (!in_string && (text[i] == '{' || text[i] == '['))
			depth++;
		else if (!in_string && (text[i] == '}' || text[i] == ']'))
			depth--;
	}
	return depth <= JSON_DEPTH_MAX;
}

static void
dispose_json(void *holder)
{
	json_decref(*(json_t **) holder);
}

/* The body parsed, or NULL and a refusal. */
static json_t *
parse_body(Binding *binding, const char *body, size_t length)
{
	json_error_t error;
	json_t *json = NULL;
	json_t **holder;

	if (!is_shallow(body, length))
		refuse(binding, 400, "The body nests too deeply.");
	else if (!utf8_is_valid(body, length))
		refuse(binding, 400, "The body is not valid UTF-8.");
	else
	{
		json = json_loadb(body, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
		if (json == NULL && json_error_code(&error) == json_error_numeric_overflow)
			refuse(binding, 422, "The body has a number that is too large.");
		else if (json == NULL && json_error_code(&error) == json_error_duplicate_key)
			refuse(binding, 400, "The body names a field more than once.");
		else if (!json_is_object(json))
			refuse(binding, 400, json == NULL ? "The body is not well-formed JSON." : "The body is not a JSON object.");
	}
	holder = h2o_mem_alloc_shared(binding->pool, sizeof(*holder), dispose_json);
	*holder = json;
	return json_is_object(json) ? json : NULL;
}

static bool
take_body(Binding *binding, const char *body, size_t length)
{
	json_t *json;
	const char *name;
	json_t *value;

	if (length == 0)
		return true;
	json = parse_body(binding, body, length);
	if (json == NULL)
		return false;
	json_object_foreach(json, name, value)
	{
		Given *given = find_given(binding, SOURCE_BODY, name, strlen(name));

		if (given == NULL)
			problem_add_field(binding->problem, binding->pool, name, "is not a field here");
		else
			given->json = value;
	}
	return true;
}

static void
take_path_and_header(Binding *binding, const StatementInput *input)
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
	}
}

static Value
judge(const Parameter *parameter, const Given *given, h2o_mem_pool_t *pool)
{
	if (given->text != NULL && !utf8_is_valid(given->text, given->length))
		return (Value){ .wrong = "is not valid UTF-8" };
	if (given->text != NULL)
		return value_from_text(parameter, given->text, given->length, pool);
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
		Value value = judge(&route->parameters[i], &binding->given[i], binding->pool);

		statement->values[i] = value.text;
		if (value.wrong != NULL)
			problem_add_field(binding->problem, binding->pool,
							  route->parameters[i].source == SOURCE_HEADER ? "Idempotency-Key"
																		   : route->parameters[i].name,
							  value.wrong);
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
	take_path_and_header(&binding, input);
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

const char *
statement_value(const Route *route, const Statement *statement, const char *name)
{
	for (size_t i = 0; i < route->parameter_count; i++)
		if (strcmp(route->parameters[i].name, name) == 0)
			return statement->values[i];
	return NULL;
}
