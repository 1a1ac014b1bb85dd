#ifndef BENCH_NAMES_H
#define BENCH_NAMES_H

#include <stddef.h>

/* Names as one language has them. */
typedef struct NameLists
{
	const char *const *given;
	size_t given_count;
	const char *const *family;
	size_t family_count;
	const char *between; /* what stands between the two */
	int family_first;
	int weight; /* how many of a hundred or so contacts bear such names */
} NameLists;

extern const NameLists name_lists[];
extern const size_t name_lists_count;

#endif
