/* proxies: who is one, and whom the header names; what anyone may have written into it is not believed. */
#include "access/proxies.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "gateway_unit.h"

static Proxies *
proxies_of(const char *list)
{
	char error[128] = "";
	Proxies *proxies = proxies_read(list, error, sizeof(error));

	ck_assert_msg(proxies != NULL, "%s", error);
	return proxies;
}

static bool
includes(const Proxies *proxies, const char *text)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return proxies_include(proxies, (struct sockaddr *) &four);
	ck_assert_int_eq(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
	return proxies_include(proxies, (struct sockaddr *) &six);
}

/* Expects the header to name the client, NULL: nobody. */
static void
expect_client(const Proxies *proxies, const char *header, const char *expected)
{
	struct sockaddr_storage client;
	bool found = proxies_find_client(proxies, header, strlen(header), &client);
	char text[64] = "";

	ck_assert_msg(found == (expected != NULL), "%s", header);
	if (!found)
		return;
	if (client.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *) &client)->sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *) &client)->sin6_addr, text, sizeof(text));
	ck_assert_str_eq(text, expected);
}

START_TEST(addresses_and_networks_are_read)
{
	Proxies *proxies = proxies_of("127.0.0.1, 10.0.0.0/8,192.0.2.128/25 ::1,2001:db8::/33,unix");

	ck_assert(includes(proxies, "127.0.0.1") && !includes(proxies, "127.0.0.2"));
	ck_assert(includes(proxies, "10.255.0.1") && !includes(proxies, "11.0.0.1"));
	ck_assert(includes(proxies, "192.0.2.200") && !includes(proxies, "192.0.2.127"));
	ck_assert(includes(proxies, "::1") && !includes(proxies, "::2"));
	ck_assert(includes(proxies, "2001:db8:7fff::1") && !includes(proxies, "2001:db8:8000::1"));
	ck_assert(includes(proxies, "::ffff:10.1.1.1"));
	ck_assert(proxies_include(proxies, NULL));
	proxies_dispose(proxies);
}
END_TEST

START_TEST(everyone_and_nobody_can_be_said)
{
	Proxies *everyone = proxies_of("0.0.0.0/0,::/0");
	Proxies *nobody = proxies_of("");

	ck_assert(includes(everyone, "203.0.113.9") && includes(everyone, "2001:db8::1") &&
			  !proxies_include(everyone, NULL));
	ck_assert(!includes(nobody, "127.0.0.1") && !includes(nobody, "::1") && !proxies_include(nobody, NULL));
	proxies_dispose(everyone);
	proxies_dispose(nobody);
}
END_TEST

START_TEST(what_is_no_network_is_refused)
{
	const char *const lists[] = { "localhost",   "127.0.0.1:80", "127.0.0.1/33",  "127.0.0.1/",
								  "127.0.0.1/x", "127.0.0.1/-1", "::1/129",       "[::1]",
								  "unix:/x",     "127.0.0.1,x",  "127.0.0.1/8/8", "1.2.3",
								  "/8" };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
	{
		char error[128] = "";

		ck_assert_msg(proxies_read(lists[i], error, sizeof(error)) == NULL, "%s", lists[i]);
		ck_assert(strstr(error, "no address") != NULL);
	}
}
END_TEST

START_TEST(the_last_who_is_no_proxy_is_the_client)
{
	Proxies *proxies = proxies_of("10.0.0.0/8,fd00::/8");

	expect_client(proxies, "203.0.113.9", "203.0.113.9");
	expect_client(proxies, "198.51.100.1, 203.0.113.9", "203.0.113.9");
	expect_client(proxies, "198.51.100.1, 203.0.113.9, 10.1.2.3,fd00::1", "203.0.113.9");
	expect_client(proxies, "nonsense, 203.0.113.9 ,\t10.1.2.3", "203.0.113.9");
	expect_client(proxies, "10.1.1.1, 10.2.2.2", "10.1.1.1");
	expect_client(proxies, ",203.0.113.9, ,", "203.0.113.9");
	proxies_dispose(proxies);
}
END_TEST

START_TEST(each_way_to_write_an_address_is_taken)
{
	Proxies *proxies = proxies_of("10.0.0.0/8");

	expect_client(proxies, "203.0.113.9:8080", "203.0.113.9");
	expect_client(proxies, "2001:db8::1", "2001:db8::1");
	expect_client(proxies, "[2001:db8::1]", "2001:db8::1");
	expect_client(proxies, "[2001:db8::1]:443", "2001:db8::1");
	expect_client(proxies, "::ffff:203.0.113.9", "203.0.113.9");
	expect_client(proxies, "203.0.113.9, ::ffff:10.0.0.1", "203.0.113.9");
	proxies_dispose(proxies);
}
END_TEST

START_TEST(what_is_no_address_names_nobody)
{
	Proxies *proxies = proxies_of("10.0.0.0/8");
	const char *const headers[] = { "",
									" , ",
									"unknown",
									"_hidden",
									"203.0.113.9, unknown",
									"203.0.113.9, unknown, 10.0.0.1",
									"203.0.113.999",
									"[203.0.113.9]",
									"[2001:db8::1",
									"[2001:db8::1]x",
									"for=203.0.113.9",
									"203.0.113.9;10.0.0.1",
									"203.0.113.9203.0.113.9203.0.113.9203.0.113.9203.0.113.9203.0.113.9203.0.113.9" };

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		expect_client(proxies, headers[i], NULL);
	proxies_dispose(proxies);
}
END_TEST

RUN_TESTS("proxies", addresses_and_networks_are_read, everyone_and_nobody_can_be_said, what_is_no_network_is_refused,
		  the_last_who_is_no_proxy_is_the_client, each_way_to_write_an_address_is_taken,
		  what_is_no_address_names_nobody)
