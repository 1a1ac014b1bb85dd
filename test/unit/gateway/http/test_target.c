/* target: the four forms of RFC 9112, 3.2, and everything that only looks like one of them. */
#include "http/target.h"

#include <string.h>

#include "gateway_unit.h"

static Target
parse(const char *text)
{
	/* Exactly as long as needed, so that a sanitizer detects reads beyond the end. */
	size_t length = strlen(text);
	char *copy = malloc(length == 0 ? 1 : length);
	Target target;

	memcpy(copy, text, length);
	target = target_parse(copy, length, false);
	free(copy);
	return target;
}

static void
check_part(const char *text, TargetPart part, const char *expected)
{
	ck_assert_msg(part.length == strlen(expected) && memcmp(text + part.start, expected, part.length) == 0,
				  "\"%s\": \"%.*s\" instead of \"%s\"", text, (int) part.length, text + part.start, expected);
}

/* query is NULL if there is none, which is not the same as an empty one. */
static void
check_target(const char *text, TargetForm form, const char *authority, const char *path, const char *query)
{
	Target target = parse(text);

	ck_assert_msg(target.form == form, "\"%s\": form %d", text, target.form);
	check_part(text, target.authority, authority);
	check_part(text, target.path, path);
	check_part(text, target.query, query == NULL ? "" : query);
	ck_assert_msg(target.has_query == (query != NULL), "\"%s\"", text);
}

static void
check_malformed(const char *text)
{
	ck_assert_msg(parse(text).form == TARGET_MALFORMED, "\"%s\"", text);
}

START_TEST(origin_form_is_a_path_with_or_without_a_query)
{
	check_target("/", TARGET_ORIGIN, "", "/", NULL);
	check_target("/a/b", TARGET_ORIGIN, "", "/a/b", NULL);
	check_target("/?", TARGET_ORIGIN, "", "/", "");
	check_target("/a?b=c?d=/e", TARGET_ORIGIN, "", "/a", "b=c?d=/e");
	check_target("//a/b", TARGET_ORIGIN, "", "//a/b", NULL);
	check_target("/http://a/b", TARGET_ORIGIN, "", "/http://a/b", NULL);
	check_target("/*", TARGET_ORIGIN, "", "/*", NULL);
}
END_TEST

START_TEST(absolute_form_has_an_authority_and_maybe_a_path)
{
	check_target("http://a/b?c", TARGET_ABSOLUTE, "a", "/b", "c");
	check_target("https://a.example:8443/b", TARGET_ABSOLUTE, "a.example:8443", "/b", NULL);
	check_target("http://a", TARGET_ABSOLUTE, "a", "", NULL);
	check_target("http://a:", TARGET_ABSOLUTE, "a:", "", NULL);
	check_target("http://a:65535/", TARGET_ABSOLUTE, "a:65535", "/", NULL);
	check_target("http://[::1]:80/b", TARGET_ABSOLUTE, "[::1]:80", "/b", NULL);
	check_target("http://[2001:db8::192.0.2.1]?x", TARGET_ABSOLUTE, "[2001:db8::192.0.2.1]", "", "x");
	check_target("http://a%20b/", TARGET_ABSOLUTE, "a%20b", "/", NULL);
}
END_TEST

START_TEST(slash_of_a_query_begins_no_path)
{
	check_target("http://a?bbbbbbbb=/x", TARGET_ABSOLUTE, "a", "", "bbbbbbbb=/x");
	check_target("http://a?", TARGET_ABSOLUTE, "a", "", "");
	check_target("http://a?/", TARGET_ABSOLUTE, "a", "", "/");
	check_target("http://a:1?b:/@c", TARGET_ABSOLUTE, "a:1", "", "b:/@c");
}
END_TEST

START_TEST(scheme_is_known_in_any_case)
{
	check_target("HTTP://a/b", TARGET_ABSOLUTE, "a", "/b", NULL);
	check_target("hTtPs://a/b", TARGET_ABSOLUTE, "a", "/b", NULL);
	for (const char *const *text =
			 (const char *const[]){ "ftp://a/b", "httpx://a/b", "http:/a", "http:a", "http:", "http:/", "http", "h",
									"file:///etc/passwd", "https:/a/b", "://a/b", NULL };
		 *text != NULL; text++)
		check_malformed(*text);
}
END_TEST

START_TEST(authority_is_a_host_and_maybe_a_port)
{
	for (const char *const *text = (const char *const[]){ "http://",
														  "https://",
														  "http:///b",
														  "http://?b",
														  "http://:80/",
														  "http://a@b/",
														  "http://a:b@c/",
														  "http://@/",
														  "http://a:b/",
														  "http://a:-1/",
														  "http://a:65536/",
														  "http://a:99999999999999999999/",
														  "http://a:1:2/",
														  "http://[/",
														  "http://[]/",
														  "http://[::1/",
														  "http://[::1]a/",
														  "http://[::1]:x/",
														  "http://::1/",
														  "http://a]/",
														  "http://a\\b/",
														  "http://<a>/",
														  "http://a|b",
														  "http://a\"b/",
														  NULL };
		 *text != NULL; text++)
		check_malformed(*text);
}
END_TEST

START_TEST(fragment_is_refused)
{
	for (const char *const *text = (const char *const[]){ "/#", "/a#b", "/a?b#c", "#", "http://a#", "http://a/#b",
														  "http://a?b#c", "http://#", NULL };
		 *text != NULL; text++)
		check_malformed(*text);
}
END_TEST

START_TEST(authority_form_and_others_are_refused)
{
	for (const char *const *text =
			 (const char *const[]){ "", "a", "a:80", "[::1]:80", "a/b", "?", "?/a", ".", "../a", NULL };
		 *text != NULL; text++)
		check_malformed(*text);
}
END_TEST

START_TEST(asterisk_is_of_options_alone)
{
	ck_assert_int_eq(target_parse("*", 1, true).form, TARGET_ASTERISK);
	ck_assert_int_eq(target_parse("*", 1, false).form, TARGET_MALFORMED);
	ck_assert_int_eq(target_parse("**", 2, true).form, TARGET_MALFORMED);
	ck_assert_int_eq(target_parse("*?a", 3, true).form, TARGET_MALFORMED);
	ck_assert_int_eq(target_parse("/a", 2, true).form, TARGET_ORIGIN);
}
END_TEST

START_TEST(nul_ends_nothing)
{
	ck_assert_int_eq(target_parse("http://a\0b/", 11, false).form, TARGET_MALFORMED);
	ck_assert_int_eq(target_parse("/a\0?b", 5, false).path.length, 3);
}
END_TEST

RUN_TESTS("target", origin_form_is_a_path_with_or_without_a_query, absolute_form_has_an_authority_and_maybe_a_path,
		  slash_of_a_query_begins_no_path, scheme_is_known_in_any_case, authority_is_a_host_and_maybe_a_port,
		  fragment_is_refused, authority_form_and_others_are_refused, asterisk_is_of_options_alone, nul_ends_nothing)
