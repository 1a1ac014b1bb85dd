/* random, weighted, hash_set, timeline: the same seed gives the same numbers, and their distributions are as promised.
 */
#include "hash_set.h"
#include "random.h"
#include "timeline.h"
#include "weighted.h"

#include <check.h>
#include <stdlib.h>

START_TEST(the_same_seed_gives_the_same_numbers)
{
	Random one = random_start(7, RANDOM_TEXT), same = random_start(7, RANDOM_TEXT);
	Random other_seed = random_start(8, RANDOM_TEXT), other_stream = random_start(7, RANDOM_TRAFFIC);
	uint64_t first = random_next(&one);

	ck_assert_uint_eq(first, random_next(&same));
	ck_assert_uint_eq(random_next(&one), random_next(&same));
	ck_assert_uint_ne(first, random_next(&other_seed));
	ck_assert_uint_ne(first, random_next(&other_stream));
}
END_TEST

/* A seed must give these numbers on every machine and with every compiler. */
START_TEST(the_first_numbers_of_a_seed_stay)
{
	Random random = { 0 };

	ck_assert_uint_eq(random_next(&random), UINT64_C(0xe220a8397b1dcdaf));
	ck_assert_uint_eq(random_next(&random), UINT64_C(0x6e789e6aa1b965f4));
}
END_TEST

START_TEST(below_stays_below_and_is_even)
{
	Random random = random_start(1, RANDOM_TEXT);
	int seen[7] = { 0 };

	for (int i = 0; i < 70000; i++)
		seen[random_below(&random, 7)]++;
	for (int i = 0; i < 7; i++)
	{
		ck_assert_int_gt(seen[i], 9500);
		ck_assert_int_lt(seen[i], 10500);
	}
	ck_assert_uint_eq(random_below(&random, 1), 0);
}
END_TEST

START_TEST(unit_is_at_least_0_and_below_1)
{
	Random random = random_start(1, RANDOM_TEXT);
	double sum = 0;

	for (int i = 0; i < 100000; i++)
	{
		double unit = random_unit(&random);

		ck_assert(unit >= 0 && unit < 1);
		sum += unit;
	}
	ck_assert_double_eq_tol(sum / 100000, 0.5, 0.01);
}
END_TEST

START_TEST(weighted_draws_follow_the_weights)
{
	static const double weights[] = { 5, 0, 1, 4 };
	Weighted *weighted = weighted_create(weights, 4);
	Random random = random_start(1, RANDOM_TEXT);
	int seen[4] = { 0 };

	for (int i = 0; i < 100000; i++)
		seen[weighted_draw(weighted, &random)]++;
	ck_assert_int_eq(seen[1], 0);
	ck_assert_double_eq_tol(seen[0], 50000, 1000);
	ck_assert_double_eq_tol(seen[2], 10000, 1000);
	ck_assert_double_eq_tol(seen[3], 40000, 1000);
	weighted_free(weighted);
}
END_TEST

START_TEST(weighted_draws_from_one)
{
	static const double weight = 0.3;
	Weighted *weighted = weighted_create(&weight, 1);
	Random random = random_start(1, RANDOM_TEXT);

	ck_assert_uint_eq(weighted_draw(weighted, &random), 0);
	weighted_free(weighted);
}
END_TEST

START_TEST(a_set_knows_what_it_has_however_it_grows)
{
	HashSet set = hash_set_create(1);

	for (uint64_t key = 1; key <= 10000; key++)
		ck_assert(hash_set_add(&set, key * 1024));
	for (uint64_t key = 1; key <= 10000; key++)
		ck_assert(!hash_set_add(&set, key * 1024));
	ck_assert_uint_eq(set.count, 10000);
	hash_set_free(&set);
}
END_TEST

static void
expect_two_years(uint64_t count)
{
	static Timeline timeline;
	const Timestamp until = 820540800 * TIMESTAMP_SECOND;
	Timestamp before = until - TIMELINE_DAYS * TIMESTAMP_DAY;

	timeline_start(&timeline, 1, until, count);
	for (uint64_t i = 0; i < count; i++)
	{
		Timestamp at = timeline_next(&timeline);

		ck_assert_int_gt(at, before);
		before = at;
	}
	ck_assert_int_lt(before, until);
	if (count > 1000)
		ck_assert_int_gt(before, until - TIMESTAMP_DAY);
}

START_TEST(moments_only_go_forward_and_fill_two_years)
{
	expect_two_years(1);
	expect_two_years(2);
	expect_two_years(50000);
}
END_TEST

START_TEST(there_is_more_talk_in_the_evening_than_at_night)
{
	static Timeline timeline;
	int by_hour[24] = { 0 };

	timeline_start(&timeline, 1, 0, 100000);
	for (int i = 0; i < 100000; i++)
		by_hour[(timeline_next(&timeline) + TIMELINE_DAYS * TIMESTAMP_DAY) / (3600 * TIMESTAMP_SECOND) % 24]++;
	ck_assert_int_gt(by_hour[19], 3 * by_hour[4]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("populate_random");
	TCase *tests = tcase_create("random");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, the_same_seed_gives_the_same_numbers);
	tcase_add_test(tests, the_first_numbers_of_a_seed_stay);
	tcase_add_test(tests, below_stays_below_and_is_even);
	tcase_add_test(tests, unit_is_at_least_0_and_below_1);
	tcase_add_test(tests, weighted_draws_follow_the_weights);
	tcase_add_test(tests, weighted_draws_from_one);
	tcase_add_test(tests, a_set_knows_what_it_has_however_it_grows);
	tcase_add_test(tests, moments_only_go_forward_and_fill_two_years);
	tcase_add_test(tests, there_is_more_talk_in_the_evening_than_at_night);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
