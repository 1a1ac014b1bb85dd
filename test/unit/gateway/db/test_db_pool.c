/* db_pool: queueing, deadlines, lost connections and retries, with a libpq whose server is the test. */
#include "db/db_pool.h"

#include <sys/resource.h>

#include "fake_libpq.h"
#include "gateway_unit.h"

static const DbStatement statement = { .id = 1, .sql = "SELECT 1" };
static const DbStatement *const statements[] = { &statement };

static h2o_loop_t *loop;
static DbPool *db;
static int results;
static int errors;
static int timeouts;
static bool wanted;
static DbError last_error;
/* Long, unless a test is about them: the machine may do something else meanwhile. dispose() makes them so again. */
#define LONG_MS 600000
static uint32_t acquire_timeout_ms = LONG_MS, query_timeout_ms = LONG_MS, silence_timeout_ms = LONG_MS,
				connect_timeout_ms = LONG_MS;
static DbQuery *queries[16];
static int query_count;

static void
on_result(DbQuery *query, const PGresult *result)
{
	(void) query, (void) result;
	results++;
}

static void
on_error(DbQuery *query, const DbError *error)
{
	(void) query;
	last_error = *error;
	errors++;
}

static void
on_timeout(DbQuery *query, bool sent)
{
	(void) query, (void) sent;
	timeouts++;
}

static bool
is_wanted(DbQuery *query)
{
	(void) query;
	return wanted;
}

/* Runs the loop until the condition is true, for at most a minute. */
#define UNTIL(condition)                                  \
	do                                                    \
	{                                                     \
		uint64_t end_us = db_now_us() + 60000000;         \
                                                          \
		while (!(condition) && db_now_us() < end_us)      \
			h2o_evloop_run(loop, 10);                     \
		ck_assert_msg(condition, "in vain: " #condition); \
	} while (0)

/* Creates a pool that is not connected yet. */
static void
make_pool(size_t connections, size_t depth, size_t queue_length_max)
{
	DbPoolSettings settings = { .connection = { .conninfo = "",
												.target_session_attrs = "any",
												.setup_sql = "SELECT 1",
												.silence_timeout_ms = silence_timeout_ms,
												.connect_timeout_ms = connect_timeout_ms },
								.connection_count = connections,
								.pipeline_depth = depth,
								.queue_length_max = queue_length_max,
								.acquire_timeout_ms = acquire_timeout_ms,
								.query_timeout_ms = query_timeout_ms };

	results = errors = timeouts = query_count = 0;
	loop = h2o_evloop_create();
	db = db_pool_create(loop, &settings);
	db_pool_set_statements(db, statements, 1);
	wanted = true;
}

/* Creates a pool with all connections ready. */
static void
make_ready_pool(size_t connections, size_t depth, size_t queue_length_max)
{
	make_pool(connections, depth, queue_length_max);
	for (size_t i = 0; i < connections; i++)
	{
		UNTIL(fake_sent((int) i) == 2); /* settings and one statement */
		fake_answer_all((int) i);
	}
	UNTIL(db_pool_metrics(db)[POOL_CONNECTIONS_READY] == connections);
}

static DbQuery *
submit(bool repeatable)
{
	DbQuery *query = db_query_create(&statement, NULL);

	query->repeatable = repeatable;
	query->on_result = on_result;
	query->on_error = on_error;
	query->on_timeout = on_timeout;
	query->is_wanted = is_wanted;
	queries[query_count++] = query;
	db_pool_submit(db, query);
	return query;
}

static void
abandon(DbQuery *query)
{
	for (int i = 0; i < query_count; i++)
	{
		if (query != NULL && queries[i] == query)
		{
			queries[i] = NULL;
			db_pool_abandon(query);
		}
	}
}

static void
dispose(void)
{
	db_pool_dispose(db);
	for (int i = 0; i < query_count; i++)
		abandon(queries[i]);
	fake_reset();
	h2o_evloop_run(loop, 0);
	h2o_evloop_destroy(loop);
	acquire_timeout_ms = query_timeout_ms = silence_timeout_ms = connect_timeout_ms = LONG_MS;
}

START_TEST(queries_are_pipelined_and_answered_in_order)
{
	make_ready_pool(1, 4, 10);
	for (int i = 0; i < 4; i++)
		submit(false);
	ck_assert_int_eq(fake_executions(0), 4);
	fake_answer_one(0);
	UNTIL(results == 1);
	ck_assert_int_eq(db_pool_metrics(db)[POOL_UNDER_WAY], 3);
	fake_fail_one(0, "22023", "ERROR");
	UNTIL(errors == 1);
	ck_assert_str_eq(last_error.sqlstate, "22023");
	ck_assert_int_eq(last_error.kind, DB_ERROR_SERVER);
	fake_answer_all(0);
	UNTIL(results == 3);
	dispose();
}
END_TEST

START_TEST(the_least_busy_connection_is_chosen)
{
	make_ready_pool(2, 4, 10);
	for (int i = 0; i < 6; i++)
		submit(false);
	ck_assert_int_eq(fake_executions(0), 3);
	ck_assert_int_eq(fake_executions(1), 3);
	dispose();
	ck_assert_int_eq(errors, 6);
}
END_TEST

static DbQuery *
submit_of(uint64_t party)
{
	DbQuery *query = db_query_create(&statement, NULL);

	query->party = party;
	query->on_result = on_result;
	query->on_error = on_error;
	query->on_timeout = on_timeout;
	queries[query_count++] = query;
	db_pool_submit(db, query);
	return query;
}

START_TEST(a_party_leaves_a_connection_to_the_others)
{
	make_ready_pool(2, 2, 10);
	for (int i = 0; i < 4; i++)
		submit_of(1);
	ck_assert_int_eq(fake_executions(0), 2);
	ck_assert_int_eq(fake_executions(1), 0);
	ck_assert_uint_eq(db_pool_metrics(db)[POOL_QUEUED], 2);
	/* Others do not wait behind its queries in the queue, and there may be many of them. */
	submit_of(2);
	submit_of(3);
	ck_assert_int_eq(fake_executions(1), 2);
	submit_of(3);
	ck_assert_uint_eq(db_pool_metrics(db)[POOL_QUEUED], 3);
	fake_answer_one(1);
	UNTIL(fake_executions(1) == 3);
	ck_assert_uint_eq(db_pool_metrics(db)[POOL_QUEUED], 2);
	/* Its own queries are sent once there is room on its connection. */
	fake_answer_one(0);
	UNTIL(fake_executions(0) == 3);
	dispose();
}
END_TEST

START_TEST(a_party_alone_has_a_pool_of_one_connection)
{
	make_ready_pool(1, 2, 10);
	submit_of(1);
	submit_of(1);
	ck_assert_int_eq(fake_executions(0), 2);
	dispose();
}
END_TEST

START_TEST(behind_a_slow_statement_nothing_is_sent_while_there_is_another_connection)
{
	make_ready_pool(2, 4, 10);
	submit(false);
	for (uint64_t end_us = db_now_us() + 15000; db_now_us() < end_us;)
		h2o_evloop_run(loop, 5);
	for (int i = 0; i < 3; i++)
		submit(false);
	ck_assert_int_eq(fake_executions(0), 1);
	ck_assert_int_eq(fake_executions(1), 3);
	dispose();
}
END_TEST

START_TEST(what_has_no_place_waits_and_then_goes)
{
	make_ready_pool(1, 1, 2);
	submit(false);
	submit(false);
	submit(false);
	ck_assert_uint_eq(db_pool_metrics(db)[POOL_QUEUED], 2);
	submit(false);
	ck_assert_int_eq(errors, 1);
	ck_assert_int_eq(last_error.kind, DB_ERROR_QUEUE_FULL);
	fake_answer_one(0);
	UNTIL(fake_executions(0) == 2);
	ck_assert_int_eq(results, 1);
	dispose();
}
END_TEST

START_TEST(waiting_too_long_is_a_timeout)
{
	acquire_timeout_ms = 100;
	query_timeout_ms = 200;
	make_ready_pool(1, 1, 10);
	submit(false);
	submit(false);
	UNTIL(timeouts == 2);
	ck_assert_uint_eq(db_pool_metrics(db)[POOL_ACQUIRE_TIMEOUTS], 1);
	ck_assert_uint_eq(db_pool_metrics(db)[POOL_QUERY_TIMEOUTS], 1);
	dispose();
	ck_assert_int_eq(errors, 0);
}
END_TEST

START_TEST(a_silent_server_loses_its_connection)
{
	silence_timeout_ms = 300;
	make_ready_pool(1, 2, 10);
	submit(false);
	UNTIL(db_pool_metrics(db)[POOL_CONNECTIONS_READY] == 0);
	UNTIL(fake_opened() == 2);
	ck_assert_uint_eq(db_pool_metrics(db)[POOL_LOSSES], 1);
	dispose();
}
END_TEST

START_TEST(a_host_that_does_not_answer_comes_last_in_the_next_attempt)
{
	fake_answers_attempts = false;
	connect_timeout_ms = 1000;
	make_pool(1, 2, 10);
	ck_assert_str_eq(fake_hosts(), "");
	UNTIL(fake_opened() == 2);
	ck_assert_str_eq(fake_hosts(), "b,c,a");
	UNTIL(fake_opened() == 3);
	ck_assert_str_eq(fake_hosts(), "c,a,b");
	fake_answers_attempts = true;
	dispose();
}
END_TEST

START_TEST(a_loss_repeats_what_may_be_repeated_once)
{
	make_ready_pool(2, 4, 10);
	submit(true);
	submit(true);
	fake_break(0);
	UNTIL(fake_executions(1) == 2);
	ck_assert_int_eq(errors, 0);
	fake_break(1);
	UNTIL(errors == 1);
	ck_assert_int_eq(last_error.kind, DB_ERROR_LOST);
	ck_assert(last_error.outcome_unknown);
	ck_assert_uint_eq(db_pool_metrics(db)[POOL_REPEATS], 2);
	dispose();
}
END_TEST

START_TEST(a_loss_fails_what_may_not_be_repeated)
{
	make_ready_pool(2, 4, 10);
	submit(false);
	fake_break(0);
	UNTIL(errors == 1);
	ck_assert_int_eq(last_error.kind, DB_ERROR_LOST);
	ck_assert(last_error.outcome_unknown);
	ck_assert_int_eq(fake_executions(1), 0);
	dispose();
}
END_TEST

START_TEST(what_may_not_be_repeated_is_not_sent_to_a_server_that_has_gone)
{
	make_ready_pool(2, 4, 10);
	fake_break(0); /* the loop has not noticed yet */
	submit(false);
	ck_assert_int_eq(fake_executions(0), 0);
	ck_assert_int_eq(fake_executions(1), 1);
	ck_assert(db_pool_is_alive(db));
	fake_answer_all(1);
	UNTIL(results == 1);
	UNTIL(db_pool_metrics(db)[POOL_CONNECTIONS_READY] == 1);
	fake_break(1);
	ck_assert(db_pool_is_ready(db) && !db_pool_is_alive(db));
	submit(false);
	ck_assert_uint_eq(db_pool_metrics(db)[POOL_QUEUED], 1);
	dispose();
}
END_TEST

START_TEST(a_connection_is_ready_when_its_statements_are)
{
	make_pool(1, 1, 10);
	UNTIL(fake_sent(0) == 2);
	submit(false);
	fake_answer_one(0);
	for (int turn = 0; turn < 3; turn++)
		h2o_evloop_run(loop, 0);
	ck_assert(!db_pool_is_ready(db));
	ck_assert_int_eq(fake_executions(0), 0);
	fake_answer_one(0);
	UNTIL(fake_executions(0) == 1);
	ck_assert(db_pool_is_ready(db));
	dispose();
}
END_TEST

START_TEST(what_the_server_refused_in_ending_was_surely_not_done)
{
	make_ready_pool(2, 4, 10);
	submit(false);
	fake_fail_one(0, "57P01", "FATAL");
	fake_break(0);
	UNTIL(fake_executions(1) == 1);
	ck_assert_int_eq(errors, 0);
	dispose();
}
END_TEST

START_TEST(rows_without_their_commit_are_an_unknown_outcome)
{
	make_ready_pool(2, 4, 10);
	submit(false);
	fake_answer_rows_only(0);
	UNTIL(db_pool_metrics(db)[POOL_UNDER_WAY] == 1);
	ck_assert_int_eq(results, 0);
	fake_break(0);
	UNTIL(errors == 1);
	ck_assert_int_eq(last_error.kind, DB_ERROR_LOST);
	ck_assert(last_error.outcome_unknown);
	dispose();
}
END_TEST

START_TEST(an_unreachable_server_fails_at_once_and_is_tried_again)
{
	fake_accepts = false;
	make_pool(1, 1, 10);
	submit(false);
	UNTIL(errors == 1);
	ck_assert_int_eq(last_error.kind, DB_ERROR_UNREACHABLE);
	submit(false);
	ck_assert_int_eq(errors, 2);
	UNTIL(fake_opened() == 3);
	fake_accepts = true;
	UNTIL(fake_newest() >= 0 && fake_sent(fake_newest()) == 2);
	fake_answer_all(fake_newest());
	UNTIL(db_pool_is_ready(db));
	submit(false);
	ck_assert_int_eq(errors, 2);
	dispose();
}
END_TEST

START_TEST(an_abandoned_query_that_waits_is_not_sent)
{
	DbQuery *second;

	make_ready_pool(1, 1, 10);
	submit(false);
	second = submit(false);
	abandon(second);
	ck_assert_uint_eq(db_pool_metrics(db)[POOL_QUEUED], 0);
	fake_answer_all(0);
	UNTIL(results == 1);
	ck_assert_int_eq(fake_executions(0), 1);
	dispose();
	ck_assert_int_eq(errors, 0);
}
END_TEST

START_TEST(an_abandoned_query_under_way_has_no_callback)
{
	make_ready_pool(1, 2, 10);
	abandon(submit(true));
	submit(false);
	fake_answer_all(0);
	UNTIL(results == 1);
	ck_assert_uint_eq(db_pool_metrics(db)[POOL_UNDER_WAY], 0);
	dispose();
}
END_TEST

START_TEST(what_nobody_waits_for_any_more_is_not_sent)
{
	make_ready_pool(1, 1, 10);
	submit(false);
	submit(false);
	wanted = false;
	fake_answer_all(0);
	UNTIL(db_pool_metrics(db)[POOL_NOT_SENT] == 1);
	ck_assert_int_eq(fake_executions(0), 1);
	dispose();
}
END_TEST

START_TEST(new_statements_replace_the_old)
{
	static const DbStatement next = { .id = 2, .sql = "SELECT 2" };
	static const DbStatement *const list[] = { &next };
	DbQuery *query = db_query_create(&next, NULL);

	make_ready_pool(1, 2, 10);
	db_pool_set_statements(db, list, 1);
	ck_assert_int_eq(fake_sent(0), 4); /* the old one was closed, the new one prepared */
	query->on_result = on_result;
	queries[query_count++] = query;
	db_pool_submit(db, query);
	ck_assert_int_eq(fake_sent(0), 4); /* not before there is room: two are in progress */
	fake_answer_all(0);
	UNTIL(fake_sent(0) == 5);
	fake_answer_all(0);
	UNTIL(results == 1);
	submit(false); /* from the old list: prepared together with it */
	ck_assert_int_eq(fake_sent(0), 6);
	dispose();
}
END_TEST

START_TEST(a_failed_setup_is_no_connection)
{
	make_pool(1, 1, 10);
	UNTIL(fake_sent(0) == 2);
	fake_fail_one(0, "42501", "ERROR");
	UNTIL(fake_opened() == 2);
	ck_assert(!db_pool_is_ready(db));
	ck_assert_uint_eq(db_pool_metrics(db)[POOL_CONNECT_FAILURES], 1);
	dispose();
}
END_TEST

/* Sets how many descriptors the process may have open. Returns the previous limit. */
static rlim_t
limit_descriptors(rlim_t count)
{
	struct rlimit limit;
	rlim_t before;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	before = limit.rlim_cur;
	limit.rlim_cur = count;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return before;
}

START_TEST(without_a_descriptor_an_attempt_fails_and_the_loop_goes_on)
{
	rlim_t before;

	make_pool(1, 1, 10);
	before = limit_descriptors(3); /* open descriptors stay open */
	UNTIL(db_pool_metrics(db)[POOL_CONNECT_FAILURES] == 1);
	ck_assert_int_eq(h2o_evloop_run(loop, 0), 0);
	limit_descriptors(before);
	UNTIL(fake_opened() == 2 && fake_sent(1) == 2);
	fake_answer_all(1);
	UNTIL(db_pool_is_ready(db));
	dispose();
}
END_TEST

START_TEST(what_is_put_back_in_a_tick_still_has_its_time)
{
	silence_timeout_ms = 300;
	acquire_timeout_ms = 100;
	make_ready_pool(1, 1, 10);
	submit(true);
	UNTIL(db_pool_metrics(db)[POOL_LOSSES] == 1); /* the connection to the silent server is closed by the tick */
	ck_assert_uint_eq(db_pool_metrics(db)[POOL_ACQUIRE_TIMEOUTS], 0);
	dispose();
}
END_TEST

START_TEST(a_statement_that_is_stale_is_prepared_and_run_again_once)
{
	make_ready_pool(1, 1, 10);
	for (int i = 0; i < 3; i++)
	{
		int sent = fake_sent(0);

		submit(false);
		if (i > 0)
		{
			sent++;
			fake_answer_one(0); /* it is prepared for those that follow */
		}
		fake_fail_one(0, i == 0 ? "26000" : "0A000", "ERROR");
		UNTIL(fake_sent(0) == sent + 2); /* what the server may still have is closed */
		fake_answer_one(0);
		UNTIL(fake_sent(0) == sent + 3); /* it is prepared and run in one, so that either's error is its own */
		if (i < 2)
			fake_answer_one(0);
		else
			fake_fail_one(0, "0A000", "ERROR");
		UNTIL(results + errors == i + 1);
	}
	ck_assert_int_eq(errors, 1);
	ck_assert_str_eq(last_error.sqlstate, "0A000");
	dispose();
}
END_TEST

RUN_TESTS("db_pool", queries_are_pipelined_and_answered_in_order, the_least_busy_connection_is_chosen,
		  a_party_leaves_a_connection_to_the_others, a_party_alone_has_a_pool_of_one_connection,
		  behind_a_slow_statement_nothing_is_sent_while_there_is_another_connection,
		  what_has_no_place_waits_and_then_goes, waiting_too_long_is_a_timeout, a_silent_server_loses_its_connection,
		  a_host_that_does_not_answer_comes_last_in_the_next_attempt, a_loss_repeats_what_may_be_repeated_once,
		  a_loss_fails_what_may_not_be_repeated, what_the_server_refused_in_ending_was_surely_not_done,
		  rows_without_their_commit_are_an_unknown_outcome,
		  what_may_not_be_repeated_is_not_sent_to_a_server_that_has_gone, a_connection_is_ready_when_its_statements_are,
		  an_unreachable_server_fails_at_once_and_is_tried_again, an_abandoned_query_that_waits_is_not_sent,
		  an_abandoned_query_under_way_has_no_callback, what_nobody_waits_for_any_more_is_not_sent,
		  new_statements_replace_the_old, a_failed_setup_is_no_connection,
		  without_a_descriptor_an_attempt_fails_and_the_loop_goes_on, what_is_put_back_in_a_tick_still_has_its_time,
		  a_statement_that_is_stale_is_prepared_and_run_again_once)
