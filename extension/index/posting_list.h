/*
 * posting_list.h: the rows of keys of a GIN index, read a stretch of the table at a time, from any place.
 *
 * GIN reads a posting list from its first row to its last, and all of it. Who wants the newest rows wants the last, and
 * no more of them than it takes; so this reads what lies in a stretch, and keeps what it has decoded for the next one.
 */
#ifndef PARLEY_POSTING_LIST_H
#define PARLEY_POSTING_LIST_H

#include "postgres.h"

#include "access/gin_private.h"
#include "utils/snapshot.h"

#include "text/grams.h"
#include "index/rows.h"

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
} PostingLists;

/* Adds those of a range of keys of the column, palloc'd; looks at keys_max keys at most, and says so where that was not
 * all. Without rows they are good for their size alone. */
extern void parley_posting_lists_add(PostingLists *lists, GinState *state, OffsetNumber column, const GramRange *range,
									 size_t keys_max, bool with_rows, Snapshot snapshot);

/* About how many rows they have together. Rows that wait in the index's pending list are not counted. */
extern double parley_posting_lists_size(const PostingLists *lists, Relation index, Snapshot snapshot);

/* The rows of the list beyond `after` and not beyond `until`, ascending, valid until the next call; answers how many.
 */
extern size_t parley_posting_list_read(PostingList *list, Relation index, RowPlace after, RowPlace until,
									   Snapshot snapshot, const ItemPointerData **rows);

#endif
