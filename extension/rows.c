/*
 * rows.c: see rows.h.
 */
#include "postgres.h"

#include "rows.h"

#define ROOM_MIN 64

void
parley_rows_add(Rows *rows, const ItemPointerData *more, size_t count)
{
	if (rows->count + count > rows->room)
	{
		rows->room = Max(2 * (rows->count + count), ROOM_MIN);
		rows->rows = rows->rows == NULL
						 ? MemoryContextAllocHuge(CurrentMemoryContext, rows->room * sizeof(ItemPointerData))
						 : repalloc_huge(rows->rows, rows->room * sizeof(ItemPointerData));
	}
	if (count > 0)
		memcpy(rows->rows + rows->count, more, count * sizeof(ItemPointerData));
	rows->count += count;
}

static int
row_compare(const void *a, const void *b)
{
	RowPlace left = parley_row_place(a);
	RowPlace right = parley_row_place(b);

	return left < right ? -1 : left > right;
}

void
parley_rows_sort(Rows *rows, size_t begin)
{
	if (rows->count - begin > 1)
		qsort(rows->rows + begin, rows->count - begin, sizeof(ItemPointerData), row_compare);
}

size_t
parley_rows_before(const ItemPointerData *rows, size_t count, RowPlace place)
{
	size_t low = 0;

	while (low < count)
	{
		size_t middle = low + (count - low) / 2;

		if (parley_row_place(&rows[middle]) < place)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}
