/* csv: reads what RFC 4180 allows, skips and counts rows that cannot be a message, and reports the line of a syntax
 * error. */
#include "csv.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CsvTexts
parsed(const char *input)
{
	CsvTexts texts;
	const char *error = csv_parse(input, strlen(input), &texts);

	ck_assert_msg(error == NULL, "%s", error);
	return texts;
}

static void
expect_text(const CsvTexts *texts, size_t i, const char *expected)
{
	size_t length = texts->starts[i + 1] - texts->starts[i];

	ck_assert_uint_lt(i, texts->count);
	ck_assert_uint_eq(length, strlen(expected));
	ck_assert_mem_eq(texts->bytes + texts->starts[i], expected, length);
}

static void
expect_error(const char *input, const char *expected)
{
	CsvTexts texts;

	ck_assert_pstr_eq(csv_parse(input, strlen(input), &texts), expected);
}

START_TEST(rows_end_with_lf_crlf_or_the_file)
{
	CsvTexts texts = parsed("content\none\r\ntwo\nthree");

	ck_assert_uint_eq(texts.count, 3);
	expect_text(&texts, 0, "one");
	expect_text(&texts, 1, "two");
	expect_text(&texts, 2, "three");
	csv_free(&texts);
}
END_TEST

START_TEST(quotes_protect_commas_line_ends_and_doubled_quotes)
{
	CsvTexts texts = parsed("\"content\"\r\n\"a, \"\"b\"\"\r\nc\"\r\n\"\"\"\"\nsaid \"so\"\n");

	ck_assert_uint_eq(texts.count, 3);
	expect_text(&texts, 0, "a, \"b\"\r\nc");
	expect_text(&texts, 1, "\"");
	expect_text(&texts, 2, "said \"so\"");
	csv_free(&texts);
}
END_TEST

START_TEST(a_byte_order_mark_is_no_part_of_the_header)
{
	CsvTexts texts = parsed("\xef\xbb\xbf"
							"content\nx\n");

	ck_assert_uint_eq(texts.count, 1);
	csv_free(&texts);
}
END_TEST

START_TEST(what_is_no_message_is_skipped_and_counted)
{
	char input[10100] = "content\n\n\"\"\n\xc0\xaf\n\xed\xa0\x80\nok\n";
	size_t length = strlen(input);
	CsvTexts texts;

	memset(input + length, 'x', CSV_CHARACTERS_MAX + 1);
	texts = parsed(input);
	ck_assert_uint_eq(texts.count, 1);
	ck_assert_uint_eq(texts.skipped, 5);
	expect_text(&texts, 0, "ok");
	csv_free(&texts);
}
END_TEST

START_TEST(a_nul_is_skipped)
{
	static const char input[] = "content\na\0b\nc\n";
	CsvTexts texts;

	ck_assert_ptr_null(csv_parse(input, sizeof(input) - 1, &texts));
	ck_assert_uint_eq(texts.count, 1);
	ck_assert_uint_eq(texts.skipped, 1);
	csv_free(&texts);
}
END_TEST

START_TEST(the_longest_message_is_counted_in_characters)
{
	static char input[8 + 2 * CSV_CHARACTERS_MAX + 1] = "content\n";
	CsvTexts texts;

	for (int i = 0; i < CSV_CHARACTERS_MAX; i++)
		memcpy(input + 8 + 2 * i, "é", 2);
	texts = parsed(input);
	ck_assert_uint_eq(texts.count, 1);
	ck_assert_uint_eq(texts.skipped, 0);
	csv_free(&texts);
}
END_TEST

START_TEST(malformed_input_is_named_by_its_line)
{
	expect_error("text\nx\n", "line 1: the header must be: content");
	expect_error("", "line 1: the header must be: content");
	expect_error("content\none\ntwo,more\n", "line 3: more than one column");
	expect_error("content\n\"one\"two\n", "line 2: text after the closing quote");
	expect_error("content\none\n\"two\nthree\n", "line 3: the quote that opens here is never closed");
	expect_error("content\n\n", "line 3: no text that could be a message");
}
END_TEST

START_TEST(many_rows_are_kept_in_order)
{
	size_t room = 200000, length = 8;
	char *input = malloc(room);
	CsvTexts texts;

	memcpy(input, "content\n", 8);
	for (int i = 0; i < 10000; i++)
		length += (size_t) snprintf(input + length, room - length, "row %d\n", i);
	ck_assert_ptr_null(csv_parse(input, length, &texts));
	ck_assert_uint_eq(texts.count, 10000);
	expect_text(&texts, 0, "row 0");
	expect_text(&texts, 9999, "row 9999");
	csv_free(&texts);
	free(input);
}
END_TEST

START_TEST(the_checksum_tells_texts_apart)
{
	CsvTexts one = parsed("content\nab\nc\n"), same = parsed("content\r\n\"ab\"\r\nc"),
			 other = parsed("content\na\nbc\n");

	ck_assert_uint_eq(one.checksum, same.checksum);
	ck_assert_uint_ne(one.checksum, other.checksum);
	csv_free(&one);
	csv_free(&same);
	csv_free(&other);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("populate_csv");
	TCase *tests = tcase_create("csv");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, rows_end_with_lf_crlf_or_the_file);
	tcase_add_test(tests, quotes_protect_commas_line_ends_and_doubled_quotes);
	tcase_add_test(tests, a_byte_order_mark_is_no_part_of_the_header);
	tcase_add_test(tests, what_is_no_message_is_skipped_and_counted);
	tcase_add_test(tests, a_nul_is_skipped);
	tcase_add_test(tests, the_longest_message_is_counted_in_characters);
	tcase_add_test(tests, malformed_input_is_named_by_its_line);
	tcase_add_test(tests, many_rows_are_kept_in_order);
	tcase_add_test(tests, the_checksum_tells_texts_apart);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
