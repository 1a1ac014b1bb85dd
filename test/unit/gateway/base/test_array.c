/* array: literals and JSON arrays, both ways. */
#include "base/array.h"

#include <string.h>

#include "gateway_unit.h"
#include "base/json_writer.h"

static void
expect_literal(const char *json, const char *expected)
{
	json_t *array = json_loads(json, JSON_ALLOW_NUL, NULL);
	Buffer out = { 0 };
	bool fine = array_from_json(array, &out);

	ck_assert_int_eq(fine, expected != NULL);
	if (expected != NULL)
		ck_assert_str_eq(buffer_text(&out), expected);
	json_decref(array);
	buffer_dispose(&out);
}

START_TEST(json_becomes_a_literal)
{
	expect_literal("[]", "{}");
	expect_literal("[1,-2,null]", "{1,-2,NULL}");
	expect_literal("[\"a\",\"\",\"NULL\",\"{,}\",\"\\\"\\\\\"]", "{\"a\",\"\",\"NULL\",\"{,}\",\"\\\"\\\\\"}");
	expect_literal("[[1],[2]]", "{{1},{2}}");
	expect_literal("[true,false]", "{t,f}");
}
END_TEST

START_TEST(objects_and_nuls_are_refused)
{
	expect_literal("[{}]", NULL);
	expect_literal("[[1,{}]]", NULL);
	expect_literal("[\"a\\u0000b\"]", NULL);
}
END_TEST

static void
expect_json(const char *literal, const char *expected)
{
	Buffer out = { 0 };

	array_to_json(literal, json_write_string, &out);
	ck_assert_str_eq(buffer_text(&out), expected);
	buffer_dispose(&out);
}

START_TEST(a_literal_becomes_json)
{
	expect_json("{}", "[]");
	expect_json("{a,NULL,\"NULL\",\"\"}", "[\"a\",null,\"NULL\",\"\"]");
	expect_json("{\"b c\",\"\\\"\\\\\",\"{,}\"}", "[\"b c\",\"\\\"\\\\\",\"{,}\"]");
	expect_json("{{a,b},{c,d}}", "[[\"a\",\"b\"],[\"c\",\"d\"]]");
	expect_json("[2:3]={a,b}", "[\"a\",\"b\"]");
}
END_TEST

RUN_TESTS("array", json_becomes_a_literal, objects_and_nuls_are_refused, a_literal_becomes_json)
