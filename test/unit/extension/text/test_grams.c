/* grams: the clues of every part of a text are among the text's grams, and clues are as narrow as promised. */
#include "text/grams.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define CLUES 64

static const char *const texts[] = {
	"",
	" ",
	"  ",
	"a",
	"ab",
	"abc",
	"the quick brown fox",
	"a  b   c",
	" leading and trailing ",
	"tab\tand\nline",
	"你好世界 再见",
	"🙂🙂 🦘",
	"100%_sure \\ (really?!)",
	"x y z",
	"straße café",
	"o'neil's",
	"мир привет",
};

/* Returns whether the text has a gram for each clue of the term. */
static bool
may_contain(const char *text, const char *term, size_t term_length)
{
	uint32_t characters[256];
	Gram grams[GRAMS_MAX(256)];
	GramClue clues[CLUES];
	size_t clue_count = parley_clues_of_term(term, term_length, true, characters, clues, CLUES);
	size_t gram_count = parley_grams_of_text(text, strlen(text), true, characters, grams);

	for (size_t i = 0; i < clue_count; i++)
	{
		bool found = false;

		for (size_t j = 0; j < gram_count; j++)
			for (int k = 0; k < clues[i].range_count; k++)
				found |= parley_gram_in_range(grams[j], &clues[i].ranges[k]);
		if (!found)
			return false;
	}
	return true;
}

static bool
begins_character(const char *at)
{
	return ((unsigned char) *at & 0xC0) != 0x80;
}

START_TEST(no_part_of_a_text_is_missed)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		for (const char *from = texts[i]; *from != '\0'; from++)
			for (const char *to = from + 1; begins_character(from) && (to == from + 1 || to[-1] != '\0'); to++)
				if (begins_character(to))
					ck_assert_msg(may_contain(texts[i], from, (size_t) (to - from)), "\"%.*s\" of \"%s\"",
								  (int) (to - from), from, texts[i]);
}
END_TEST

START_TEST(what_is_not_there_is_mostly_known_not_to_be)
{
	static const char *const absent[] = { "zz",        "ac",        "好你", "🦊", "%%",
										  "quick fox", "the brown", "kan",  "ый",   "\\\\" };

	for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++)
		for (size_t j = 0; j < sizeof(texts) / sizeof(*texts); j++)
			ck_assert_msg(!may_contain(texts[j], absent[i], strlen(absent[i])), "\"%s\" in \"%s\"", absent[i],
						  texts[j]);
}
END_TEST

START_TEST(three_characters_are_one_exact_gram_and_a_blank_is_none)
{
	uint32_t characters[16];
	GramClue clues[CLUES];

	ck_assert_uint_eq(parley_clues_of_term("abc", 3, true, characters, clues, CLUES), 1);
	ck_assert(parley_clue_is_exact(&clues[0]));
	ck_assert_uint_eq(parley_clues_of_term("ab", 2, true, characters, clues, CLUES), 1);
	ck_assert(!parley_clue_is_exact(&clues[0]));
	ck_assert_uint_eq(parley_clues_of_term("%", 1, true, characters, clues, CLUES), 1);
	ck_assert(parley_clue_is_exact(&clues[0]));
	ck_assert_uint_eq(parley_clues_of_term(" ", 1, true, characters, clues, CLUES), 0);
	ck_assert_uint_eq(parley_clues_of_term("", 0, true, characters, clues, CLUES), 0);
}
END_TEST

START_TEST(a_long_term_has_as_many_clues_as_there_is_room_for)
{
	uint32_t characters[200];
	GramClue clues[3];
	char term[200];

	for (size_t i = 0; i < sizeof(term); i++)
		term[i] = (char) (i % 7 == 6 ? ' ' : 'a' + i % 23);
	ck_assert_uint_eq(parley_clues_of_term(term, sizeof(term), true, characters, clues, 3), 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("grams");
	TCase *cases = tcase_create("grams");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, no_part_of_a_text_is_missed);
	tcase_add_test(cases, what_is_not_there_is_mostly_known_not_to_be);
	tcase_add_test(cases, three_characters_are_one_exact_gram_and_a_blank_is_none);
	tcase_add_test(cases, a_long_term_has_as_many_clues_as_there_is_room_for);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
