/*
 * posting_list.h: reads the posting lists of a GIN index for one stretch of the table at a time, in any order.
 *
 * GIN itself reads a posting list from its first row to its last, and all of it. We want the newest rows, which are at
 * the end, and no more than a page needs. So we read only the rows of a stretch, and keep what was decoded for the next
 * one.
 */
#ifndef PARLEY_POSTING_LIST_H
#define PARLEY_POSTING_LIST_H

#include "postgres.h"

#include "access/gin_private.h"
#include "nodes/tidbitmap.h"
#include "utils/snapshot.h"

#include "index/rows.h"
#include "text/grams.h"

typedef struct PostingList
{
	BlockNumber root;      /* of the posting tree; invalid if the list is short and `rows` has all of it */
	RowPlace after, until; /* `rows` has all rows of the list after `after`, up to and including `until` */
	ItemPointerData *rows; /* ascending, palloc'd */
	int count;
} PostingList;

/* The posting lists of the keys of a range. */
typedef struct PostingLists
{
	PostingList *lists;
	size_t count;
	bool is_whole; /* the range had no more keys than keys_max */
	Gram next;     /* otherwise, the key at which to continue */
} PostingLists;

/* Adds the posting lists of a range of keys of the column, palloc'd, starting at the key `from`. Looks at no more than
 * keys_max keys; if there are more, clears is_whole and sets next. Unless with_rows, the lists are good only for
 * parley_posting_lists_size(). */
extern void parley_posting_lists_add(PostingLists *lists, GinState *state, OffsetNumber column, const GramRange *range,
									 Gram from, size_t keys_max, bool with_rows, Snapshot snapshot);

/* Adds all rows of the list to the bitmap. */
extern void parley_posting_list_collect(PostingList *list, Relation index, Snapshot snapshot, TIDBitmap *bitmap);

/* Estimates the total number of rows of the lists. Rows in the pending list are not counted. */
extern double parley_posting_lists_size(const PostingLists *lists, Relation index, Snapshot snapshot);

/* Finds the rows of the list after `after`, up to and including `until`, ascending, and returns their number. *rows is
 * valid until the next call. */
extern size_t parley_posting_list_read(PostingList *list, Relation index, RowPlace after, RowPlace until,
									   Snapshot snapshot, const ItemPointerData **rows);

#endif
