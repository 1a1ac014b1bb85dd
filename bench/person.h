#ifndef BENCH_PERSON_H
#define BENCH_PERSON_H

#include "hash_set.h"
#include "random.h"

#define PHONE_BYTES_MAX 41
#define NAME_BYTES_MAX 160
#define EMAIL_BYTES_MAX 64

/* A contact. An empty string means unknown. */
typedef struct Person
{
	char name[NAME_BYTES_MAX];
	char phone[PHONE_BYTES_MAX];
	char email[EMAIL_BYTES_MAX];
} Person;

typedef struct PersonGenerator
{
	Random random;
	HashSet phones; /* the digits of all phones so far */
} PersonGenerator;

PersonGenerator person_generator_start(uint64_t seed, size_t expected);

/* Generates the next person. `id` makes the email unique. There is always a phone, with digits that no other person
 * has. */
void person_generate(PersonGenerator *generator, int64_t id, Person *person);
void person_generator_free(PersonGenerator *generator);

#endif
