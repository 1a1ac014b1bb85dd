/* csv: fields are quoted according to RFC 4180, and Accept is read according to RFC 9110. */
#include "base/csv.h"

#include <string.h>

#include "gateway_unit.h"

static void
expect_field(const char *text, const char *written)
{
	Buffer out = { 0 };

	csv_write_field(&out, text, strlen(text));
	ck_assert_str_eq(buffer_text(&out), written);
	buffer_dispose(&out);
}

START_TEST(a_field_is_quoted_where_it_has_to_be)
{
	expect_field("plain text", "plain text");
	expect_field("", "\"\"");
	expect_field("a,b", "\"a,b\"");
	expect_field("two\nlines", "\"two\nlines\"");
	expect_field("a\rb", "\"a\rb\"");
	expect_field("\"", "\"\"\"\"");
	expect_field("say \"hi\", twice: \"\"", "\"say \"\"hi\"\", twice: \"\"\"\"\"");
	expect_field("=1+1", "=1+1");
	expect_field("\xc3\xbc", "\xc3\xbc");
}
END_TEST

START_TEST(csv_is_for_who_prefers_it)
{
	static const char *const preferring[] = { "text/csv",
											  "TEXT/CSV",
											  " , text/csv;header=present",
											  "text/csv, */*",
											  "application/json;q=0.5, text/csv",
											  "text/html, text/csv;q=0.9, */*;q=0.1",
											  "text/csv;q=0.001" };
	static const char *const others[] = { "",
										  "*/*",
										  "text/*",
										  "application/json",
										  "text/csv, application/json",
										  "text/csv;q=0",
										  "text/csv; Q=0.5, */*",
										  "text/csv;q=0.5, application/json",
										  "text/html,application/xhtml+xml,*/*;q=0.8",
										  "text/csvx",
										  ",,;q=1",
										  "text/csv;q=x",
										  "text/csv;q=inf",
										  "text/csv;q=nan",
										  "text/csv;q=1e99",
										  "text/csv;q=-1",
										  "text/csv;q=",
										  ";;;",
										  "text/csv;q=0;" };
	char endless[600];

	for (size_t i = 0; i < sizeof(preferring) / sizeof(preferring[0]); i++)
		ck_assert_msg(csv_is_preferred(preferring[i], strlen(preferring[i])), "%s", preferring[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(!csv_is_preferred(others[i], strlen(others[i])), "%s", others[i]);
	ck_assert(!csv_is_preferred(NULL, 0));
	memset(endless, ',', sizeof(endless));
	ck_assert(!csv_is_preferred(endless, sizeof(endless)));
}
END_TEST

RUN_TESTS("csv", a_field_is_quoted_where_it_has_to_be, csv_is_for_who_prefers_it)
