/* sync_batch: one member asks by its route's own statement, several by the batch; each is called once, or has left. */
#include "live/sync_batch.h"

#include "gateway_unit.h"

static DbQuery *query; /* the one under way */
static bool is_abandoned;
static int rows[4];   /* by member: the place of its answer, or -1 */
static int errors[4]; /* 1: alone, 2: beside others */
static int ends;

/* In place of the pool: the test answers. */
DbQuery *
db_query_create(const DbStatement *statement, const char *const *values)
{
	query = calloc(1, sizeof(*query));
	query->statement = statement;
	query->values = values;
	is_abandoned = false;
	return query;
}

void
db_pool_submit(DbPool *db, DbQuery *submitted)
{
	(void) db;
	ck_assert_ptr_eq(submitted, query);
}

void
db_pool_abandon(DbQuery *abandoned)
{
	ck_assert_ptr_eq(abandoned, query);
	is_abandoned = true;
	free(query);
}

static int members[4] = { 0, 1, 2, 3 };
static SyncBatch *batch;
static const int *leaves; /* when the first member is called */

static void
on_row(void *member, const PGresult *result, int row)
{
	(void) result;
	rows[*(int *) member] = row;
	if (leaves != NULL)
		sync_batch_leave(batch, leaves);
	leaves = NULL;
}

static void
on_error(void *member, const DbError *error, bool is_shared)
{
	(void) error;
	errors[*(int *) member] = is_shared ? 2 : 1;
}

static void
on_timeout(void *member, bool sent)
{
	(void) member, (void) sent;
}

static void
on_end(void *data)
{
	ck_assert_ptr_eq(data, &ends);
	ends++;
}

static const SyncBatchEvents events = { on_row, on_error, on_timeout, on_end };
static Route route = { .statement.sql = "one", .batch.sql = "many", .parameter_count = 2 };
static const char *const values[4][2] = { { "1", "a\"b" }, { "2", NULL }, { "3", "" }, { "4", "d" } };

static void
batch_of(int count)
{
	ends = 0;
	for (int i = 0; i < 4; i++)
		rows[i] = -1, errors[i] = 0;
	batch = sync_batch_create(&route, &events, &ends);
	for (int i = 0; i < count; i++)
	{
		ck_assert(sync_batch_takes(batch, &route));
		sync_batch_add(batch, &members[i], values[i]);
	}
	sync_batch_submit(batch, NULL);
}

START_TEST(one_member_asks_by_the_routes_own_statement)
{
	batch_of(1);
	ck_assert_ptr_eq(query->statement, &route.statement);
	ck_assert_ptr_eq(query->values, values[0]);
	query->on_result(query, NULL);
	ck_assert_int_eq(rows[0], 0);
	ck_assert_int_eq(ends, 1);
	ck_assert(is_abandoned);
	batch_of(1);
	query->on_error(query, NULL);
	ck_assert_int_eq(errors[0], 1);
}
END_TEST

START_TEST(several_ask_by_arrays_and_get_a_row_each)
{
	batch_of(3);
	ck_assert_ptr_eq(query->statement, &route.batch);
	ck_assert_str_eq(query->values[0], "{\"1\",\"2\",\"3\"}");
	ck_assert_str_eq(query->values[1], "{\"a\\\"b\",NULL,\"\"}");
	query->on_result(query, NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(rows[i], i);
	ck_assert_int_eq(ends, 1);
	batch_of(3);
	query->on_error(query, NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(errors[i], 2);
}
END_TEST

START_TEST(who_leaves_is_not_called_and_the_last_ends_the_query)
{
	batch_of(3);
	sync_batch_leave(batch, &members[0]);
	leaves = &members[2];
	query->on_result(query, NULL);
	ck_assert_int_eq(rows[0], -1);
	ck_assert_int_eq(rows[1], 1);
	ck_assert_int_eq(rows[2], -1);
	batch_of(2);
	sync_batch_leave(batch, &members[1]);
	ck_assert(!is_abandoned);
	sync_batch_leave(batch, &members[0]);
	ck_assert(is_abandoned);
	ck_assert_int_eq(ends, 1);
}
END_TEST

START_TEST(other_routes_and_too_many_are_not_taken)
{
	Route other = route, single = { .statement.sql = "one", .parameter_count = 2 };

	batch = sync_batch_create(&route, &events, &ends);
	for (int i = 0; i < SYNC_BATCH_MAX; i++)
	{
		ck_assert(sync_batch_takes(batch, &route) && !sync_batch_takes(batch, &other));
		sync_batch_add(batch, &members[0], values[0]);
	}
	ck_assert(!sync_batch_takes(batch, &route));
	sync_batch_submit(batch, NULL);
	sync_batch_leave(batch, &members[0]);
	batch = sync_batch_create(&single, &events, &ends);
	ck_assert(!sync_batch_takes(batch, &single));
	sync_batch_add(batch, &members[0], values[0]);
	sync_batch_submit(batch, NULL);
	sync_batch_leave(batch, &members[0]);
}
END_TEST

RUN_TESTS("sync_batch", one_member_asks_by_the_routes_own_statement, several_ask_by_arrays_and_get_a_row_each,
		  who_leaves_is_not_called_and_the_last_ends_the_query, other_routes_and_too_many_are_not_taken)
