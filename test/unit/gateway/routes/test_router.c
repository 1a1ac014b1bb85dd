/* router: which route a path leads to; rows that make no sense are left out. */
#include "routes/router.h"

#include <string.h>

#include "gateway_rows.h"
#include "gateway_unit.h"

#define ROW(method, path, parameters) method, path, "operator", "200", "f", "f", "", "SELECT * FROM f()", parameters

/* A row of describe_routes(). */
static PGresult *
make_route_rows(const char *const *cells, int row_count)
{
	static const RowColumn columns[] = { { "method", 25 },      { "path", 25 },      { "auth", 25 },
										 { "status", 21 },      { "function", 25 },  { "returns_set", 16 },
										 { "description", 25 }, { "statement", 25 }, { "parameters", 3802 } };

	return make_rows(columns, 9, cells, row_count);
}

static Router *
router_of(const char *const *cells, int row_count)
{
	Router *router = router_create();
	PGresult *rows = make_route_rows(cells, row_count);

	router_add_rows(router, rows, NULL);
	PQclear(rows);
	return router;
}

static const Route *
match(const Router *router, HttpMethod method, const char *raw)
{
	Path path;
	const RouteSet *set;

	ck_assert_int_eq(path_parse(raw, strlen(raw), &pool, &path), URI_OK);
	set = router_match(router, &path);
	return set == NULL ? NULL : set->by_method[method];
}

START_TEST(paths_are_split_before_they_are_decoded)
{
	Path path;

	ck_assert_int_eq(path_parse("/a%2Fb//%41/", 12, &pool, &path), URI_OK);
	ck_assert_uint_eq(path.count, 4);
	ck_assert_str_eq(path.segments[0].text, "a/b");
	ck_assert_uint_eq(path.segments[1].length, 0);
	ck_assert_str_eq(path.segments[2].text, "A");
	ck_assert_uint_eq(path.segments[3].length, 0);
	ck_assert_int_eq(path_parse("/%", 2, &pool, &path), URI_MALFORMED);
	ck_assert_int_eq(path_parse("/%ff", 4, &pool, &path), URI_NOT_UTF8);
}
END_TEST

START_TEST(a_path_too_deep_is_told)
{
	char raw[2 * PATH_SEGMENTS_MAX + 2];
	Path path;

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = i % 2 == 0 ? '/' : 'a';
	ck_assert_int_eq(path_parse(raw, 2 * PATH_SEGMENTS_MAX, &pool, &path), URI_OK);
	ck_assert_int_eq(path_parse(raw, sizeof(raw), &pool, &path), URI_TOO_DEEP);
}
END_TEST

START_TEST(literals_go_before_parameters_and_back_again)
{
	const char *const cells[] = { ROW("GET", "/users/{id}/transactions/{number}", "[]"),
								  ROW("GET", "/users/{id}/transactions/max", "[]"), ROW("GET", "/users/me/name", "[]"),
								  ROW("POST", "/users", "[]") };
	Router *router = router_of(cells, 4);

	ck_assert_str_eq(match(router, METHOD_GET, "/users/1/transactions/max")->path, "/users/{id}/transactions/max");
	ck_assert_str_eq(match(router, METHOD_GET, "/users/1/transactions/7")->path, "/users/{id}/transactions/{number}");
	ck_assert_str_eq(match(router, METHOD_GET, "/users/me/transactions/7")->path, "/users/{id}/transactions/{number}");
	ck_assert_str_eq(match(router, METHOD_GET, "/users/me/name")->path, "/users/me/name");
	ck_assert_ptr_null(match(router, METHOD_GET, "/users/1/name"));
	ck_assert_ptr_null(match(router, METHOD_GET, "/users"));
	ck_assert_ptr_nonnull(match(router, METHOD_POST, "/users"));
	router_release(router);
}
END_TEST

START_TEST(empty_and_dot_segments_lead_nowhere)
{
	const char *const cells[] = { ROW("GET", "/a/{b}", "[]") };
	Router *router = router_of(cells, 1);

	ck_assert_ptr_nonnull(match(router, METHOD_GET, "/a/x"));
	ck_assert_ptr_null(match(router, METHOD_GET, "/a/"));
	ck_assert_ptr_null(match(router, METHOD_GET, "/a"));
	ck_assert_ptr_null(match(router, METHOD_GET, "/a/x/"));
	ck_assert_ptr_null(match(router, METHOD_GET, "//a/x"));
	ck_assert_ptr_null(match(router, METHOD_GET, "/./a/x"));
	ck_assert_ptr_null(match(router, METHOD_GET, "/b/../a/x"));
	router_release(router);
}
END_TEST

START_TEST(built_in_routes_are_there_from_the_start)
{
	Router *router = router_create();

	ck_assert(!router->is_complete);
	ck_assert_int_eq(match(router, METHOD_GET, "/health")->built_in, BUILT_IN_HEALTH);
	ck_assert_int_eq(match(router, METHOD_GET, "/ready")->built_in, BUILT_IN_READY);
	router_release(router);
}
END_TEST

START_TEST(parameters_are_read)
{
	const char *const cells[] = { ROW(
		"POST", "/a/{b}/c",
		"[{\"name\":\"b\",\"in\":\"path\",\"type\":\"bigint\",\"type_oid\":20,\"required\":true},"
		"{\"name\":\"d\",\"in\":\"body\",\"type\":\"integer\",\"type_oid\":23,\"required\":false,\"default\":\"7\","
		"\"domain\":\"x.y\",\"description\":\"words\",\"minimum\":-1,\"maximum\":5,\"min_length\":2,\"max_length\":3,"
		"\"one_of\":[\"p\",\"q\"]}]") };
	Router *router = router_of(cells, 1);
	const Route *route = match(router, METHOD_POST, "/a/1/c");
	const Parameter *second = &route->parameters[1];

	ck_assert(router->is_complete);
	ck_assert_uint_eq(route->parameter_count, 2);
	ck_assert_int_eq(route->statement.parameter_count, 2);
	ck_assert_uint_eq(route->statement.parameter_types[0], 20);
	ck_assert_uint_eq(route->parameters[0].segment, 1);
	ck_assert(route->parameters[0].required && !route->parameters[0].has_minimum);
	ck_assert_uint_eq(route->parameters[0].max_length, SIZE_MAX);
	ck_assert(second->source == SOURCE_BODY && !second->required && second->has_minimum && second->has_maximum);
	ck_assert_int_eq(second->minimum, -1);
	ck_assert_uint_eq(second->one_of_count, 2);
	ck_assert_str_eq(second->one_of[1], "q");
	ck_assert_str_eq(second->domain, "x.y");
	router_release(router);
}
END_TEST

START_TEST(what_the_database_alone_can_judge_is_known)
{
	const char *const cells[] = { ROW(
		"GET", "/a",
		"[{\"name\":\"b\",\"in\":\"query\",\"type\":\"bigint\",\"type_oid\":20},"
		"{\"name\":\"c\",\"in\":\"query\",\"type\":\"uuid\",\"type_oid\":2950},"
		"{\"name\":\"d\",\"in\":\"query\",\"type\":\"text\",\"type_oid\":25,\"more\":true}]") };
	Router *router = router_of(cells, 1);
	const Parameter *parameters = match(router, METHOD_GET, "/a")->parameters;

	ck_assert(!parameters[0].has_more && parameters[1].has_more && parameters[2].has_more);
	ck_assert_uint_eq(router->statements.size, 2);
	ck_assert_ptr_eq(router->statements.entries[1], &router->judge);
	ck_assert_uint_eq(router->judge.id, router->statements.entries[0]->id + 1);
	router_release(router);
}
END_TEST

START_TEST(rows_with_a_problem_are_left_out_and_told)
{
	const RowColumn columns[] = { { "method", 25 },   { "path", 25 },      { "auth", 25 },       { "status", 21 },
								  { "function", 25 }, { "statement", 25 }, { "parameters", 25 }, { "problem", 25 } };
	const char *const cells[] = { "GET",      "/a",       "none", "200",
								  "public.a", NULL,       "[]",   "there is no function public.a",
								  "GET",      "/b",       "none", "200",
								  "public.b", "SELECT 1", "[]",   NULL };
	PGresult *rows = make_rows(columns, 8, cells, 2);
	Router *router = router_create();
	char *told = NULL;
	size_t length = 0;
	FILE *complaints = open_memstream(&told, &length);

	router_add_rows(router, rows, complaints);
	fclose(complaints);
	ck_assert_str_eq(told, "parleyd: GET /a is not served: there is no function public.a\n");
	ck_assert_uint_eq(router->route_count, 1);
	ck_assert_ptr_null(match(router, METHOD_GET, "/a"));
	ck_assert_ptr_nonnull(match(router, METHOD_GET, "/b"));
	free(told);
	PQclear(rows);
	router_release(router);
}
END_TEST

START_TEST(rows_that_make_no_sense_are_left_out)
{
	const char *const cells[] = { ROW("PATCH", "/a", "[]"),
								  ROW("GET", "b", "[]"),
								  ROW("GET", "/c", "{}"),
								  ROW("GET", "/d", "[{\"name\":\"x\",\"in\":\"nowhere\",\"type\":\"text\"}]"),
								  ROW("GET", "/e", "[{\"name\":\"x\",\"in\":\"path\",\"type\":\"text\"}]"),
								  ROW("GET", "/f", "[]") };
	Router *router = router_of(cells, 6);

	ck_assert_uint_eq(router->route_count, 1);
	ck_assert_ptr_nonnull(match(router, METHOD_GET, "/f"));
	router_release(router);
}
END_TEST

START_TEST(statement_ids_follow_each_other_and_never_come_again)
{
	const char *const cells[] = { ROW("GET", "/a", "[]"), ROW("GET", "/b", "[]") };
	Router *first = router_of(cells, 2);
	Router *second = router_of(cells, 2);

	ck_assert_uint_eq(first->statements.entries[1]->id, first->statements.entries[0]->id + 1);
	ck_assert_uint_gt(second->statements.entries[0]->id, first->statements.entries[1]->id);
	router_release(router_retain(first));
	ck_assert_ptr_nonnull(match(first, METHOD_GET, "/a"));
	router_release(first);
	router_release(second);
}
END_TEST

RUN_TESTS("router", paths_are_split_before_they_are_decoded, a_path_too_deep_is_told,
		  literals_go_before_parameters_and_back_again, empty_and_dot_segments_lead_nowhere,
		  built_in_routes_are_there_from_the_start, parameters_are_read, what_the_database_alone_can_judge_is_known,
		  rows_with_a_problem_are_left_out_and_told, rows_that_make_no_sense_are_left_out,
		  statement_ids_follow_each_other_and_never_come_again)
