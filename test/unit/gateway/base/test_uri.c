/* uri: what is decoded, what is refused, and that decoding reverses encoding. */
#include "base/uri.h"

#include <string.h>

#include "gateway_unit.h"

static UriResult
decode(const char *in, bool plus_is_blank, char *out, size_t *length)
{
	return percent_decode(in, strlen(in), plus_is_blank, out, length);
}

START_TEST(escapes_become_bytes)
{
	char out[64];
	size_t length;

	ck_assert_int_eq(decode("a%20b%2Fc%c3%A9", false, out, &length), URI_OK);
	ck_assert_str_eq(out, "a b/cé");
	ck_assert_uint_eq(length, 7);
}
END_TEST

START_TEST(a_plus_is_a_blank_only_where_asked)
{
	char out[64];
	size_t length;

	ck_assert_int_eq(decode("a+b%2B", false, out, &length), URI_OK);
	ck_assert_str_eq(out, "a+b+");
	ck_assert_int_eq(decode("a+b%2B", true, out, &length), URI_OK);
	ck_assert_str_eq(out, "a b+");
}
END_TEST

START_TEST(a_nul_is_counted)
{
	char out[64];
	size_t length;

	ck_assert_int_eq(decode("a%00b", false, out, &length), URI_OK);
	ck_assert_uint_eq(length, 3);
}
END_TEST

START_TEST(incomplete_escapes_are_malformed)
{
	const char *const inputs[] = { "%", "a%", "%4", "a%2", "%zz", "%4g", "%%41", "% 1", "%-1" };
	char out[64];
	size_t length;

	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
		ck_assert_msg(decode(inputs[i], false, out, &length) == URI_MALFORMED, "%s", inputs[i]);
	ck_assert_int_eq(decode("x%41", false, out, &length), URI_OK);
	ck_assert_str_eq(out, "xA");
}
END_TEST

START_TEST(what_is_no_utf8_is_refused)
{
	const char *const inputs[] = { "%80",       "%ff",       "%c3",          "%c3%28",      "%c0%80",
								   "%e0%80%80", "%ed%a0%80", "%f4%90%80%80", "%f5%80%80%80" };
	const char *const good[] = { "%c2%80", "%e0%a0%80", "%ed%9f%bf", "%ef%bf%bf", "%f0%90%80%80", "%f4%8f%bf%bf" };
	char out[64];
	size_t length;

	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
		ck_assert_msg(decode(inputs[i], false, out, &length) == URI_NOT_UTF8, "%s", inputs[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(decode(good[i], false, out, &length) == URI_OK, "%s", good[i]);
}
END_TEST

START_TEST(every_byte_survives_encoding)
{
	for (int byte = 0; byte < 128; byte++)
	{
		Buffer encoded = { 0 };
		char text = (char) byte;
		char out[8];
		size_t length;

		percent_encode(&encoded, &text, 1);
		ck_assert_int_eq(percent_decode(encoded.base, encoded.length, true, out, &length), URI_OK);
		ck_assert_uint_eq(length, 1);
		ck_assert_int_eq(out[0], byte);
		buffer_dispose(&encoded);
	}
}
END_TEST

RUN_TESTS("uri", escapes_become_bytes, a_plus_is_a_blank_only_where_asked, a_nul_is_counted,
		  incomplete_escapes_are_malformed, what_is_no_utf8_is_refused, every_byte_survives_encoding)
