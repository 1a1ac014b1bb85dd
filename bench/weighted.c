/*
 * weighted: draws from a fixed discrete distribution in constant time, by Walker's alias method with Vose's
 * construction (A linear algorithm for generating random numbers with a given distribution, 1991).
 *
 * The caller owns what weighted_create() returns and frees it with weighted_free().
 */
#include "weighted.h"

#include "memory.h"

#include <stdlib.h>

typedef struct Column
{
	double keep; /* the share of the column for its own index; the rest is for the alias */
	uint32_t alias;
} Column;

struct Weighted
{
	size_t count;
	Column columns[];
};

/* The columns still to settle: those with less than their share at the front of `order`, the others at its end. */
typedef struct Worklist
{
	uint32_t *order;
	size_t small, large;
} Worklist;

static Worklist
worklist_create(const Weighted *weighted)
{
	Worklist list = { memory_array(weighted->count, sizeof(uint32_t)), 0, weighted->count };

	for (size_t i = 0; i < weighted->count; i++)
		if (weighted->columns[i].keep < 1)
			list.order[list.small++] = (uint32_t) i;
		else
			list.order[--list.large] = (uint32_t) i;
	return list;
}

/* A column with room is filled up from one with too much, which may then have room itself. */
static void
settle(Weighted *weighted, Worklist *list)
{
	while (list->small > 0 && list->large < weighted->count)
	{
		Column *poor = &weighted->columns[list->order[--list->small]];
		uint32_t rich_index = list->order[list->large];
		Column *rich = &weighted->columns[rich_index];

		poor->alias = rich_index;
		rich->keep -= 1 - poor->keep;
		if (rich->keep < 1)
		{
			list->large++;
			list->order[list->small++] = rich_index;
		}
	}
}

Weighted *
weighted_create(const double *weights, size_t count)
{
	Weighted *weighted = memory_bytes(sizeof(Weighted) + count * sizeof(Column));
	Worklist list;
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += weights[i];
	weighted->count = count;
	for (size_t i = 0; i < count; i++)
		weighted->columns[i] = (Column){ weights[i] * (double) count / sum, (uint32_t) i };
	list = worklist_create(weighted);
	settle(weighted, &list);
	free(list.order);
	return weighted;
}

size_t
weighted_draw(const Weighted *weighted, Random *random)
{
	size_t index = random_below(random, weighted->count);
	const Column *column = &weighted->columns[index];

	return random_unit(random) < column->keep ? index : column->alias;
}

void
weighted_free(Weighted *weighted)
{
	free(weighted);
}
