/* response: rows as JSON by their columns' types, the columns that are not fields, and the links. */
#include "call/response.h"

#include <string.h>

#include "gateway_rows.h"
#include "gateway_unit.h"

static Parameter page_parameter[] = { { .name = "page" } };
static Response response;
static Buffer body;
static const char *accepted = "";

/* Writes the body as a whole and in the smallest parts. Both must be the same. */
static void
write_body(const ResponseContext *context, const PGresult *rows)
{
	Buffer parts = { 0 };
	Buffer part = { 0 };
	bool is_last;

	response_begin(context, rows, &pool, &response);
	do
	{
		part.length = 0;
		is_last = response_write(&response, &part, 1);
		buffer_append(&parts, part.base, part.length);
	} while (!is_last);
	buffer_dispose(&response.links);
	response_begin(context, rows, &pool, &response);
	ck_assert(response_write(&response, &body, SIZE_MAX));
	ck_assert_str_eq(buffer_text(&parts), buffer_text(&body));
	buffer_dispose(&parts);
	buffer_dispose(&part);
}

static void
write_rows(Route route, const char *page, const char *query, const RowColumn *columns, int column_count,
		   const char *const *cells, int row_count)
{
	const char *values[] = { page };
	Statement statement = { .values = values };
	ResponseContext context = { .route = &route,
								.statement = &statement,
								.path = "/a",
								.path_length = 2,
								.query = query,
								.query_length = strlen(query),
								.accept = accepted,
								.accept_length = strlen(accepted) };
	PGresult *rows = make_rows(columns, column_count, cells, row_count);

	route.parameters = page_parameter;
	route.parameter_count = 1;
	write_body(&context, rows);
	PQclear(rows);
}

static void
expect(int status, const char *text, const char *links)
{
	ck_assert_int_eq(response.status, status);
	ck_assert_str_eq(buffer_text(&body), text);
	ck_assert_str_eq(buffer_text(&response.links), links);
	buffer_dispose(&body);
	buffer_dispose(&response.links);
}

START_TEST(columns_are_written_by_their_types)
{
	const RowColumn columns[] = { { "i", 23 },    { "b", 16 },   { "t", 25 }, { "n", 1700 }, { "j", 3802 },
								  { "at", 1184 }, { "a", 1009 }, { "x", 25 }, { "r", 700 },  { "d", 701 } };
	const char *const cells[] = { "-1",       "f",  "a\"b",  "1.50",     "{\"k\": [1]}", "2024-01-01 00:00:00.5+00",
								  "{a,NULL}", NULL, "1e-05", "-Infinity" };

	write_rows((Route){ .status = 200 }, NULL, "", columns, 10, cells, 1);
	expect(200,
		   "{\"i\":-1,\"b\":false,\"t\":\"a\\\"b\",\"n\":\"1.50\",\"j\":{\"k\": [1]},\"at\":\"2024-01-01T00:00:00.5Z\","
		   "\"a\":[\"a\",null],\"x\":null,\"r\":1e-05,\"d\":null}",
		   "");
}
END_TEST

START_TEST(a_set_is_an_array_even_when_empty)
{
	const RowColumn columns[] = { { "i", 23 } };
	const char *const cells[] = { "1", "2", NULL };

	write_rows((Route){ .status = 200, .returns_set = true }, NULL, "", columns, 1, cells, 0);
	expect(200, "[]", "");
	write_rows((Route){ .status = 200, .returns_set = true }, NULL, "", columns, 1, cells, 3);
	ck_assert_uint_eq(response.rows, 2);
	expect(200, "[{\"i\":1},{\"i\":2}]", "");
	write_rows((Route){ .status = 200 }, NULL, "", columns, 1, cells, 0);
	expect(404, "", "");
}
END_TEST

START_TEST(one_object_of_several_rows_is_written)
{
	const RowColumn columns[] = { { "i", 23 }, { "replayed", 16 } };
	const char *const cells[] = { "1", "f", "2", "t", "3", "f" };
	const char *values[] = { NULL };
	Route route = { .status = 200, .parameters = page_parameter, .parameter_count = 1 };
	Statement statement = { .values = values };
	ResponseContext context = { .route = &route, .statement = &statement, .row = 1, .path = "", .query = "" };
	PGresult *result = make_rows(columns, 2, cells, 3);

	write_body(&context, result);
	PQclear(result);
	ck_assert(response.replayed);
	expect(200, "{\"i\":2}", "");
}
END_TEST

START_TEST(a_set_is_csv_for_who_prefers_it)
{
	const RowColumn columns[] = { { "i", 23 },    { "b", 16 },   { "t", 25 }, { "j", 3802 },
								  { "at", 1184 }, { "a", 1009 }, { "x", 25 }, { "next_last_id", 20 } };
	const char *const cells[] = { "-1",
								  "f",
								  "a\"b",
								  "{\"k\": \"v\"}",
								  "2024-01-01 00:00:00.5+00",
								  "{a,NULL}",
								  NULL,
								  NULL,
								  "2",
								  "t",
								  "",
								  "\"s\"",
								  "infinity",
								  "{}",
								  "x,",
								  "2",
								  NULL,
								  NULL,
								  NULL,
								  NULL,
								  NULL,
								  NULL,
								  NULL,
								  NULL };

	accepted = "text/csv";
	write_rows((Route){ .status = 200, .returns_set = true }, NULL, "", columns, 8, cells, 2);
	ck_assert_uint_eq(response.rows, 2);
	ck_assert_str_eq(response.content_type, "text/csv; charset=utf-8; header=present");
	expect(200,
		   "i,b,t,j,at,a,x\r\n"
		   "-1,false,\"a\"\"b\",\"{\"\"k\"\": \"\"v\"\"}\",2024-01-01T00:00:00.5Z,\"[\"\"a\"\",null]\",\r\n"
		   "2,true,\"\",\"\"\"s\"\"\",,[],\"x,\"\r\n",
		   "</a?last_id=2>; rel=\"next\", </a>; rel=\"first\"");
	write_rows((Route){ .status = 200, .returns_set = true }, NULL, "", columns, 8, cells + 16, 1);
	expect(200, "i,b,t,j,at,a,x\r\n", "</a>; rel=\"first\"");
	/* One object is JSON for everybody. */
	write_rows((Route){ .status = 200 }, NULL, "", columns, 1, cells, 1);
	ck_assert_str_eq(response.content_type, "application/json");
	expect(200, "{\"i\":-1}", "");
	accepted = "";
}
END_TEST

START_TEST(columns_that_are_no_fields_speak_to_the_gateway)
{
	const RowColumn columns[] = { { "i", 23 }, { "created", 16 }, { "replayed", 16 }, { "total_count", 20 } };
	const char *const cells[] = { "1", "f", "t", "17" };

	write_rows((Route){ .status = 201 }, NULL, "", columns, 4, cells, 1);
	ck_assert(response.replayed);
	ck_assert_ptr_nonnull(response.total_count);
	expect(200, "{\"i\":1}", "");
}
END_TEST

START_TEST(incomplete_is_a_field_of_an_object_but_not_of_a_list)
{
	const RowColumn columns[] = { { "i", 23 }, { "incomplete", 16 } };
	const char *const cells[] = { "1", "t", NULL, "t" };

	write_rows((Route){ .status = 200, .returns_set = true }, NULL, "", columns, 2, cells, 2);
	ck_assert(response.incomplete);
	expect(200, "[{\"i\":1}]", "");
	write_rows((Route){ .status = 200 }, NULL, "", columns, 2, cells, 1);
	ck_assert(!response.incomplete);
	expect(200, "{\"i\":1,\"incomplete\":true}", "");
}
END_TEST

START_TEST(a_refusal_has_no_body)
{
	const RowColumn columns[] = { { "i", 23 }, { "refused", 25 }, { "refused_detail", 25 } };
	const char *const refused[] = { "1", "PY409", NULL };
	const char *const granted[] = { "1", NULL, NULL };

	write_rows((Route){ .status = 201 }, NULL, "", columns, 3, refused, 1);
	ck_assert_ptr_nonnull(response.refused);
	ck_assert_ptr_null(response.refused_detail);
	ck_assert_uint_eq(response.rows, 0);
	expect(201, "", "");
	write_rows((Route){ .status = 201 }, NULL, "", columns, 3, granted, 1);
	ck_assert_ptr_null(response.refused);
	expect(201, "{\"i\":1}", "");
}
END_TEST

START_TEST(the_next_link_is_this_request_with_the_name_set)
{
	const RowColumn columns[] = { { "i", 23 }, { "next_last_id", 23 } };
	const char *const more[] = { "1", NULL, "2", "7" };

	write_rows((Route){ .status = 200, .returns_set = true }, NULL, "x=%26+&last_id=3", columns, 2, more, 2);
	expect(200, "[{\"i\":1},{\"i\":2}]", "</a?x=%26%20&last_id=7>; rel=\"next\", </a?x=%26%20>; rel=\"first\"");
	write_rows((Route){ .status = 200, .returns_set = true }, NULL, "", columns, 2, more, 1);
	expect(200, "[{\"i\":1}]", "</a>; rel=\"first\"");
}
END_TEST

START_TEST(pages_link_to_their_neighbours)
{
	const RowColumn columns[] = { { "i", 23 }, { "next_cursor", 25 } };
	const char *const more[] = { "1", "c" };
	const char *const last[] = { "1", NULL };

	write_rows((Route){ .status = 200, .returns_set = true }, "2", "page=2", columns, 2, more, 1);
	expect(200, "[{\"i\":1}]", "</a?page=3>; rel=\"next\", </a?page=1>; rel=\"prev\", </a?page=1>; rel=\"first\"");
	write_rows((Route){ .status = 200, .returns_set = true }, "1", "page=1", columns, 2, last, 1);
	expect(200, "[{\"i\":1}]", "</a?page=1>; rel=\"first\"");
}
END_TEST

START_TEST(one_value_of_json_is_the_whole_answer)
{
	const RowColumn columns[] = { { "f", 3802 }, { "g", 25 } };
	const char *const cells[] = { "[1, {}]", NULL };
	const char *const none[] = { NULL };

	write_rows((Route){ .status = 200 }, NULL, "", columns, 1, cells, 1);
	expect(200, "[1, {}]", "");
	write_rows((Route){ .status = 200 }, NULL, "", columns, 2, cells, 1);
	expect(200, "{\"f\":[1, {}],\"g\":null}", "");
	write_rows((Route){ .status = 200, .returns_set = true }, NULL, "", columns, 1, cells, 1);
	expect(200, "[{\"f\":[1, {}]}]", "");
	write_rows((Route){ .status = 200 }, NULL, "", columns, 1, none, 1);
	expect(200, "null", "");
	write_rows((Route){ .status = 200 }, NULL, "", columns, 1, none, 0);
	expect(404, "", "");
}
END_TEST

START_TEST(no_content_has_no_body)
{
	const RowColumn columns[] = { { "f", 2278 } };
	const char *const cells[] = { "" };

	write_rows((Route){ .status = 204 }, NULL, "", columns, 1, cells, 1);
	ck_assert_uint_eq(response.rows, 0);
	expect(204, "", "");
	write_rows((Route){ .status = 200 }, NULL, "", columns, 1, cells, 1);
	expect(200, "{}", "");
}
END_TEST

RUN_TESTS("response", columns_are_written_by_their_types, a_set_is_an_array_even_when_empty,
		  a_set_is_csv_for_who_prefers_it, one_object_of_several_rows_is_written,
		  columns_that_are_no_fields_speak_to_the_gateway, incomplete_is_a_field_of_an_object_but_not_of_a_list,
		  a_refusal_has_no_body, the_next_link_is_this_request_with_the_name_set, pages_link_to_their_neighbours,
		  one_value_of_json_is_the_whole_answer, no_content_has_no_body)
