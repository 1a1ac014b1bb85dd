/* text: messages are valid, reproducible and of realistic length, and word frequencies are realistic. */
#include "csv.h"
#include "text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES 20000

START_TEST(every_message_is_valid_and_104_characters_on_average)
{
	TextGenerator *generator = text_generator_create(1);
	Text text;
	long sum = 0;

	for (int i = 0; i < MESSAGES; i++)
	{
		long characters;

		text_generate(generator, &text, (double) i / MESSAGES);
		characters = utf8_characters(text.bytes, text.length);
		ck_assert_int_ge(characters, 1);
		ck_assert_int_le(characters, 10000);
		sum += characters;
	}
	ck_assert_double_eq_tol((double) sum / MESSAGES, 104, 5);
	text_generator_free(generator);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_messages)
{
	TextGenerator *one = text_generator_create(5), *same = text_generator_create(5), *other = text_generator_create(6);
	Text text, same_text, other_text;
	int differing = 0;

	for (int i = 0; i < 100; i++)
	{
		text_generate(one, &text, 0.5);
		text_generate(same, &same_text, 0.5);
		text_generate(other, &other_text, 0.5);
		ck_assert_uint_eq(text.length, same_text.length);
		ck_assert_mem_eq(text.bytes, same_text.bytes, text.length);
		differing += text.length != other_text.length || memcmp(text.bytes, other_text.bytes, text.length) != 0;
	}
	ck_assert_int_gt(differing, 95);
	text_generator_free(one);
	text_generator_free(same);
	text_generator_free(other);
}
END_TEST

/* Returns how many messages contain the word if all of them are from this part of the time. */
static int
messages_between(double from, double until, const char *word)
{
	TextGenerator *generator = text_generator_create(1);
	Text text;
	int found = 0;

	for (int i = 0; i < MESSAGES; i++)
	{
		text_generate(generator, &text, from + (until - from) * i / MESSAGES);
		found += memmem(text.bytes, text.length, word, strlen(word)) != NULL;
	}
	text_generator_free(generator);
	return found;
}

static int
messages_with(const char *word)
{
	return messages_between(0, 1, word);
}

START_TEST(a_word_goes_out_of_use)
{
	ck_assert_int_gt(messages_between(0, 0.1, "walkman"), MESSAGES / 100);
	ck_assert_int_eq(messages_between(0.1, 1, "walkman"), 0);
}
END_TEST

START_TEST(common_words_are_common_and_rare_ones_rare)
{
	TextGenerator *generator = text_generator_create(1);
	int movie = messages_with("movie");
	char rarest[64];

	ck_assert_int_gt(messages_with("the"), MESSAGES / 2);
	ck_assert_int_gt(movie, MESSAGES / 200);
	ck_assert_int_lt(movie, MESSAGES / 20);
	/* As a word: its letters may be part of another word. */
	snprintf(rarest, sizeof(rarest), " %s ", text_generator_word(generator, 47999));
	ck_assert_int_lt(messages_with(rarest), 10);
	ck_assert_ptr_null(text_generator_word(generator, 48000));
	text_generator_free(generator);
}
END_TEST

START_TEST(some_messages_have_other_scripts_emoji_and_wildcards)
{
	static const char *const pieces[] = { "привет", "今天", "今日", "오늘", "اليوم", "नमस्ते", "σήμερα",
										  "🙂",   "é",    "%",    "_",    "\\",    "'" };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
	{
		int found = messages_with(pieces[i]);

		ck_assert_msg(found > 0 && found < MESSAGES / 2, "%d messages have %s", found, pieces[i]);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("populate_text");
	TCase *tests = tcase_create("text");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, every_message_is_valid_and_104_characters_on_average);
	tcase_add_test(tests, the_same_seed_gives_the_same_messages);
	tcase_add_test(tests, a_word_goes_out_of_use);
	tcase_add_test(tests, common_words_are_common_and_rare_ones_rare);
	tcase_add_test(tests, some_messages_have_other_scripts_emoji_and_wildcards);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
