/*
 * rows.h: rows of a table by where they lie, as indexes name them.
 */
#ifndef PARLEY_ROWS_H
#define PARLEY_ROWS_H

#include "postgres.h"

#include "storage/itemptr.h"

/* A row's block and offset in one number that orders rows as they lie in the table. */
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
	ItemPointerData *rows; /* NULL: never had any */
	size_t count;
	size_t room; /* palloc'd for so many; 0: another's */
} Rows;

/* Appends rows; it is made larger in the context that it was begun in, at first the current one. */
extern void parley_rows_add(Rows *rows, const ItemPointerData *more, size_t count);

/* Puts those from place `begin` on in the order of the table. */
extern void parley_rows_sort(Rows *rows, size_t begin);

/* Of ascending rows keeps each once, and of a block that stands as a whole, by the offset InvalidOffsetNumber, only
 * that. */
extern void parley_rows_unite(Rows *rows);

/* Keeps those that are among the others, both ascending, and those that stand for any row of their block, by the offset
 * InvalidOffsetNumber. The others may follow in the same array. */
extern void parley_rows_keep(Rows *rows, const ItemPointerData *others, size_t other_count);

/* How many of the rows, ascending, are before the place. */
extern size_t parley_rows_before(const ItemPointerData *rows, size_t count, RowPlace place);

#endif
