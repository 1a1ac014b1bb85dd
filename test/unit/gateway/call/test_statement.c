/* statement: values of each source and type are bound, and every error is named. */
#include "call/statement.h"

#include <string.h>

#include "gateway_unit.h"

static Statement statement;
static Problem problem;
static const char *caller_id;
static const char *caller_role;

static bool
bind_route(HttpMethod method, Parameter *parameters, size_t count, const char *query, const char *body, const char *key)
{
	Route route = { .method = method, .parameters = parameters, .parameter_count = count };
	Path path = { .segments = { { "a", 1 }, { "12", 2 } }, .count = 2 };
	StatementInput input = { .path = &path,
							 .query = query,
							 .query_length = strlen(query),
							 .body = body,
							 .body_length = strlen(body),
							 .idempotency_key = key,
							 .idempotency_key_length = key == NULL ? 0 : strlen(key),
							 .caller_id = caller_id,
							 .caller_role = caller_role };

	for (size_t i = 0; i < count; i++)
		if (parameters[i].max_length == 0)
			parameters[i].max_length = SIZE_MAX;
	return statement_bind(&route, &input, &pool, &statement, &problem);
}

/* Binds one value, both from a query string and from a JSON body. Both must give `text`, or be invalid if that is NULL.
 */
static void
expect_value(Parameter parameter, const char *query, const char *json, const char *text)
{
	char buffer[256];

	parameter.name = "v";
	for (int i = 0; i < 2; i++)
	{
		bool bound;

		parameter.source = i == 0 ? SOURCE_QUERY : SOURCE_BODY;
		if ((i == 0 ? query : json) == NULL)
			continue;
		snprintf(buffer, sizeof(buffer), i == 0 ? "v=%s" : "{\"v\":%s}", i == 0 ? query : json);
		bound = bind_route(i == 0 ? METHOD_GET : METHOD_POST, &parameter, 1, i == 0 ? buffer : "", i == 0 ? "" : buffer,
						   NULL);
		ck_assert_msg(bound == (text != NULL), "%s", buffer);
		if (bound)
			ck_assert_str_eq(statement.values[0], text);
		else
			ck_assert_int_eq(problem.status, 422);
	}
}

static Parameter
of_type(Oid oid, const char *type)
{
	return (Parameter){ .type_oid = oid, .type = type };
}

START_TEST(integers_are_bound_within_their_type_and_bounds)
{
	Parameter integer = of_type(TYPE_INTEGER, "integer");
	Parameter bounded = integer;

	expect_value(integer, "12", "12", "12");
	expect_value(integer, "-2147483648", "-2147483648", "-2147483648");
	expect_value(integer, "2147483648", "2147483648", NULL);
	expect_value(of_type(TYPE_SMALLINT, "smallint"), "32768", "32768", NULL);
	expect_value(of_type(TYPE_BIGINT, "bigint"), "9223372036854775807", "9223372036854775807", "9223372036854775807");
	expect_value(of_type(TYPE_BIGINT, "bigint"), "9223372036854775808", NULL, NULL);
	expect_value(integer, "1.0", "1.0", NULL);
	expect_value(integer, "1e3", "1e3", NULL);
	expect_value(integer, "", "\"12\"", NULL);
	expect_value(integer, "-", "true", NULL);
	expect_value(integer, "1%00", "[]", NULL);
	bounded.has_minimum = bounded.has_maximum = true;
	bounded.minimum = 1;
	bounded.maximum = 200;
	expect_value(bounded, "200", "200", "200");
	expect_value(bounded, "201", "201", NULL);
	ck_assert_str_eq(problem.fields.entries[0].detail, "must be from 1 to 200");
	expect_value(bounded, "0", "0", NULL);
}
END_TEST

START_TEST(texts_are_bound_within_their_length_and_list)
{
	Parameter text = of_type(TYPE_TEXT, "text");
	const char *words[] = { "asc", "desc" };

	expect_value(text, "a%20%C3%A9+b", "\"a é b\"", "a é b");
	expect_value(text, "", "\"\"", "");
	expect_value(text, "a%00", "\"a\\u0000\"", NULL);
	expect_value(text, NULL, "1", NULL);
	text.min_length = 1;
	text.max_length = 2;
	expect_value(text, "%C3%A9%F0%9F%99%82", "\"é🙂\"", "é🙂");
	expect_value(text, "abc", "\"abc\"", NULL);
	expect_value(text, "", "\"\"", NULL);
	text = of_type(TYPE_TEXT, "text");
	text.one_of = words;
	text.one_of_count = 2;
	expect_value(text, "desc", "\"desc\"", "desc");
	expect_value(text, "DESC", "\"DESC\"", NULL);
	ck_assert_str_eq(problem.fields.entries[0].detail, "must be one of asc, desc");
}
END_TEST

START_TEST(characters_are_counted_not_bytes)
{
	Parameter text = of_type(TYPE_TEXT, "text");

	text.min_length = text.max_length = 4;
	expect_value(text, "a%C3%A9%E2%82%AC%F0%9F%99%82", "\"aé€🙂\"", "aé€🙂");
	expect_value(text, "%C3%A9%C3%A9", "\"éé\"", NULL);
}
END_TEST

START_TEST(other_types_are_bound)
{
	expect_value(of_type(TYPE_BOOLEAN, "boolean"), "true", "true", "true");
	expect_value(of_type(TYPE_BOOLEAN, "boolean"), "1", "1", NULL);
	expect_value(of_type(TYPE_BOOLEAN, "boolean"), "true%00", "\"true\"", NULL);
	expect_value(of_type(TYPE_TIMESTAMPTZ, "timestamp with time zone"), "2024-01-01T00:00:00Z",
				 "\"2024-01-01T00:00:00Z\"", "2024-01-01T00:00:00Z");
	expect_value(of_type(TYPE_TIMESTAMPTZ, "timestamp with time zone"), "2024-01-01T00:00:00",
				 "\"2024-01-01T00:00:00\"", NULL);
	expect_value(of_type(TYPE_JSONB, "jsonb"), NULL, "{\"a\":[1,null]}", "{\"a\":[1,null]}");
	expect_value(of_type(TYPE_BIGINT_ARRAY, "bigint[]"), "[1,2]", "[1,2]", "{\"1\",\"2\"}");
	expect_value(of_type(TYPE_BIGINT_ARRAY, "bigint[]"), "{1,2}", "{\"a\":1}", NULL);
	expect_value(of_type(1700, "numeric"), "1.5", "1.5", "1.5");
	expect_value(of_type(1700, "numeric"), "0.1", "0.1", "0.1");
	expect_value(of_type(1700, "numeric"), "0.30000000000000004", "0.30000000000000004", "0.30000000000000004");
	expect_value(of_type(1700, "numeric"), NULL, "12345678901234567890.1234567890", "12345678901234567890.1234567890");
	expect_value(of_type(1231, "numeric[]"), "[0.1,2]", "[0.1,2]", "{\"0.1\",\"2\"}");
	expect_value(of_type(1231, "numeric[]"), NULL, "[9223372036854775808]", "{\"9223372036854775808\"}");
	expect_value(of_type(TYPE_BIGINT_ARRAY, "bigint[]"), NULL, "[-9223372036854775808]", "{\"-9223372036854775808\"}");
	expect_value(of_type(TYPE_BIGINT_ARRAY, "bigint[]"), "[1,9223372036854775808]", "[1,9223372036854775808,2]", NULL);
	expect_value(of_type(TYPE_JSONB, "jsonb"), "{\"a\":9223372036854775808}", "{\"a\":9223372036854775808}",
				 "{\"a\":9223372036854775808}");
	expect_value(of_type(TYPE_JSONB, "jsonb"), NULL, "{\"a\":0.30000000000000000001}",
				 "{\"a\":0.30000000000000000001}");
	expect_value(of_type(TYPE_JSONB, "jsonb"), NULL, "{\"a\":[0.1,1.0]}", "{\"a\":[0.1,1.0]}");
	expect_value(of_type(701, "double precision"), NULL, "1.7976931348623157e308", "1.7976931348623157e308");
	expect_value(of_type(2950, "uuid"), "x", "\"x\"", "x");
}
END_TEST

START_TEST(each_source_reaches_its_parameter)
{
	Parameter parameters[] = {
		{ .name = "id",
		  .source = SOURCE_PATH,
		  .segment = 1,
		  .type = "bigint",
		  .type_oid = TYPE_BIGINT,
		  .required = true },
		{ .name = "content", .source = SOURCE_BODY, .type = "text", .type_oid = TYPE_TEXT, .required = true },
		{ .name = "idempotency_key", .source = SOURCE_HEADER, .type = "text", .type_oid = TYPE_TEXT },
		{ .name = "memo", .source = SOURCE_BODY, .type = "text", .type_oid = TYPE_TEXT }
	};

	ck_assert(bind_route(METHOD_POST, parameters, 4, "", "{\"content\":\"c\",\"memo\":null}", "k"));
	ck_assert_str_eq(statement.values[0], "12");
	ck_assert_str_eq(statement.values[1], "c");
	ck_assert_str_eq(statement.values[2], "k");
	ck_assert_ptr_null(statement.values[3]);
	ck_assert(statement.has_key);
	ck_assert(bind_route(METHOD_POST, parameters, 4, "", "{\"content\":\"c\"}", NULL));
	ck_assert(!statement.has_key);
}
END_TEST

START_TEST(the_caller_is_bound_from_the_token_alone)
{
	Parameter parameters[] = {
		{ .name = "caller_id", .source = SOURCE_TOKEN, .type = "bigint", .type_oid = TYPE_BIGINT },
		{ .name = "caller_role", .source = SOURCE_TOKEN, .type = "text", .type_oid = TYPE_TEXT },
		{ .name = "memo", .source = SOURCE_BODY, .type = "text", .type_oid = TYPE_TEXT }
	};

	caller_id = "7";
	caller_role = "user";
	ck_assert(bind_route(METHOD_POST, parameters, 3, "", "{\"memo\":\"m\"}", NULL));
	ck_assert_str_eq(statement.values[0], "7");
	ck_assert_str_eq(statement.values[1], "user");
	ck_assert(!bind_route(METHOD_POST, parameters, 3, "caller_id=8", "{\"caller_role\":\"operator\"}", NULL));
	ck_assert_int_eq(problem.status, 400);
	ck_assert_uint_eq(problem.fields.size, 2);
	caller_id = caller_role = NULL;
	ck_assert(bind_route(METHOD_POST, parameters, 3, "", "", NULL));
	ck_assert_ptr_null(statement.values[0]);
	ck_assert_ptr_null(statement.values[1]);
}
END_TEST

START_TEST(fields_that_are_null_are_named_where_the_function_asks)
{
	Parameter parameters[] = { { .name = "a", .source = SOURCE_BODY, .type = "text", .type_oid = TYPE_TEXT },
							   { .name = "null_fields", .source = SOURCE_NULLS, .type = "text[]" },
							   { .name = "b", .source = SOURCE_BODY, .type = "jsonb", .type_oid = TYPE_JSONB } };

	ck_assert(bind_route(METHOD_PUT, parameters, 3, "", "{\"a\":null,\"b\":{\"a\":null}}", NULL));
	ck_assert_str_eq(statement.values[1], "{\"a\"}");
	ck_assert_str_eq(statement.values[2], "{\"a\":null}");
	ck_assert(bind_route(METHOD_PUT, parameters, 3, "", "{\"b\":null,\"a\":null}", NULL));
	ck_assert_str_eq(statement.values[1], "{\"a\",\"b\"}");
	ck_assert(bind_route(METHOD_PUT, parameters, 3, "", "", NULL));
	ck_assert_str_eq(statement.values[1], "{}");
	ck_assert(!bind_route(METHOD_PUT, parameters, 3, "", "{\"null_fields\":[\"a\"]}", NULL));
	ck_assert_int_eq(problem.status, 400);
}
END_TEST

START_TEST(names_are_judged_before_values_and_all_at_once)
{
	Parameter parameters[] = {
		{ .name = "a", .source = SOURCE_QUERY, .type = "integer", .type_oid = TYPE_INTEGER },
		{ .name = "b", .source = SOURCE_QUERY, .type = "integer", .type_oid = TYPE_INTEGER, .required = true }
	};

	ck_assert(!bind_route(METHOD_GET, parameters, 2, "a=x&a=1&c=1&d", "", NULL));
	ck_assert_int_eq(problem.status, 400);
	ck_assert_uint_eq(problem.fields.size, 3);
	ck_assert(!bind_route(METHOD_GET, parameters, 2, "a=x", "", NULL));
	ck_assert_int_eq(problem.status, 422);
	ck_assert_uint_eq(problem.fields.size, 2);
	ck_assert(bind_route(METHOD_GET, parameters, 2, "&&b=1&", "", NULL));
}
END_TEST

START_TEST(bad_encoding_is_told_at_once)
{
	Parameter parameter = { .name = "a", .source = SOURCE_QUERY, .type = "text", .type_oid = TYPE_TEXT };
	const char *const queries[] = { "a=%", "%zz=1", "a=%ff", "%c3=1", "a=1&b=%4" };

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
	{
		ck_assert(!bind_route(METHOD_GET, &parameter, 1, queries[i], "", NULL));
		ck_assert_int_eq(problem.status, 400);
	}
}
END_TEST

START_TEST(a_body_that_is_no_object_is_told)
{
	Parameter parameter = { .name = "a", .source = SOURCE_BODY, .type = "jsonb", .type_oid = TYPE_JSONB };
	const char *const bodies[] = {
		"{", "[]", "1", "x", "{\"a\":1,\"a\":2}", "{\"a\":\"\xff\"}", "{\"\\u0000\":1}", "{\"a\":1}x"
	};
	char deep[5000];

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
	{
		ck_assert_msg(!bind_route(METHOD_POST, &parameter, 1, "", bodies[i], NULL), "%s", bodies[i]);
		ck_assert_int_eq(problem.status, 400);
	}
	memset(deep, '[', 2300);
	memset(deep + 2300, ']', 2300);
	deep[4600] = '\0';
	memcpy(deep, "{\"a\":", 5);
	ck_assert(!bind_route(METHOD_POST, &parameter, 1, "", deep, NULL));
	ck_assert(bind_route(METHOD_POST, &parameter, 1, "",
						 "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"}", NULL));
}
END_TEST

START_TEST(a_number_too_large_for_any_type_is_a_value)
{
	Parameter parameter = { .name = "a", .source = SOURCE_BODY, .type = "bigint", .type_oid = TYPE_BIGINT };

	const char *const bodies[] = { "{\"a\":9223372036854775808}", "{\"a\":-9223372036854775809}",
								   "{\"a\":123456789012345678901234567890}",
								   "{\"b\":\"9223372036854775808\",\"c\":7,\"a\":9223372036854775808}" };
	Parameter parameters[] = { parameter,
							   { .name = "b", .source = SOURCE_BODY, .type = "text", .type_oid = TYPE_TEXT },
							   { .name = "c", .source = SOURCE_BODY, .type = "integer", .type_oid = TYPE_INTEGER } };

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
	{
		ck_assert_msg(!bind_route(METHOD_POST, parameters, 3, "", bodies[i], NULL), "%s", bodies[i]);
		ck_assert_int_eq(problem.status, 422);
		ck_assert_uint_eq(problem.fields.size, 1);
		ck_assert_str_eq(problem.fields.entries[0].field, "a");
	}
	ck_assert(bind_route(METHOD_POST, parameters, 2, "", "{\"b\":\"1e999\",\"a\":-9223372036854775808}", NULL));
	ck_assert(!bind_route(METHOD_POST, parameters, 2, "", "{\"a\":1e999}", NULL));
	ck_assert_int_eq(problem.status, 400);
}
END_TEST

START_TEST(no_more_than_twenty_fields_are_named)
{
	Parameter parameter = { .name = "a", .source = SOURCE_BODY, .type = "text", .type_oid = TYPE_TEXT };
	Buffer body = { 0 };

	for (int i = 0; i < 100000; i++)
		buffer_printf(&body, "%s\"n%d\":1", i == 0 ? "{" : ",", i);
	buffer_append_byte(&body, '}');
	ck_assert(!bind_route(METHOD_POST, &parameter, 1, "", buffer_text(&body), NULL));
	ck_assert_int_eq(problem.status, 400);
	ck_assert_uint_eq(problem.fields.size, PROBLEM_FIELDS_MAX);
	buffer_dispose(&body);
	parameter.source = SOURCE_QUERY;
	ck_assert(
		!bind_route(METHOD_GET, &parameter, 1, "b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q&r&s&t&u&v&w&x&y&z&a=1&a=2", "", NULL));
	ck_assert_uint_eq(problem.fields.size, PROBLEM_FIELDS_MAX);
}
END_TEST

START_TEST(body_is_as_long_as_its_texts_need)
{
	Parameter parameters[] = {
		{ .source = SOURCE_BODY, .type = "text", .type_oid = TYPE_TEXT, .max_length = 100 },
		{ .source = SOURCE_BODY, .type = "bigint", .type_oid = TYPE_BIGINT, .max_length = SIZE_MAX },
		{ .source = SOURCE_QUERY, .type = "text", .type_oid = TYPE_TEXT, .max_length = SIZE_MAX }
	};
	Route route = { .method = METHOD_POST, .parameters = parameters, .parameter_count = 3 };

	ck_assert_uint_eq(statement_body_limit(&route, 1000000), 65536 + 1200);
	ck_assert_uint_eq(statement_body_limit(&route, 1000), 1000);
	parameters[0].max_length = SIZE_MAX;
	ck_assert_uint_eq(statement_body_limit(&route, 1000000), 1000000);
	parameters[0].domain = "x.pattern"; /* its bound is not plain, but there is one */
	ck_assert_uint_eq(statement_body_limit(&route, 1000000), 65536);
	parameters[0] = (Parameter){ .source = SOURCE_BODY, .type = "bigint[]", .type_oid = TYPE_BIGINT_ARRAY };
	ck_assert_uint_eq(statement_body_limit(&route, 1000000), 1000000);
	parameters[0] = (Parameter){ .source = SOURCE_BODY, .type = "jsonb", .type_oid = TYPE_JSONB };
	ck_assert_uint_eq(statement_body_limit(&route, 1000000), 1000000);
}
END_TEST

RUN_TESTS("statement", no_more_than_twenty_fields_are_named, body_is_as_long_as_its_texts_need,
		  integers_are_bound_within_their_type_and_bounds, texts_are_bound_within_their_length_and_list,
		  characters_are_counted_not_bytes, other_types_are_bound, each_source_reaches_its_parameter,
		  the_caller_is_bound_from_the_token_alone, fields_that_are_null_are_named_where_the_function_asks,
		  names_are_judged_before_values_and_all_at_once, bad_encoding_is_told_at_once,
		  a_body_that_is_no_object_is_told, a_number_too_large_for_any_type_is_a_value)
