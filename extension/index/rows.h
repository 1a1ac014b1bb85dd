/*
 * rows.h: arrays of row addresses (TIDs), as indexes return them.
 */
#ifndef PARLEY_ROWS_H
#define PARLEY_ROWS_H

#include "postgres.h"

#include "storage/itemptr.h"

/* A row's block and offset in one number, which sorts in physical order. */
typedef uint64 RowPlace;

static inline RowPlace
parley_row_place(const ItemPointerData *row)
{
	return (RowPlace) ItemPointerGetBlockNumberNoCheck(row) << 16 | ItemPointerGetOffsetNumberNoCheck(row);
}

/* The place before the first row of a block. */
static inline RowPlace
parley_block_place(BlockNumber block)
{
	return (RowPlace) block << 16;
}

typedef struct Rows
{
	ItemPointerData *rows; /* NULL if there never were any */
	size_t count;
	size_t room; /* allocated size in rows; 0 if the array belongs to someone else */
} Rows;

/* Appends rows. The array is allocated in the current memory context at the first call, and stays in that one. */
extern void parley_rows_add(Rows *rows, const ItemPointerData *more, size_t count);

/* Sorts the rows from index `begin` on in physical order. */
extern void parley_rows_sort(Rows *rows, size_t begin);

/* Removes duplicates from ascending rows. If a block is there as a whole (with the offset InvalidOffsetNumber), removes
 * its single rows. */
extern void parley_rows_unite(Rows *rows);

/* Keeps the rows that are among `others`, and those that stand for their whole block (with the offset
 * InvalidOffsetNumber). Both must be ascending. `others` may follow the rows in the same array. */
extern void parley_rows_keep(Rows *rows, const ItemPointerData *others, size_t other_count);

/* Returns how many of the rows, which must be ascending, are before the place. */
extern size_t parley_rows_before(const ItemPointerData *rows, size_t count, RowPlace place);

/* A set of rows, to be asked for many rows, hardly any of which are in it. */
typedef struct RowSet
{
	const Rows *rows; /* ascending; one without an offset stands for its whole block */
	uint64 *marks; /* one bit for each of them, which it may share with others; NULL if a block is there as a whole */
} RowSet;

/* Allocates in the current memory context. The rows must stay as they are. */
extern RowSet parley_row_set(const Rows *rows);
extern bool parley_row_set_has(const RowSet *set, const ItemPointerData *row);

#endif
