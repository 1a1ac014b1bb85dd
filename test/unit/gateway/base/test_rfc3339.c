/* rfc3339: which times are taken, and how PostgreSQL's are written. */
#include "base/rfc3339.h"

#include <string.h>

#include "gateway_unit.h"

START_TEST(times_with_a_zone_are_taken)
{
	const char *const times[] = { "2024-02-29T12:00:00Z", "2024-02-29t12:00:00z", "2024-02-29 12:00:00+01:30",
								  "0001-01-01T00:00:00.123456789-11:00", "9999-12-31T23:59:60Z" };

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
	expect_written("infinity", "\"infinity\"");
	expect_written("0044-03-15 12:00:00+00 BC", "\"0044-03-15 12:00:00+00 BC\"");
	expect_written("12023-12-31 23:58:21+00", "\"12023-12-31 23:58:21+00\"");
}
END_TEST

RUN_TESTS("rfc3339", times_with_a_zone_are_taken, all_else_is_refused, output_of_postgresql_gets_its_t_and_z)
