/* access: whom a route lets in, and the token of a header. */
#include "http/access.h"

#include "gateway_unit.h"

START_TEST(routes_let_in_whom_they_are_for)
{
	Parameter parameters[] = { { .name = "user_id", .source = SOURCE_PATH, .segment = 1 } };
	const Route routes[] = { { .auth = AUTH_NONE },
							 { .auth = AUTH_APPLICATION },
							 { .auth = AUTH_USER, .parameters = parameters, .parameter_count = 1 },
							 { .auth = AUTH_USER },
							 { .auth = AUTH_OPERATOR } };
	const Caller callers[] = { { 0 },
							   { .is_authenticated = true, .user_id = 7 },
							   { .is_authenticated = true, .user_id = 8 },
							   { .is_authenticated = true, .is_operator = true } };
	const AccessDecision expected[5][4] = {
		{ ACCESS_ALLOWED, ACCESS_ALLOWED, ACCESS_ALLOWED, ACCESS_ALLOWED },
		{ ACCESS_ALLOWED, ACCESS_ALLOWED, ACCESS_ALLOWED, ACCESS_ALLOWED },
		{ ACCESS_UNAUTHENTICATED, ACCESS_ALLOWED, ACCESS_FORBIDDEN, ACCESS_ALLOWED },
		{ ACCESS_UNAUTHENTICATED, ACCESS_FORBIDDEN, ACCESS_FORBIDDEN, ACCESS_ALLOWED },
		{ ACCESS_UNAUTHENTICATED, ACCESS_FORBIDDEN, ACCESS_FORBIDDEN, ACCESS_ALLOWED },
	};
	const Path path = { .segments = { { "users", 5 }, { "7", 1 } }, .count = 2 };

	for (size_t route = 0; route < 5; route++)
		for (size_t who = 0; who < 4; who++)
			ck_assert_msg(access_decide(&routes[route], &path, &callers[who]) == expected[route][who], "%zu %zu", route,
						  who);
}
END_TEST

START_TEST(an_own_path_is_a_number_not_a_text)
{
	Parameter parameters[] = { { .name = "user_id", .source = SOURCE_PATH, .segment = 0 } };
	const Route route = { .auth = AUTH_USER, .parameters = parameters, .parameter_count = 1 };
	const Caller seven = { .is_authenticated = true, .user_id = 7 };
	const char *const wrong[] = { "", "07x", "-7", "+7", " 7", "8", "70", "99999999999999999999" };
	Path path = { .segments = { { "007", 3 } }, .count = 1 };

	ck_assert_int_eq(access_decide(&route, &path, &seven), ACCESS_ALLOWED);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		path.segments[0] = (PathSegment){ wrong[i], strlen(wrong[i]) };
		ck_assert_msg(access_decide(&route, &path, &seven) == ACCESS_FORBIDDEN, "%s", wrong[i]);
	}
	path.segments[0] = (PathSegment){ "7\0x", 3 };
	ck_assert_int_eq(access_decide(&route, &path, &seven), ACCESS_FORBIDDEN);
}
END_TEST

START_TEST(the_bearer_is_found_in_its_header)
{
	const char *token;
	size_t length;

	ck_assert(access_bearer("Bearer abc", 10, &token, &length));
	ck_assert_uint_eq(length, 3);
	ck_assert(access_bearer("bearer  abc", 11, &token, &length));
	ck_assert_uint_eq(length, 3);
	ck_assert(!access_bearer("Bearer ", 7, &token, &length));
	ck_assert(!access_bearer("Basic abc", 9, &token, &length));
	ck_assert(!access_bearer("Bearerabc", 9, &token, &length));
}
END_TEST

RUN_TESTS("access", routes_let_in_whom_they_are_for, an_own_path_is_a_number_not_a_text,
		  the_bearer_is_found_in_its_header)
