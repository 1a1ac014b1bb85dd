/* wakeups: the text of an array is a batch of ids. */
#include "live/wakeups.h"

#include "gateway_unit.h"

static void
expect(const char *text, size_t count, int64_t first, int64_t last)
{
	Wakeups *wakeups = wakeups_create(text, false, 5);

	ck_assert_uint_eq(wakeups->count, count);
	if (count > 0)
	{
		ck_assert_int_eq(wakeups->user_ids[0], first);
		ck_assert_int_eq(wakeups->user_ids[count - 1], last);
	}
	ck_assert_uint_eq(wakeups->since_us, 5);
	ck_assert_ptr_eq(wakeups_retain(wakeups), wakeups);
	wakeups_release(wakeups);
	wakeups_release(wakeups);
}

START_TEST(array_is_read)
{
	expect("{}", 0, 0, 0);
	expect("{0}", 1, 0, 0);
	expect("{1,2,3}", 3, 1, 3);
	expect("{9223372036854775807,0,9223372036854775807}", 3, INT64_MAX, INT64_MAX);
}
END_TEST

RUN_TESTS("wakeups", array_is_read)
