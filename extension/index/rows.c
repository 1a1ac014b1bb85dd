/*
 * rows.c: see rows.h.
 */
#include "postgres.h"

#include "index/rows.h"

#define ROOM_MIN 64

/* The number of marks of a set is a power of two. */
#define MARK_BITS 20

/* Fewer rows than this are sorted by comparing them. */
#define SORT_BY_BYTES_MIN 1000

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

static inline int
row_compare(const ItemPointerData *a, const ItemPointerData *b)
{
	RowPlace left = parley_row_place(a);
	RowPlace right = parley_row_place(b);

	return left < right ? -1 : left > right;
}

/* qsort() that compares without calling a function. */
#define ST_SORT sort_rows
#define ST_ELEMENT_TYPE ItemPointerData
#define ST_COMPARE(a, b) row_compare(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Sorts by one byte of the places after another, the lowest first, which takes a sixth of the time of qsort(). */
static void
sort_by_bytes(ItemPointerData *rows, size_t count)
{
	ItemPointerData *copy = MemoryContextAllocHuge(CurrentMemoryContext, count * sizeof(ItemPointerData));
	ItemPointerData *from = rows, *to = copy;

	for (int shift = 0; shift < 48; shift += 8)
	{
		size_t ends[256] = { 0 };
		ItemPointerData *sorted = to;

		for (size_t i = 0; i < count; i++)
			ends[parley_row_place(&from[i]) >> shift & 255]++;
		if (ends[parley_row_place(&from[0]) >> shift & 255] == count)
			continue;
		for (int byte = 1; byte < 256; byte++)
			ends[byte] += ends[byte - 1];
		for (size_t i = count; i-- > 0;)
			to[--ends[parley_row_place(&from[i]) >> shift & 255]] = from[i];
		to = from;
		from = sorted;
	}
	if (from != rows)
		memcpy(rows, from, count * sizeof(ItemPointerData));
	pfree(copy);
}

void
parley_rows_sort(Rows *rows, size_t begin)
{
	if (rows->count - begin > SORT_BY_BYTES_MIN)
		sort_by_bytes(rows->rows + begin, rows->count - begin);
	else if (rows->count - begin > 1)
		sort_rows(rows->rows + begin, rows->count - begin);
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

static inline uint32
row_mark(RowPlace place)
{
	return (uint32) (place * UINT64CONST(0x9E3779B97F4A7C15) >> (64 - MARK_BITS));
}

RowSet
parley_row_set(const Rows *rows)
{
	RowSet set = { .rows = rows, .marks = palloc0((1 << MARK_BITS) / 8) };

	for (size_t i = 0; i < rows->count; i++)
	{
		uint32 mark = row_mark(parley_row_place(&rows->rows[i]));

		if (ItemPointerGetOffsetNumberNoCheck(&rows->rows[i]) == InvalidOffsetNumber)
		{
			pfree(set.marks);
			set.marks = NULL;
			break;
		}
		set.marks[mark / 64] |= UINT64CONST(1) << mark % 64;
	}
	return set;
}

bool
parley_row_set_has(const RowSet *set, const ItemPointerData *row)
{
	RowPlace place = parley_row_place(row);
	uint32 mark = row_mark(place);
	size_t i;

	if (set->marks != NULL && (set->marks[mark / 64] >> mark % 64 & 1) == 0)
		return false;
	i = parley_rows_before(set->rows->rows, set->rows->count, parley_block_place(place >> 16));
	while (i < set->rows->count && parley_row_place(&set->rows->rows[i]) < place &&
		   ItemPointerGetOffsetNumberNoCheck(&set->rows->rows[i]) != InvalidOffsetNumber)
		i++;
	return i < set->rows->count && (parley_row_place(&set->rows->rows[i]) == place ||
									parley_row_place(&set->rows->rows[i]) == parley_block_place(place >> 16));
}
