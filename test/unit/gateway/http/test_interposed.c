/* interposed: chunked bodies according to RFC 9112, 7.1, in pieces of any size; and h2o's parser is restricted. */
#include "http/interposed.h"

#include <string.h>

#include "gateway_unit.h"

/* Decodes in pieces of `step` bytes as h2o does: each piece follows what is decoded so far. Returns the decoder's last
 * result. */
static ssize_t
decode(const char *text, size_t step, char *out)
{
	struct phr_chunked_decoder decoder = { .consume_trailer = 1 };
	size_t length = strlen(text);
	size_t decoded = 0;
	ssize_t result = -2;

	for (size_t at = 0; at < length && result == -2; at += step)
	{
		size_t piece = length - at < step ? length - at : step;
		size_t size = piece;
		char *bytes = malloc(piece);

		memcpy(bytes, text + at, piece);
		result = phr_decode_chunked(&decoder, bytes, &size);
		memcpy(out + decoded, bytes, size);
		decoded += size;
		if (result > 0)
			ck_assert_mem_eq(bytes + size, text + length - result - (length - at - piece), (size_t) result);
		free(bytes);
	}
	out[decoded] = '\0';
	return result;
}

static void
check_decoded(const char *text, const char *expected, ssize_t left)
{
	char out[256];

	for (size_t step = 1; step <= strlen(text); step++)
	{
		ssize_t result = decode(text, step, out);

		ck_assert_msg(result >= 0, "\"%s\" in pieces of %zu: %zd", text, step, result);
		ck_assert_str_eq(out, expected);
		if (step == strlen(text))
			ck_assert_int_eq(result, left);
	}
}

static void
check_result(const char *text, ssize_t expected)
{
	char out[256];

	for (size_t step = 1; step <= strlen(text); step++)
		ck_assert_msg(decode(text, step, out) == expected, "\"%s\" in pieces of %zu", text, step);
}

START_TEST(chunks_become_one_body)
{
	check_decoded("0\r\n\r\n", "", 0);
	check_decoded("3\r\nabc\r\n0\r\n\r\n", "abc", 0);
	check_decoded("3\r\nabc\r\n00a\r\n0123456789\r\n000\r\n\r\n", "abc0123456789", 0);
	check_decoded("3\r\n\r\n0\r\n0\r\n\r\n", "\r\n0", 0);
	check_decoded("1\r\na\r\n0\r\n\r\nGET /", "a", 5);
}
END_TEST

START_TEST(extensions_and_trailers_are_passed_over)
{
	check_decoded("3;a=b;c=\"d\"\r\nabc\r\n0;x\r\n\r\n", "abc", 0);
	check_decoded("3 \t;a\r\nabc\r\n0\r\n\r\n", "abc", 0);
	check_decoded("3\r\nabc\r\n0\r\nA: b\r\nC:\td\r\n\r\n", "abc", 0);
}
END_TEST

START_TEST(sizes_are_hexadecimal_digits_alone)
{
	for (const char *const *text =
			 (const char *const[]){ "0x2\r\nab\r\n0\r\n\r\n", "\r\n", ";\r\n", "-1\r\n", "+1\r\na\r\n", " 1\r\na\r\n",
									"g\r\n", "1 \r\na\r\n", "1 a\r\n", "1,1\r\n", "10000000000000000\r\n",
									"ffffffffffffffff\r\n", "2\ra", NULL };
		 *text != NULL; text++)
		check_result(*text, -1);
	check_result("fffffffffffffff\r\n", -2);
}
END_TEST

START_TEST(lines_end_with_cr_and_lf)
{
	for (const char *const *text =
			 (const char *const[]){ "1\na\r\n0\r\n\r\n", "1\r\na\n0\r\n\r\n", "1\r\nab\r\n", "1\r\na0\r\n\r\n",
									"1;x\na\r\n", "0\n\n", "0\r\n\n", "0\r\nA: b\n\r\n", "0\r\n A: b\r\n\r\n",
									"1;\001\r\n", "0\r\nA\177\r\n\r\n", NULL };
		 *text != NULL; text++)
		check_result(*text, -1);
}
END_TEST

START_TEST(what_is_not_over_waits)
{
	for (const char *const *text = (const char *const[]){ "5", "5\r", "5\r\n", "5\r\nabc", "5\r\nabcde\r",
														  "5\r\nabcde\r\n", "0\r\n", "0\r\n\r", "0\r\nA: b\r\n", NULL };
		 *text != NULL; text++)
		check_result(*text, -2);
}
END_TEST

START_TEST(blanks_after_a_value_are_no_part_of_it)
{
	static const char head[] = "GET / HTTP/1.1\r\nA:  b c \t \r\nD: \r\nE:f\r\n\r\n";
	struct phr_header headers[8];
	size_t count = 8;
	const char *method;
	const char *path;
	size_t method_length;
	size_t path_length;
	int minor;

	ck_assert_int_eq(phr_parse_request(head, sizeof(head) - 1, &method, &method_length, &path, &path_length, &minor,
									   headers, &count, 0),
					 sizeof(head) - 1);
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(headers[0].value_len, 3);
	ck_assert_mem_eq(headers[0].value, "b c", 3);
	ck_assert_uint_eq(headers[1].value_len, 0);
	ck_assert_uint_eq(headers[2].value_len, 1);
}
END_TEST

START_TEST(query_is_found_and_no_path_is_looked_at)
{
	size_t query_at;
	size_t *places;

	h2o_url_normalize_path(&pool, "/a/../%2e%2e/..?b?c", 19, &query_at, &places);
	ck_assert_uint_eq(query_at, 15);
	ck_assert_ptr_null(places);
	h2o_url_normalize_path(&pool, "/a", 2, &query_at, &places);
	ck_assert_uint_eq(query_at, SIZE_MAX);
	h2o_url_normalize_path(&pool, "", 0, &query_at, &places);
	ck_assert_uint_eq(query_at, SIZE_MAX);
}
END_TEST

RUN_TESTS("interposed", chunks_become_one_body, extensions_and_trailers_are_passed_over,
		  sizes_are_hexadecimal_digits_alone, lines_end_with_cr_and_lf, what_is_not_over_waits,
		  blanks_after_a_value_are_no_part_of_it, query_is_found_and_no_path_is_looked_at)
