/* json: jansson reads every text back as it was written; array literals in both directions. */
#include "base/json.h"

#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "gateway_unit.h"

static void
expect_back(const char *text, size_t length)
{
	Buffer out = { 0 };
	json_t *read;

	json_write_string(&out, text, length);
	read = json_loadb(out.base, out.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	ck_assert_ptr_nonnull(read);
	ck_assert_uint_eq(json_string_length(read), length);
	ck_assert_mem_eq(json_string_value(read), text, length);
	json_decref(read);
	buffer_dispose(&out);
}

START_TEST(every_byte_comes_back)
{
	for (int byte = 0; byte < 128; byte++)
	{
		char text[3] = { 'a', (char) byte, 'b' };

		expect_back(text, 3);
		expect_back(text + 1, 1);
	}
}
END_TEST

/* Eight bytes are looked at at a time. */
START_TEST(every_byte_comes_back_from_every_place)
{
	for (int byte = 0; byte < 128; byte++)
		for (size_t place = 0; place < 24; place++)
		{
			char text[24];

			memset(text, '~', sizeof(text));
			text[place] = (char) byte;
			expect_back(text, sizeof(text));
			expect_back(text, place + 1);
			text[23 - place] = '"';
			expect_back(text, sizeof(text));
		}
}
END_TEST

/* The same as a loop over single bytes, whatever they are: jansson reads only UTF-8. */
START_TEST(any_bytes_are_escaped_as_one_by_one)
{
	static const char special[] = "\"\\\b\t\n\f\r";
	static const char letters[] = "\"\\btnfr";
	uint32_t random = 1;

	for (size_t round = 0; round < 20000; round++)
	{
		char text[48];
		size_t start = round % 8;
		size_t length = round / 8 % 41;
		Buffer expected = { 0 };
		Buffer out = { 0 };

		for (size_t i = start; i < start + length; i++)
		{
			unsigned char byte = (unsigned char) ((random = random * 1664525 + 1013904223) >> 24);
			const char *place;

			if (byte % 16 == 0)
				byte = (unsigned char) special[byte / 16 % 7];
			text[i] = (char) byte;
			place = memchr(special, byte, 7);
			if (place != NULL)
				buffer_printf(&expected, "\\%c", letters[place - special]);
			else if (byte < ' ')
				buffer_printf(&expected, "\\u%04x", byte);
			else
				buffer_append_byte(&expected, (char) byte);
		}
		json_escape(&out, text + start, length);
		ck_assert_str_eq(buffer_text(&out), buffer_text(&expected));
		buffer_dispose(&expected);
		buffer_dispose(&out);
	}
}
END_TEST

START_TEST(utf8_stays_as_it_is)
{
	Buffer out = { 0 };

	json_write_text(&out, "é€🙂\u2028");
	ck_assert_str_eq(buffer_text(&out), "\"é€🙂\u2028\"");
	buffer_dispose(&out);
}
END_TEST

START_TEST(common_escapes_are_short)
{
	Buffer out = { 0 };

	json_write_text(&out, "\"\\\b\t\n\f\r\v\x01");
	ck_assert_str_eq(buffer_text(&out), "\"\\\"\\\\\\b\\t\\n\\f\\r\\u000b\\u0001\"");
	buffer_dispose(&out);
}
END_TEST

START_TEST(null_is_null)
{
	Buffer out = { 0 };

	json_write_text(&out, NULL);
	ck_assert_str_eq(buffer_text(&out), "null");
	buffer_dispose(&out);
}
END_TEST

START_TEST(long_texts_fit)
{
	char text[5000];

	memset(text, '"', sizeof(text));
	expect_back(text, sizeof(text));
	memset(text, 'x', sizeof(text));
	expect_back(text, sizeof(text));
	expect_back(text, 0);
}
END_TEST

static void
expect_literal(const char *json, const char *expected)
{
	json_t *array = json_loads(json, JSON_ALLOW_NUL, NULL);
	Buffer out = { 0 };
	bool fine = array_from_json(array, (JsonText){ json, strlen(json) }, &out);

	ck_assert_int_eq(fine, expected != NULL);
	if (expected != NULL)
		ck_assert_str_eq(buffer_text(&out), expected);
	json_decref(array);
	buffer_dispose(&out);
}

START_TEST(json_becomes_a_literal)
{
	expect_literal("[]", "{}");
	expect_literal("[1,-2,null]", "{\"1\",\"-2\",NULL}");
	expect_literal("[\"a\",\"\",\"NULL\",\"{,}\",\"\\\"\\\\\"]", "{\"a\",\"\",\"NULL\",\"{,}\",\"\\\"\\\\\"}");
	expect_literal("[true,false,1.5]", "{\"true\",\"false\",\"1.5\"}");
	expect_literal("[ 0.10 ,\t1e2,\n12345678901234567890.5\r\n]", "{\"0.10\",\"1e2\",\"12345678901234567890.5\"}");
}
END_TEST

START_TEST(texts_are_as_they_were_written)
{
	const char *json = "{ \"a\" : [1, {\"b\": \"]}\\\"\"}] , \"c,\":1.0e0 }";
	const char *const expected[] = { "\"a\"", "[1, {\"b\": \"]}\\\"\"}]", "\"c,\"", "1.0e0" };
	const char *at = json;

	for (int i = 0; i < 4; i++)
	{
		JsonText text = json_next_text(&at, json + strlen(json));

		ck_assert_uint_eq(text.length, strlen(expected[i]));
		ck_assert_mem_eq(text.text, expected[i], text.length);
	}
}
END_TEST

START_TEST(what_is_no_scalar_is_refused)
{
	expect_literal("[{}]", NULL);
	expect_literal("[[1]]", NULL);
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
}
END_TEST

RUN_TESTS("json", every_byte_comes_back, every_byte_comes_back_from_every_place, any_bytes_are_escaped_as_one_by_one,
		  utf8_stays_as_it_is, common_escapes_are_short, null_is_null, long_texts_fit, json_becomes_a_literal,
		  texts_are_as_they_were_written, what_is_no_scalar_is_refused, a_literal_becomes_json)
