/* The limits: token buckets, connections of an address; and which encodings a client takes. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <zlib.h>

#include "access/address_count.h"
#include "gateway_unit.h"
#include "http/gzip.h"
#include "access/rate_limit.h"

START_TEST(a_bucket_empties_and_fills_again)
{
	RateLimit *limit = rate_limit_create(10, 3);
	uint64_t now = 1000000;
	RateVerdict verdict;

	for (unsigned i = 0; i < 3; i++)
	{
		verdict = rate_limit_take(limit, "a", 1, now);
		ck_assert(verdict.allowed);
		ck_assert_uint_eq(verdict.remaining, 2 - i);
	}
	verdict = rate_limit_take(limit, "a", 1, now);
	ck_assert(!verdict.allowed);
	ck_assert_uint_eq(verdict.reset_s, 1);
	ck_assert(rate_limit_take(limit, "b", 1, now).allowed);
	ck_assert(!rate_limit_take(limit, "a", 1, now + 99000).allowed);
	ck_assert(rate_limit_take(limit, "a", 1, now + 201000).allowed);
	for (unsigned i = 0; i < 3; i++)
		ck_assert(rate_limit_take(limit, "a", 1, now + 100000000).allowed);
	ck_assert(!rate_limit_take(limit, "a", 1, now + 100000000).allowed);
	rate_limit_dispose(limit);
}
END_TEST

START_TEST(a_crowd_does_not_empty_the_table)
{
	RateLimit *limit = rate_limit_create(1, 1);
	char name[16];

	for (int i = 0; i < 200000; i++)
		ck_assert(rate_limit_take(limit, name, (size_t) snprintf(name, sizeof(name), "%d", i), 1000000 + (uint64_t) i)
					  .allowed);
	ck_assert(!rate_limit_take(limit, name, strlen(name), 1200000).allowed);
	rate_limit_dispose(limit);
}
END_TEST

static AddressKey
key_of(int family, const char *text)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

	inet_pton(family, text, family == AF_INET ? (void *) &four.sin_addr : (void *) &six.sin6_addr);
	return address_key(family == AF_INET ? (struct sockaddr *) &four : (struct sockaddr *) &six);
}

START_TEST(a_client_is_known_once_it_was_told_of)
{
	RateLimit *limit = rate_limit_create(1, 5);

	ck_assert(!rate_limit_take(limit, "a", 1, 0).is_known);
	rate_limit_know(limit, "a", 1, 0);
	ck_assert(rate_limit_take(limit, "a", 1, 0).is_known);
	ck_assert_uint_eq(rate_limit_take(limit, "a", 1, 0).remaining, 2);
	ck_assert(!rate_limit_take(limit, "b", 1, 0).is_known);
	rate_limit_dispose(limit);
}
END_TEST

START_TEST(an_address_has_its_limit)
{
	AddressCount *counts = address_count_create();
	AddressKey one = key_of(AF_INET, "10.0.0.1");
	AddressKey two = key_of(AF_INET, "10.0.0.2");

	ck_assert(address_count_add(counts, one, 2));
	ck_assert(address_count_add(counts, one, 2));
	ck_assert(!address_count_add(counts, one, 2));
	ck_assert(address_count_add(counts, two, 2));
	address_count_remove(counts, one);
	ck_assert(address_count_add(counts, one, 2));
	address_count_remove(counts, one);
	address_count_remove(counts, one);
	address_count_remove(counts, two);
	ck_assert(address_count_add(counts, key_of(AF_INET6, "2001:db8::1"), 1));
	ck_assert(!address_count_add(counts, key_of(AF_INET6, "2001:db8::2"), 1));
	ck_assert(address_count_add(counts, key_of(AF_INET6, "2001:db8:0:1::1"), 1));
	address_count_dispose(counts);
}
END_TEST

START_TEST(gzip_is_taken_by_who_says_so)
{
	const char *const takers[] = { "gzip",       "GZIP",         "deflate, gzip;q=1.0",
								   "*",          "gzip;q=0.001", "br , gzip ; q=0.5",
								   "*;q=0, gzip" };
	const char *const others[] = { "",       "identity", "gzip;q=0",    "gzip;q=0.000", "br",
								   "x-gzip", "*;q=0",    "gzip;q=0, *", "gzipped" };

	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		ck_assert_msg(gzip_is_accepted(takers[i], strlen(takers[i])), "%s", takers[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(!gzip_is_accepted(others[i], strlen(others[i])), "%s", others[i]);
}
END_TEST

START_TEST(what_is_compressed_comes_back)
{
	Buffer body = { 0 };
	char out[10000];
	z_stream stream = { 0 };

	for (int i = 0; i < 1000; i++)
		buffer_append_text(&body, "parley ");
	ck_assert(gzip_compress(&body));
	ck_assert_uint_lt(body.length, 700);
	inflateInit2(&stream, 16 + MAX_WBITS);
	stream.next_in = (unsigned char *) body.base;
	stream.avail_in = (unsigned) body.length;
	stream.next_out = (unsigned char *) out;
	stream.avail_out = sizeof(out);
	ck_assert_int_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
	ck_assert_uint_eq(stream.total_out, 7000);
	inflateEnd(&stream);
	buffer_dispose(&body);
	buffer_append_text(&body, "x");
	ck_assert(!gzip_compress(&body));
	ck_assert_str_eq(buffer_text(&body), "x");
	buffer_dispose(&body);
}
END_TEST

RUN_TESTS("limits", a_bucket_empties_and_fills_again, a_client_is_known_once_it_was_told_of,
		  a_crowd_does_not_empty_the_table, an_address_has_its_limit, gzip_is_taken_by_who_says_so,
		  what_is_compressed_comes_back)
