/* person, traffic: phones are valid and unique, and messages are distributed over conversations as promised. */
#include "csv.h"
#include "person.h"
#include "traffic.h"

#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The digits as a number with a 1 in front, so that leading zeros count. */
static uint64_t
phone_key(const char *phone, int *digits)
{
	uint64_t key = 1;

	for (*digits = 0; *phone != '\0'; phone++)
		if (isdigit((unsigned char) *phone))
		{
			key = key * 10 + (uint64_t) (*phone - '0');
			++*digits;
		}
	return key;
}

START_TEST(phones_are_valid_and_their_digits_unique)
{
	PersonGenerator generator = person_generator_start(1, 100);
	HashSet seen = hash_set_create(200000);
	Person person;

	for (int64_t id = 1; id <= 200000; id++)
	{
		int digits;

		person_generate(&generator, id, &person);
		ck_assert(hash_set_add(&seen, phone_key(person.phone, &digits)));
		ck_assert_msg(digits >= 7 && digits <= 15, "%s", person.phone);
		ck_assert_uint_eq(strspn(person.phone + (person.phone[0] == '+'), "0123456789 ()./-"),
						  strlen(person.phone + (person.phone[0] == '+')));
		ck_assert_uint_le(strlen(person.phone), 40);
	}
	person_generator_free(&generator);
	hash_set_free(&seen);
}
END_TEST

START_TEST(names_are_valid_varied_and_mostly_there)
{
	PersonGenerator generator = person_generator_start(1, 10000);
	HashSet seen = hash_set_create(10000);
	int named = 0, other_scripts = 0;

	for (int64_t id = 1; id <= 10000; id++)
	{
		Person person;
		uint64_t hash = 1;

		person_generate(&generator, id, &person);
		ck_assert_int_ge(utf8_characters(person.name, strlen(person.name)), 0);
		ck_assert_int_le(utf8_characters(person.name, strlen(person.name)), 200);
		for (const char *at = person.name; *at != '\0'; at++)
			hash = (hash ^ (unsigned char) *at) * UINT64_C(0x100000001b3);
		hash_set_add(&seen, hash | 1);
		named += person.name[0] != '\0';
		other_scripts += (unsigned char) person.name[0] >= 0xce;
	}
	ck_assert_int_gt(named, 9800);
	ck_assert_int_lt(named, 10000);
	ck_assert_int_gt(other_scripts, 1000);
	ck_assert_uint_gt(seen.count, 6000);
	person_generator_free(&generator);
	hash_set_free(&seen);
}
END_TEST

static Traffic
run_traffic(uint64_t seed, uint64_t contacts, uint64_t messages)
{
	Traffic traffic;

	traffic_start(&traffic, seed, contacts, messages);
	for (uint64_t i = 0; i < messages; i++)
	{
		Conversation *conversation = traffic_next(&traffic, (Timestamp) i);
		int64_t sender = conversation_sender(conversation);

		ck_assert_int_eq(conversation->last_at, (Timestamp) i);
		ck_assert(sender == conversation->contact_id || sender == conversation->other_id);
	}
	return traffic;
}

START_TEST(every_conversation_has_a_message_where_there_are_enough)
{
	for (uint64_t messages = 1010; messages < 100000; messages = messages * 3 / 2)
	{
		Traffic traffic = run_traffic(1, 1000, messages);
		uint64_t sum = 0;

		for (size_t i = 0; i < traffic.count; i++)
		{
			ck_assert_int_ge(traffic.conversations[i].last_number, 1);
			sum += (uint64_t) traffic.conversations[i].last_number;
		}
		ck_assert_uint_eq(sum, messages);
		traffic_free(&traffic);
	}
}
END_TEST

START_TEST(fewer_messages_than_conversations_are_one_each)
{
	Traffic traffic = run_traffic(1, 1000, 300);

	for (size_t i = 0; i < traffic.count; i++)
		ck_assert_int_eq(traffic.conversations[i].last_number, i < 300);
	traffic_free(&traffic);
}
END_TEST

static int
by_number(const void *one, const void *two)
{
	int64_t a = ((const Conversation *) one)->last_number, b = ((const Conversation *) two)->last_number;

	return (a < b) - (a > b);
}

START_TEST(a_few_conversations_are_busy_and_many_quiet)
{
	Traffic traffic = run_traffic(1, 10000, 500000);
	int64_t busiest = 0;

	qsort(traffic.conversations, traffic.count, sizeof(Conversation), by_number);
	for (size_t i = 0; i < traffic.count / 100; i++)
		busiest += traffic.conversations[i].last_number;
	ck_assert_int_gt(busiest, 500000 / 5);
	ck_assert_int_lt(traffic.conversations[0].last_number, 500000 / 20);
	ck_assert_int_lt(traffic.conversations[traffic.count / 2].last_number, 25);
	traffic_free(&traffic);
}
END_TEST

START_TEST(pairs_are_ordered_unique_and_of_contacts_there_are)
{
	Traffic traffic;
	HashSet pairs = hash_set_create(1000);
	int direct = 0;

	traffic_start(&traffic, 3, 20000, 1);
	ck_assert_uint_eq(traffic.count, 20200);
	for (size_t i = 0; i < traffic.count; i++)
	{
		const Conversation *conversation = &traffic.conversations[i];

		if (conversation->other_id == 0)
			continue;
		direct++;
		ck_assert_int_ge(conversation->contact_id, 1);
		ck_assert_int_lt(conversation->contact_id, conversation->other_id);
		ck_assert_int_le(conversation->other_id, 20000);
		ck_assert(hash_set_add(&pairs, (uint64_t) (conversation->contact_id * 1000000 + conversation->other_id)));
	}
	ck_assert_int_eq(direct, 200);
	hash_set_free(&pairs);
	traffic_free(&traffic);
}
END_TEST

START_TEST(both_sides_speak_and_mostly_take_turns)
{
	Traffic traffic;
	int turns = 0, operator_spoke = 0;
	bool before = true;

	traffic_start(&traffic, 1, 1, 10000);
	for (int i = 0; i < 10000; i++)
	{
		bool spoke = conversation_sender(traffic_next(&traffic, i)) == 0;

		turns += spoke != before;
		operator_spoke += spoke;
		before = spoke;
	}
	ck_assert_int_gt(turns, 7000);
	ck_assert_int_lt(turns, 8000);
	ck_assert_double_eq_tol(operator_spoke, 5000, 500);
	traffic_free(&traffic);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("populate_person");
	TCase *tests = tcase_create("person");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, phones_are_valid_and_their_digits_unique);
	tcase_add_test(tests, names_are_valid_varied_and_mostly_there);
	tcase_add_test(tests, every_conversation_has_a_message_where_there_are_enough);
	tcase_add_test(tests, fewer_messages_than_conversations_are_one_each);
	tcase_add_test(tests, a_few_conversations_are_busy_and_many_quiet);
	tcase_add_test(tests, pairs_are_ordered_unique_and_of_contacts_there_are);
	tcase_add_test(tests, both_sides_speak_and_mostly_take_turns);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
