/* rate_limit: token buckets. */
#include "access/rate_limit.h"

#include <stdio.h>
#include <string.h>

#include "gateway_unit.h"

START_TEST(a_bucket_empties_and_fills_again)
{
	RateLimit *limit = rate_limit_create(10, 3);
	uint64_t now = 1000000;
	RateVerdict verdict;

	for (unsigned i = 0; i < 3; i++)
	{
		verdict = rate_limit_take(limit, "a", 1, now);
		ck_assert(verdict.allowed);
		ck_assert_uint_eq(verdict.remaining, 2 - i);
	}
	verdict = rate_limit_take(limit, "a", 1, now);
	ck_assert(!verdict.allowed);
	ck_assert_uint_eq(verdict.reset_s, 1);
	ck_assert(rate_limit_take(limit, "b", 1, now).allowed);
	ck_assert(!rate_limit_take(limit, "a", 1, now + 99000).allowed);
	ck_assert(rate_limit_take(limit, "a", 1, now + 201000).allowed);
	for (unsigned i = 0; i < 3; i++)
		ck_assert(rate_limit_take(limit, "a", 1, now + 100000000).allowed);
	ck_assert(!rate_limit_take(limit, "a", 1, now + 100000000).allowed);
	rate_limit_dispose(limit);
}
END_TEST

START_TEST(a_crowd_does_not_empty_the_table)
{
	RateLimit *limit = rate_limit_create(1, 1);
	char name[16];

	for (int i = 0; i < 200000; i++)
		ck_assert(rate_limit_take(limit, name, (size_t) snprintf(name, sizeof(name), "%d", i), 1000000 + (uint64_t) i)
					  .allowed);
	ck_assert(!rate_limit_take(limit, name, strlen(name), 1200000).allowed);
	rate_limit_dispose(limit);
}
END_TEST

RUN_TESTS("rate_limit", a_bucket_empties_and_fills_again, a_crowd_does_not_empty_the_table)
