/* user_count: each user can have as many as the limit, and another one when one ends. */
#include "live/user_count.h"

#include "gateway_unit.h"

START_TEST(users_are_counted_each_by_themselves)
{
	UserCount *counts = user_count_create();

	for (int user = 1; user <= 3; user++)
		for (int i = 0; i < 16; i++)
			ck_assert(user_count_add(counts, user * 4096, 16));
	ck_assert(!user_count_add(counts, 4096, 16));
	user_count_remove(counts, 4096);
	ck_assert(user_count_add(counts, 4096, 16));
	ck_assert(!user_count_add(counts, 4096, 16));
	for (int user = 1; user <= 3; user++)
		for (int i = 0; i < 16; i++)
			user_count_remove(counts, user * 4096);
	ck_assert(user_count_add(counts, 4096, 1));
	user_count_dispose(counts);
}
END_TEST

RUN_TESTS("user_count", users_are_counted_each_by_themselves)
