/*
 * rows.c: see rows.h.
 */
#include "postgres.h"

#include "index/rows.h"

#define ROOM_MIN 64

void
parley_rows_add(Rows *rows, const ItemPointerData *more, size_t count)
{
	if (rows->count + count > rows->room)
	{
		Assert(rows->room > 0 || rows->rows == NULL);
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

void
parley_rows_unite(Rows *rows)
{
	size_t unique = 0;

	for (size_t i = 0; i < rows->count; i++)
	{
		const ItemPointerData *row = &rows->rows[i];
		const ItemPointerData *last = unique == 0 ? NULL : &rows->rows[unique - 1];

		/* A row without an offset stands for its whole block. */
		if (last == NULL || (parley_row_place(last) != parley_row_place(row) &&
							 (ItemPointerGetOffsetNumberNoCheck(last) != InvalidOffsetNumber ||
							  ItemPointerGetBlockNumberNoCheck(last) != ItemPointerGetBlockNumberNoCheck(row))))
			rows->rows[unique++] = *row;
	}
	rows->count = unique;
}

void
parley_rows_keep(Rows *rows, const ItemPointerData *others, size_t other_count)
{
	size_t kept = 0;
	size_t other = 0;

	for (size_t i = 0; i < rows->count; i++)
	{
		ItemPointer row = &rows->rows[i];
		RowPlace place = parley_row_place(row);

		while (other < other_count && parley_row_place(&others[other]) < place)
			other++;
		if (ItemPointerGetOffsetNumberNoCheck(row) == InvalidOffsetNumber ||
			(other < other_count && parley_row_place(&others[other]) == place))
			rows->rows[kept++] = *row;
	}
	rows->count = kept;
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
