/* Shared by the gateway's unit tests: a pool for each test, and main(). */
#ifndef GATEWAY_UNIT_H
#define GATEWAY_UNIT_H

#include <check.h>
#include <stdlib.h>

#include <h2o.h>

static h2o_mem_pool_t pool;

static void
set_up_pool(void)
{
	h2o_mem_init_pool(&pool);
}

static void
tear_down_pool(void)
{
	h2o_mem_clear_pool(&pool);
}

/* Runs the tests of one module. The last line is printed by check. */
static int
run_tests(const char *module, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(module);
	TCase *cases = tcase_create(module);
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(cases, set_up_pool, tear_down_pool);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(cases, tests[i]);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define RUN_TESTS(module, ...)                                             \
	int main(void)                                                         \
	{                                                                      \
		const TTest *const tests[] = { __VA_ARGS__ };                      \
                                                                           \
		return run_tests(module, tests, sizeof(tests) / sizeof(tests[0])); \
	}

#endif
