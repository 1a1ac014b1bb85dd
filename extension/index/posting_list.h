/*
 * posting_list.h: the rows of keys of a GIN index, read a stretch of the table at a time, from any place.
 *
 * GIN reads a posting list from its first row to its last, and all of it. We want the newest rows, which are at the
 * end, and no more than a page needs; so this reads what lies in a stretch, and keeps what it has decoded for the next
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
	BlockNumber root;      /* of the posting tree; invalid: the list is short, and rows has all of it */
	RowPlace after, until; /* rows has every row of the list that is beyond `after` and not beyond `until` */
	ItemPointerData *rows; /* ascending, palloc'd */
	int count;
} PostingList;

/* The lists of all keys of a range. */
typedef struct PostingLists
{
	PostingList *lists;
	size_t count;
	bool is_whole; /* there were no more keys than were asked for */
	Gram next;     /* otherwise, the key at which to go on */
} PostingLists;

/* Adds those of a range of keys of the column, palloc'd, beginning with the key `from`; looks at keys_max keys at most,
 * and says so if that was not all. Without rows they are good for their size alone. */
extern void parley_posting_lists_add(PostingLists *lists, GinState *state, OffsetNumber column, const GramRange *range,
									 Gram from, size_t keys_max, bool with_rows, Snapshot snapshot);

/* Adds to the bitmap all rows of the list. */
extern void parley_posting_list_collect(PostingList *list, Relation index, Snapshot snapshot, TIDBitmap *bitmap);

/* About how many rows they have together. Rows that wait in the index's pending list are not counted. */
extern double parley_posting_lists_size(const PostingLists *lists, Relation index, Snapshot snapshot);

/* The rows of the list beyond `after` and not beyond `until`, ascending, valid until the next call; returns how many.
 */
extern size_t parley_posting_list_read(PostingList *list, Relation index, RowPlace after, RowPlace until,
									   Snapshot snapshot, const ItemPointerData **rows);

#endif
