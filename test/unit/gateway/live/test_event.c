/* event: the client reads exactly what was written, whatever it contains. */
#include "live/event.h"

#include <string.h>

#include "gateway_unit.h"

static void
expect(Buffer *out, const char *text)
{
	ck_assert_str_eq(buffer_text(out), text);
	buffer_dispose(out);
}

START_TEST(event_has_its_id_and_its_data)
{
	Buffer out = { 0 };

	event_write(&out, "2.a", "{}", 2);
	expect(&out, "id: 2.a\ndata: {}\n\n");
}
END_TEST

START_TEST(data_of_several_lines_is_several_fields)
{
	Buffer out = { 0 };

	event_write(&out, "1", "{\n\n\"a\":1}\n", 10);
	expect(&out, "id: 1\ndata: {\ndata: \ndata: \"a\":1}\ndata: \n\n");
}
END_TEST

START_TEST(id_alone_is_no_event)
{
	Buffer out = { 0 };

	event_write(&out, "1", NULL, 0);
	expect(&out, "id: 1\n\n");
}
END_TEST

START_TEST(id_of_several_lines_is_none)
{
	Buffer out = { 0 };

	event_write(&out, "1\ndata: forged", "{}", 2);
	event_write(&out, NULL, "{}", 2);
	expect(&out, "data: {}\n\ndata: {}\n\n");
}
END_TEST

START_TEST(end_says_why_and_when_to_come_again)
{
	Buffer out = { 0 };

	event_write_retry(&out, 2000);
	event_write_comment(&out);
	event_write_end(&out, "drain", 731);
	expect(&out, "retry: 2000\n\n:\n\nevent: end\nretry: 731\ndata: {\"reason\":\"drain\"}\n\n");
}
END_TEST

RUN_TESTS("event", event_has_its_id_and_its_data, data_of_several_lines_is_several_fields, id_alone_is_no_event,
		  id_of_several_lines_is_none, end_says_why_and_when_to_come_again)
