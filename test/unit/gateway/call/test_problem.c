/* problem: the status of each SQLSTATE, what is disclosed and what is not, and the format of the document. */
#include "call/problem.h"

#include <string.h>

#include <jansson.h>

#include "gateway_unit.h"

static const DbError no_error = { .message = "m",
								  .detail = "",
								  .hint = "",
								  .table = "",
								  .column = "",
								  .constraint = "",
								  .type_schema = "",
								  .type_name = "" };

static DbError
error_of(const char *sqlstate)
{
	DbError error = no_error;

	memcpy(error.sqlstate, sqlstate, 6);
	return error;
}

START_TEST(sqlstates_have_the_status_of_the_contract)
{
	static const struct
	{
		const char *sqlstate;
		int status;
	} cases[] = { { "P0002", 404 }, { "PY410", 410 }, { "PY429", 429 }, { "PY999", 500 }, { "PY000", 500 },
				  { "23505", 409 }, { "23P01", 409 }, { "40001", 409 }, { "40P01", 409 }, { "22023", 422 },
				  { "23503", 422 }, { "42501", 403 }, { "57014", 504 }, { "08006", 503 }, { "53300", 503 },
				  { "57P01", 503 }, { "25006", 503 }, { "55P03", 503 }, { "55006", 503 }, { "55000", 503 },
				  { "2200H", 503 }, { "P0001", 500 }, { "42P01", 500 }, { "XX000", 500 }, { "", 500 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(problem_status_of(cases[i].sqlstate) == cases[i].status, "%s", cases[i].sqlstate);
}
END_TEST

START_TEST(words_of_functions_are_told_and_their_column_is_a_field)
{
	const Route route = { .method = METHOD_POST };
	DbError error = error_of("22023");
	Problem problem;

	error.message = "page is 0";
	error.detail = "It must be 1 or more.";
	error.hint = "Try 1.";
	error.column = "page";
	problem = problem_from_error(&error, &route, &pool);
	ck_assert_str_eq(problem.detail, "page is 0: It must be 1 or more.");
	ck_assert_str_eq(problem.hint, "Try 1.");
	ck_assert_uint_eq(problem.fields.size, 1);
	ck_assert_str_eq(problem.fields.entries[0].field, "page");
	ck_assert_str_eq(problem.fields.entries[0].detail, "page is 0");
}
END_TEST

START_TEST(internals_are_not_told)
{
	const Route route = { .method = METHOD_POST };
	const char *const sqlstates[] = { "42P01", "XX000", "P0001", "42501", "57014",
									  "25006", "53300", "40001", "55000", "2200H" };

	for (size_t i = 0; i < sizeof(sqlstates) / sizeof(sqlstates[0]); i++)
	{
		DbError error = error_of(sqlstates[i]);
		Problem problem;

		error.message = error.detail = error.hint = "secret";
		problem = problem_from_error(&error, &route, &pool);
		ck_assert_ptr_null(strstr(problem.detail, "secret"));
		ck_assert_ptr_null(problem.hint);
		if (problem.status == 500)
			ck_assert_str_eq(problem.code, "XX000");
	}
}
END_TEST

START_TEST(constraints_are_not_told)
{
	const Route route = { .method = METHOD_POST };
	DbError error = error_of("23505");
	Problem problem;

	error.message = "duplicate key value violates unique constraint \"secret\"";
	error.constraint = "secret";
	problem = problem_from_error(&error, &route, &pool);
	ck_assert_int_eq(problem.status, 409);
	ck_assert_str_eq(problem.code, "23505");
	ck_assert_ptr_null(strstr(problem.detail, "secret"));
}
END_TEST

/* PostgreSQL's message about a row that it refuses contains the whole row. */
START_TEST(rows_are_not_told)
{
	const Route route = { .method = METHOD_POST };
	DbError error = error_of("23502");
	Problem problem;

	error.message = "null value in column \"secret\" of relation \"secrets\" violates not-null constraint";
	error.detail = "Failing row contains (secret).";
	error.table = "secrets";
	error.column = "secret";
	problem = problem_from_error(&error, &route, &pool);
	ck_assert_int_eq(problem.status, 422);
	ck_assert_ptr_null(strstr(problem.detail, "secret"));
	ck_assert_uint_eq(problem.fields.size, 0);
}
END_TEST

START_TEST(a_domain_names_its_fields)
{
	Parameter parameters[] = { { .name = "a", .domain = "parley.even", .description = "an even number" },
							   { .name = "b" },
							   { .name = "c", .domain = "parley.evening" },
							   { .name = "d", .domain = "even" } };
	const Route route = { .method = METHOD_POST, .parameters = parameters, .parameter_count = 4 };
	DbError error = error_of("23514");
	Problem problem;

	error.constraint = "even_check";
	error.type_schema = "parley";
	error.type_name = "even";
	problem = problem_from_error(&error, &route, &pool);
	ck_assert_int_eq(problem.status, 422);
	ck_assert_uint_eq(problem.fields.size, 2);
	ck_assert_str_eq(problem.fields.entries[0].field, "a");
	ck_assert_str_eq(problem.fields.entries[0].detail, "an even number");
	ck_assert_str_eq(problem.fields.entries[1].field, "d");
}
END_TEST

START_TEST(the_outcome_of_a_lost_write_is_said)
{
	const Route reading = { .method = METHOD_GET };
	const Route writing = { .method = METHOD_POST };
	DbError error = no_error;

	error.kind = DB_ERROR_LOST;
	error.outcome_unknown = true;
	ck_assert_str_eq(problem_from_error(&error, &writing, &pool).outcome, "unknown");
	ck_assert_ptr_null(problem_from_error(&error, &reading, &pool).outcome);
	error.outcome_unknown = false;
	ck_assert_str_eq(problem_from_error(&error, &writing, &pool).outcome, "known");
	error.kind = DB_ERROR_QUEUE_FULL;
	ck_assert_str_eq(problem_from_error(&error, &writing, &pool).outcome, "known");
	ck_assert_int_eq(problem_from_error(&error, &writing, &pool).status, 503);
}
END_TEST

START_TEST(the_document_is_json_with_all_members)
{
	Problem problem = problem_make(422, "He said \"no\".");
	Buffer out = { 0 };
	json_t *document;

	problem.hint = "h";
	problem.outcome = "known";
	problem_add_field(&problem, &pool, "a", "b");
	problem_add_field(&problem, &pool, "c", "d");
	problem_write(&problem, "id", &out);
	document = json_loadb(out.base, out.length, 0, NULL);
	ck_assert_ptr_nonnull(document);
	ck_assert_uint_eq(json_object_size(document), 9);
	ck_assert_str_eq(json_string_value(json_object_get(document, "title")), "Unprocessable Content");
	ck_assert_str_eq(json_string_value(json_object_get(document, "detail")), "He said \"no\".");
	ck_assert_str_eq(json_string_value(json_object_get(document, "request_id")), "id");
	ck_assert_uint_eq(json_array_size(json_object_get(document, "errors")), 2);
	json_decref(document);
	buffer_dispose(&out);
}
END_TEST

RUN_TESTS("problem", sqlstates_have_the_status_of_the_contract, words_of_functions_are_told_and_their_column_is_a_field,
		  internals_are_not_told, constraints_are_not_told, rows_are_not_told, a_domain_names_its_fields,
		  the_outcome_of_a_lost_write_is_said, the_document_is_json_with_all_members)
