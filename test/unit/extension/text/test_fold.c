/* fold: folding eight bytes at a time, byte by byte and beyond ASCII gives the same result, that of towlower(). */
#include "text/fold.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

static const char *
fold(const char *from)
{
	static char to[FOLD_GROWTH * 256 + 1];

	to[parley_fold_utf8(to, from, strlen(from))] = '\0';
	return to;
}

START_TEST(ascii_capitals_fold_at_every_place_and_nothing_beside_them)
{
	for (int c = 1; c < 0x80; c++)
		for (int place = 0; place < 20; place++)
		{
			char text[21] = "....................";
			char expected[21] = "....................";

			text[place] = (char) c;
			expected[place] = (char) (c >= 'A' && c <= 'Z' ? c + 32 : c);
			ck_assert_str_eq(fold(text), expected);
		}
}
END_TEST

START_TEST(every_character_folds_as_towlower_has_it)
{
	for (uint32_t c = 0x80; c < 0x30000; c++)
	{
		char text[8] = { 0 }, folded[8];
		const unsigned char *at = (const unsigned char *) folded;

		if (c >= 0xD800 && c < 0xE000)
			continue;
		if (c < 0x800)
			text[0] = (char) (0xC0 | c >> 6), text[1] = (char) (0x80 | (c & 0x3F));
		else if (c < 0x10000)
			text[0] = (char) (0xE0 | c >> 12), text[1] = (char) (0x80 | (c >> 6 & 0x3F)),
			text[2] = (char) (0x80 | (c & 0x3F));
		else
			text[0] = (char) (0xF0 | c >> 18), text[1] = (char) (0x80 | (c >> 12 & 0x3F)),
			text[2] = (char) (0x80 | (c >> 6 & 0x3F)), text[3] = (char) (0x80 | (c & 0x3F));
		strcpy(folded, fold(text));
		ck_assert_uint_eq(parley_utf8_next(&at), (uint32_t) towlower((wint_t) c));
		ck_assert_uint_eq(*at, 0);
	}
}
END_TEST

START_TEST(a_folded_text_may_be_longer_or_shorter)
{
	ck_assert_str_eq(fold("ABCDEFGHÉ ABCDEFGHI"), "abcdefghé abcdefghi");
	ck_assert_str_eq(fold("\xE2\x84\xAA"), "k");        /* the Kelvin sign: three bytes to one */
	ck_assert_str_eq(fold("\xC8\xBA"), "\xE2\xB1\xA5"); /* U+023A: two bytes to three */
	ck_assert_str_eq(fold("ΟΔΟΣ ς"), "οδοσ ς");
	ck_assert_str_eq(fold(""), "");
}
END_TEST

START_TEST(in_locale_c_only_ascii_folds)
{
	char to[64];
	const char *from = "ÀBCDEFGHIJKLMNÉ Z";

	ck_assert_uint_eq(parley_fold_ascii(to, from, strlen(from)), strlen(from));
	ck_assert_mem_eq(to, "Àbcdefghijklmn\xC3\x89 z", strlen(from));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fold");
	TCase *cases = tcase_create("fold");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return EXIT_FAILURE;
	tcase_add_test(cases, ascii_capitals_fold_at_every_place_and_nothing_beside_them);
	tcase_add_test(cases, every_character_folds_as_towlower_has_it);
	tcase_add_test(cases, a_folded_text_may_be_longer_or_shorter);
	tcase_add_test(cases, in_locale_c_only_ascii_folds);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
