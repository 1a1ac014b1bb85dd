/*
 * person: generates contacts with international names, and phones as people write them. The digits of a phone are
 * unique: if a number comes up again, another one is drawn.
 *
 * The generator owns the set of phones; person_generator_free() frees it.
 */
#include "person.h"

#include "names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* # is any digit, N is 2 to 9. A format that is listed twice is twice as common. */
static const char *const phone_formats[] = {
	"1-800-N##-####",    "1-8##-N##-####",    "(N##) N##-####",      "(N##) N##-####",
	"(N##) N##-####",    "N##-N##-####",      "N##-N##-####",        "N##.N##.####",
	"+1 N## N## ####",   "+1 (N##) N##-####", "+1N##N######",        "N##N######",
	"+44 20 7### ####",  "+44 7### ######",   "020 7### ####",       "+33 6 ## ## ## ##",
	"06 ## ## ## ##",    "+49 30 ########",   "+49 151 ########",    "030/#######",
	"+34 6## ### ###",   "+39 3## #######",   "+48 5## ### ###",     "+90 5## ### ## ##",
	"+91 9#### #####",   "+91-9####-#####",   "+86 13# #### ####",   "+81 90-####-####",
	"03-####-####",      "+82 10-####-####",  "+55 (11) 9####-####", "+7 9## ###-##-##",
	"+234 80# ### ####", "+20 10 #### ####",  "+61 4## ### ###",     "+27 8# ### ####",
	"+84 9# ### ## ##",  "0032 4## ## ## ##", "+353 8# ### ####",    "00 49 (0) 171 #######",
	"N##-####",
};

#define PICK(random, array) ((array)[random_below((random), sizeof(array) / sizeof((array)[0]))])

/* Writes a phone in one of the formats. Returns its digits as a number with a 1 in front, so that leading zeros count.
 */
static uint64_t
draw_phone(Random *random, char *phone)
{
	const char *format = PICK(random, phone_formats);
	uint64_t digits = 1;

	for (; *format != '\0'; format++)
	{
		char character = *format;

		if (character == '#')
			character = (char) ('0' + random_below(random, 10));
		else if (character == 'N')
			character = (char) ('2' + random_below(random, 8));
		if (isdigit((unsigned char) character))
			digits = digits * 10 + (uint64_t) (character - '0');
		*phone++ = character;
	}
	*phone = '\0';
	return digits;
}

static const NameLists *
draw_language(Random *random)
{
	int sum = 0, at;

	for (size_t i = 0; i < name_lists_count; i++)
		sum += name_lists[i].weight;
	at = (int) random_below(random, (uint64_t) sum);
	for (size_t i = 0; i < name_lists_count - 1; i++)
		if ((at -= name_lists[i].weight) < 0)
			return &name_lists[i];
	return &name_lists[name_lists_count - 1];
}

/* One in a hundred has only a phone. One in seven has an initial, if the given name comes first and is ASCII. */
static void
draw_name(Random *random, char *name)
{
	const NameLists *lists = draw_language(random);
	const char *given = lists->given[random_below(random, lists->given_count)];
	const char *family = lists->family[random_below(random, lists->family_count)];
	double kind = random_unit(random);
	char initial[8] = "";

	if (kind < 0.15 && lists->family_first == 0 && isascii(given[0]))
		snprintf(initial, sizeof(initial), "%c. ", (char) ('A' + random_below(random, 26)));
	if (kind >= 0.99)
		*name = '\0';
	else if (lists->family_first)
		snprintf(name, NAME_BYTES_MAX, "%s%s%s", family, lists->between, given);
	else
		snprintf(name, NAME_BYTES_MAX, "%s%s%s%s", given, lists->between, initial, family);
}

static void
draw_email(Random *random, int64_t id, char *email)
{
	static const char *const domains[] = { "example.com", "example.org", "example.net", "mail.example",
										   "Post.Example" };
	static const char *const locals[] = { "me", "hello", "contact", "info", "x", "chat", "post" };

	*email = '\0';
	if (random_chance(random, 0.3))
		snprintf(email, EMAIL_BYTES_MAX, "%s.%lld@%s", PICK(random, locals), (long long) id, PICK(random, domains));
}

PersonGenerator
person_generator_start(uint64_t seed, size_t expected)
{
	return (PersonGenerator){ random_start(seed, RANDOM_CONTACTS), hash_set_create(expected) };
}

void
person_generate(PersonGenerator *generator, int64_t id, Person *person)
{
	draw_name(&generator->random, person->name);
	while (!hash_set_add(&generator->phones, draw_phone(&generator->random, person->phone)))
		;
	draw_email(&generator->random, id, person->email);
}

void
person_generator_free(PersonGenerator *generator)
{
	hash_set_free(&generator->phones);
}
