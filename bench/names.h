#ifndef BENCH_NAMES_H
#define BENCH_NAMES_H

#include <stddef.h>

/* The names of one language. */
typedef struct NameLists
{
	const char *const *given;
	size_t given_count;
	const char *const *family;
	size_t family_count;
	const char *between; /* what separates the two */
	int family_first;
	int weight; /* the relative number of contacts with such names; the weights sum to about a hundred */
} NameLists;

extern const NameLists name_lists[];
extern const size_t name_lists_count;

#endif
