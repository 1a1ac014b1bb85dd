/* registry: the streams of a user are found, whoever else is there, and each of them is queued once and in order. */
#include "live/registry.h"

#include "gateway_unit.h"

enum
{
	ENTRIES = 1000
};

static size_t
count_of(const Registry *registry, int64_t user_id)
{
	size_t count = 0;

	for (RegistryEntry *entry = registry_find(registry, user_id); entry != NULL; entry = registry_next(entry))
		count++;
	return count;
}

START_TEST(entries_are_found_by_user_while_the_table_grows_and_shrinks)
{
	static RegistryEntry entries[ENTRIES];
	Registry registry;

	registry_init(&registry);
	for (int i = 0; i < ENTRIES; i++)
		registry_add(&registry, &entries[i], (i % 100) * 64);
	ck_assert_uint_eq(registry.count, ENTRIES);
	for (int user = 0; user < 100; user++)
		ck_assert_uint_eq(count_of(&registry, user * 64), ENTRIES / 100);
	ck_assert_ptr_null(registry_find(&registry, 1));
	ck_assert_ptr_null(registry_find(&registry, -64));
	for (int i = 0; i < ENTRIES; i++)
		if (i % 100 != 7)
			registry_remove(&registry, &entries[i]);
	ck_assert_uint_eq(count_of(&registry, 7 * 64), ENTRIES / 100);
	ck_assert_uint_eq(count_of(&registry, 8 * 64), 0);
	ck_assert_uint_eq(registry.count, ENTRIES / 100);
	registry_dispose(&registry);
}
END_TEST

START_TEST(entry_waits_once_and_in_turn)
{
	RegistryEntry entries[3];
	Registry registry;

	registry_init(&registry);
	for (int i = 0; i < 3; i++)
		registry_add(&registry, &entries[i], i);
	ck_assert_ptr_null(registry_take_ready(&registry));
	registry_make_ready(&registry, &entries[2]);
	registry_make_ready(&registry, &entries[0]);
	registry_make_ready(&registry, &entries[2]);
	registry_make_ready(&registry, &entries[1]);
	registry_remove(&registry, &entries[0]);
	ck_assert_ptr_eq(registry_take_ready(&registry), &entries[2]);
	ck_assert_ptr_eq(registry_take_ready(&registry), &entries[1]);
	ck_assert_ptr_null(registry_take_ready(&registry));
	registry_dispose(&registry);
}
END_TEST

RUN_TESTS("registry", entries_are_found_by_user_while_the_table_grows_and_shrinks, entry_waits_once_and_in_turn)
