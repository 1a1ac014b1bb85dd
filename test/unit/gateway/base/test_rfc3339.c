/* rfc3339: which times are accepted, and how PostgreSQL's times are formatted. */
#include "base/rfc3339.h"

#include <string.h>

#include "gateway_unit.h"

START_TEST(times_with_a_zone_are_taken)
{
	const char *const times[] = { "2024-02-29T12:00:00Z",      "2024-02-29t12:00:00z",
								  "2024-02-29 12:00:00+01:30", "0001-01-01T00:00:00.123456789-11:00",
								  "2016-12-31T23:59:60Z",      "2016-12-31T23:59:60.00Z",
								  "0001-01-01T00:00:00Z",      "0001-01-01T05:30:00+05:30",
								  "0001-01-02T00:00:00+15:00", "9999-12-31T23:59:59.9999994Z",
								  "9999-12-31T18:59:59-05:00", "9999-12-31T00:00:60Z",
								  "9999-12-30T23:59:60-15:00" };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		ck_assert_msg(rfc3339_is_valid(times[i]), "%s", times[i]);
}
END_TEST

START_TEST(all_else_is_refused)
{
	const char *const times[] = { "",
								  "now",
								  "2024-02-29",
								  "2024-02-29T12:00:00",
								  "2023-02-29T12:00:00Z",
								  "1900-02-29T12:00:00Z",
								  "0000-01-01T00:00:00Z",
								  "2024-00-01T00:00:00Z",
								  "2024-13-01T00:00:00Z",
								  "2024-01-32T00:00:00Z",
								  "2024-01-01T24:00:00Z",
								  "2024-01-01T00:60:00Z",
								  "2024-01-01T00:00:61Z",
								  "2024-01-01T00:00:00.Z",
								  "2024-01-01T00:00:00+24:00",
								  "2024-01-01T00:00:00+16:00",
								  "2024-01-01T00:00:00+0100",
								  "2024-01-01T00:00:00Zx",
								  "2024-01-01T00:00Z",
								  "24-01-01T00:00:00Z",
								  " 2024-01-01T00:00:00Z" };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		ck_assert_msg(!rfc3339_is_valid(times[i]), "%s", times[i]);
}
END_TEST

START_TEST(instants_outside_the_years_1_to_9999_are_refused)
{
	const char *const times[] = { "0001-01-01T00:00:00+00:01",    "0001-01-01T05:29:59+05:30",
								  "9999-12-31T23:59:60Z",         "9999-12-31T23:59:59-00:01",
								  "9999-12-31T23:59:59.9999995Z", "9999-12-31T19:00:00-05:00" };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		ck_assert_msg(!rfc3339_is_valid(times[i]), "%s", times[i]);
}
END_TEST

START_TEST(leap_second_is_whole)
{
	ck_assert(!rfc3339_is_valid("2016-12-31T23:59:60.5Z"));
	ck_assert(!rfc3339_is_valid("2016-12-31T23:59:60.0000001Z"));
	ck_assert(!rfc3339_is_valid("2016-12-31T23:59:60.Z"));
}
END_TEST

static void
expect_written(const char *text, const char *expected)
{
	Buffer out = { 0 };

	rfc3339_write(&out, text, strlen(text));
	ck_assert_str_eq(buffer_text(&out), expected);
	buffer_dispose(&out);
}

START_TEST(output_of_postgresql_gets_its_t_and_z)
{
	expect_written("2023-12-31 23:58:21+00", "\"2023-12-31T23:58:21Z\"");
	expect_written("2023-12-31 23:58:21.5+00", "\"2023-12-31T23:58:21.5Z\"");
	expect_written("0001-01-01 00:00:00+00", "\"0001-01-01T00:00:00Z\"");
	expect_written("9999-12-31 23:59:59.999999+00", "\"9999-12-31T23:59:59.999999Z\"");
}
END_TEST

START_TEST(what_rfc3339_cannot_write_is_null)
{
	expect_written("infinity", "null");
	expect_written("-infinity", "null");
	expect_written("0044-03-15 12:00:00+00 BC", "null");
	expect_written("12023-12-31 23:58:21+00", "null");
}
END_TEST

RUN_TESTS("rfc3339", times_with_a_zone_are_taken, all_else_is_refused, instants_outside_the_years_1_to_9999_are_refused,
		  leap_second_is_whole, output_of_postgresql_gets_its_t_and_z, what_rfc3339_cannot_write_is_null)
