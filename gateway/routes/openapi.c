/*
 * openapi: the OpenAPI 3.1 document of a router's routes.
 */
#include "routes/openapi.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/array.h"
#include "db/pg_types.h"
#include "call/problem.h"
#include "call/response.h"
#include "config/version.h"

/* ----- types ----- */

static json_t *
schema_of(const char *type)
{
	return json_pack("{s:s}", "type", type);
}

static json_t *
integer_schema(const char *format)
{
	return json_pack("{s:s,s:s}", "type", "integer", "format", format);
}

/* What a type looks like in JSON, in a request and in an answer. */
static json_t *
type_schema(Oid type)
{
	switch (type)
	{
		case TYPE_BOOLEAN:
			return schema_of("boolean");
		case TYPE_SMALLINT:
		case TYPE_INTEGER:
			return integer_schema("int32");
		case TYPE_BIGINT:
		case TYPE_OID:
			return integer_schema("int64");
		case TYPE_TIMESTAMPTZ:
			return json_pack("{s:s,s:s}", "type", "string", "format", "date-time");
		case TYPE_JSON:
		case TYPE_JSONB:
			return json_object();
		case TYPE_SMALLINT_ARRAY:
		case TYPE_INTEGER_ARRAY:
		case TYPE_BIGINT_ARRAY:
			return json_pack("{s:s,s:o}", "type", "array", "items", json_pack("{s:[ss]}", "type", "integer", "null"));
		case TYPE_TEXT_ARRAY:
		case TYPE_VARCHAR_ARRAY:
		case TYPE_UUID_ARRAY:
		case TYPE_TIMESTAMPTZ_ARRAY:
			return json_pack("{s:s,s:o}", "type", "array", "items", json_pack("{s:[ss]}", "type", "string", "null"));
		case TYPE_BOOLEAN_ARRAY:
		case TYPE_JSON_ARRAY:
		case TYPE_JSONB_ARRAY:
			return json_pack("{s:s,s:{}}", "type", "array", "items");
		default:
			return schema_of("string");
	}
}

/* Every column of an answer may be null. */
static json_t *
nullable(json_t *schema)
{
	json_t *type = json_object_get(schema, "type");

	if (type != NULL)
		json_object_set_new(schema, "type", json_pack("[Os]", type, "null"));
	return schema;
}

static json_t *
parameter_schema(const Parameter *parameter)
{
	json_t *schema = type_schema(parameter->type_oid);

	if (parameter->has_minimum)
		json_object_set_new(schema, "minimum", json_integer(parameter->minimum));
	if (parameter->has_maximum)
		json_object_set_new(schema, "maximum", json_integer(parameter->maximum));
	if (parameter->min_length > 0)
		json_object_set_new(schema, "minLength", json_integer((json_int_t) parameter->min_length));
	if (parameter->max_length != SIZE_MAX)
		json_object_set_new(schema, "maxLength", json_integer((json_int_t) parameter->max_length));
	for (size_t i = 0; i < parameter->one_of_count; i++)
	{
		if (i == 0)
			json_object_set_new(schema, "enum", json_array());
		json_array_append_new(json_object_get(schema, "enum"), json_string(parameter->one_of[i]));
	}
	if (parameter->description != NULL)
		json_object_set_new(schema, "description", json_string(parameter->description));
	return schema;
}

/* ----- requests ----- */

static json_t *
write_parameter(const Parameter *parameter)
{
	static const char *const places[] = {
		[SOURCE_PATH] = "path", [SOURCE_QUERY] = "query", [SOURCE_HEADER] = "header"
	};
	bool header = parameter->source == SOURCE_HEADER;

	return json_pack("{s:s,s:s,s:b,s:o}", "name", header ? "Idempotency-Key" : parameter->name, "in",
					 places[parameter->source], "required", parameter->source == SOURCE_PATH || parameter->required,
					 "schema", parameter_schema(parameter));
}

static json_t *
write_body(const Route *route)
{
	json_t *properties = json_object();
	json_t *required = json_array();
	json_t *schema = json_pack("{s:s,s:o,s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
	bool needed;

	for (size_t i = 0; i < route->parameter_count; i++)
	{
		const Parameter *parameter = &route->parameters[i];

		if (parameter->source != SOURCE_BODY)
			continue;
		json_object_set_new(properties, parameter->name,
							parameter->required ? parameter_schema(parameter) : nullable(parameter_schema(parameter)));
		if (!parameter->required)
			json_object_del(json_object_get(properties, parameter->name), "enum");
		else
			json_array_append_new(required, json_string(parameter->name));
	}
	needed = json_array_size(required) > 0;
	if (needed)
		json_object_set(schema, "required", required);
	json_decref(required);
	return json_pack("{s:b,s:{s:{s:o}}}", "required", needed, "content", "application/json", "schema", schema);
}

/* ----- answers ----- */

static json_t *
answer_schema(const Route *route)
{
	json_t *properties = json_object();
	json_t *required = json_array();
	json_t *schema;

	for (size_t i = 0; i < route->column_count; i++)
	{
		if (!response_is_field(route->columns[i].name, route->columns[i].type))
			continue;
		json_object_set_new(properties, route->columns[i].name, nullable(type_schema(route->columns[i].type)));
		json_array_append_new(required, json_string(route->columns[i].name));
	}
	schema = json_pack("{s:s,s:o,s:o}", "type", "object", "properties", properties, "required", required);
	return route->returns_set ? json_pack("{s:s,s:o}", "type", "array", "items", schema) : schema;
}

static json_t *
header_of(const char *description)
{
	return json_pack("{s:s,s:{s:s}}", "description", description, "schema", "type", "string");
}

static json_t *
answer_headers(const Route *route)
{
	json_t *headers = json_pack("{s:o}", "X-Request-Id", header_of("names this request in the log"));

	for (size_t i = 0; i < route->column_count; i++)
	{
		const char *name = route->columns[i].name;

		if (strncmp(name, "next_", 5) == 0)
			json_object_set_new(headers, "Link", header_of("neighbouring pages, as RFC 8288 has it"));
		else if (strcmp(name, "total_count") == 0)
			json_object_set_new(headers, "X-Total-Count", header_of("how many there are in all, if it was asked for"));
		else if (strcmp(name, "replayed") == 0)
			json_object_set_new(headers, "Idempotency-Replayed", header_of("true: the first answer again"));
	}
	return headers;
}

static json_t *
write_success(const Route *route, int status)
{
	json_t *answer = json_pack("{s:s,s:o}", "description", problem_title(status), "headers", answer_headers(route));

	if (status != 204)
		json_object_set_new(answer, "content",
							json_pack("{s:{s:o}}", "application/json", "schema", answer_schema(route)));
	return answer;
}

static json_t *
write_answers(const Route *route)
{
	json_t *answers = json_object();
	char status[8];

	snprintf(status, sizeof(status), "%d", route->status);
	json_object_set_new(answers, status, write_success(route, route->status));
	for (size_t i = 0; i < route->column_count && route->status == 201; i++)
		if (strcmp(route->columns[i].name, "created") == 0)
			json_object_set_new(answers, "200", write_success(route, 200));
	json_object_set_new(answers, "4XX", json_pack("{s:s}", "$ref", "#/components/responses/Problem"));
	json_object_set_new(answers, "5XX", json_pack("{s:s}", "$ref", "#/components/responses/Problem"));
	return answers;
}

/* ----- the whole ----- */

/* post_conversations_conversation_id_messages */
static json_t *
operation_id(const Route *route)
{
	char id[256];
	size_t length = (size_t) snprintf(id, sizeof(id), "%s", route_method_name(route->method));

	for (size_t i = 0; i < length; i++)
		id[i] |= 0x20;
	for (const char *at = route->path; *at != '\0' && length < sizeof(id) - 1; at++)
	{
		if (*at != '{' && *at != '}')
			id[length++] = *at == '/' || *at == '.' || *at == '-' ? '_' : *at;
	}
	return json_stringn(id, length);
}

static json_t *
write_operation(const Route *route)
{
	json_t *parameters = json_array();
	json_t *operation =
		json_pack("{s:o,s:s,s:o}", "operationId", operation_id(route), "summary",
				  route->description[0] == '\0' ? route->path : route->description, "parameters", parameters);

	for (size_t i = 0; i < route->parameter_count; i++)
		if (route->parameters[i].source != SOURCE_BODY && route->parameters[i].source != SOURCE_TOKEN)
			json_array_append_new(parameters, write_parameter(&route->parameters[i]));
	if (route->has_body)
		json_object_set_new(operation, "requestBody", write_body(route));
	json_object_set_new(operation, "responses", write_answers(route));
	if (route->auth == AUTH_OPERATOR || route->auth == AUTH_USER)
		json_object_set_new(operation, "security", json_pack("[{s:[]}]", "bearer"));
	else
		json_object_set_new(operation, "security", json_array());
	return operation;
}

static json_t *
problem_schema(void)
{
	static const char text[] =
		"{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"code\",\"request_id\"],\"properties\":{"
		"\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
		"\"detail\":{\"type\":\"string\"},\"code\":{\"type\":\"string\",\"description\":\"a SQLSTATE\"},"
		"\"hint\":{\"type\":\"string\"},\"outcome\":{\"type\":\"string\",\"enum\":[\"known\",\"unknown\"]},"
		"\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"field\",\"detail\"],"
		"\"properties\":{\"field\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"}}}},"
		"\"request_id\":{\"type\":\"string\"}}}";

	return json_loads(text, 0, NULL);
}

static json_t *
write_components(void)
{
	json_t *problem = json_pack("{s:s,s:{s:{s:{s:s}}}}", "description", "what is wrong, as RFC 9457 has it", "content",
								"application/problem+json", "schema", "$ref", "#/components/schemas/Problem");

	return json_pack("{s:{s:o},s:{s:o},s:{s:{s:s,s:s,s:s}}}", "schemas", "Problem", problem_schema(), "responses",
					 "Problem", problem, "securitySchemes", "bearer", "type", "http", "scheme", "bearer",
					 "bearerFormat", "JWT");
}

char *
openapi_write(const Router *router)
{
	json_t *paths = json_object();
	json_t *document =
		json_pack("{s:s,s:{s:s,s:s,s:{s:s,s:s}},s:[{s:s}],s:o,s:o}", "openapi", "3.1.0", "info", "title", "parley",
				  "version", PARLEY_VERSION, "license", "name", "PostgreSQL License", "identifier", "PostgreSQL",
				  "servers", "url", "/", "paths", paths, "components", write_components());
	char *text;

	for (size_t i = 0; i < router_route_count(router); i++)
	{
		const Route *route = router_routes(router)[i];
		char method[8];

		snprintf(method, sizeof(method), "%s", route_method_name(route->method));
		for (char *at = method; *at != '\0'; at++)
			*at |= 0x20;
		if (json_object_get(paths, route->path) == NULL)
			json_object_set_new(paths, route->path, json_object());
		json_object_set_new(json_object_get(paths, route->path), method, write_operation(route));
	}
	text = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	return text;
}
