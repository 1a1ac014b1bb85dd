/*
 * gram_index.h: looks up a term in a GIN index of parley.gram_ops: how many rows may contain it, and which ones.
 */
#ifndef PARLEY_GRAM_INDEX_H
#define PARLEY_GRAM_INDEX_H

#include "postgres.h"

#include "storage/itemptr.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "text/gram_ops.h"
#include "index/posting_list.h"

/* We look up at most this many clues of a term, the rarest ones, because each costs reading a posting list. */
#define CLUES_ASKED_MAX 3

typedef struct ClueSet
{
	GramClue clues[CLUES_ASKED_MAX];
	size_t count; /* 0 if the index cannot help */
	double rows;  /* estimated number of rows with the rarest clue; negative if it has too many keys to estimate */
} ClueSet;

/*
 * Chooses the clues of a folded term that are worth looking up, and estimates the number of rows from the sizes of
 * their posting lists. This costs one descent of the index per clue, and reading the keys of clues that are ranges.
 * `first` and `last` are the index columns that may match, `table_rows` is the estimated number of rows of the table.
 * If there is no index (NULL), chooses no clues.
 */
extern ClueSet parley_gram_index_choose(Relation index, AttrNumber first, AttrNumber last, const Folded *term,
										double table_rows, Snapshot snapshot);

/* Returns all rows that have all clues in the column, ascending, without duplicates, palloc'd. `blocks` is the number
 * of blocks of the table. Some rows may not match. The offset InvalidOffsetNumber stands for any row of the block. */
extern Rows parley_gram_index_ask(Relation index, AttrNumber column, const ClueSet *clues, BlockNumber blocks,
								  Snapshot snapshot);

/* The same lookup, one stretch of blocks at a time. */
typedef struct GramScan
{
	Relation index;
	Snapshot snapshot;
	Rows known; /* the rows of the pending list; or all rows, if a clue has too many keys to read list by list */
	PostingLists lists[CLUES_ASKED_MAX];
	size_t clue_count; /* 0 if `known` has all rows */
	Rows found;
} GramScan;

/* Begins a scan, which allocates in the current memory context. There must be at least one clue. Takes a predicate lock
 * on the whole index. */
extern void parley_gram_scan_begin(GramScan *scan, Relation index, AttrNumber column, const ClueSet *clues,
								   Snapshot snapshot);

/* Returns whether the scan will find no rows at all. */
static inline bool
parley_gram_scan_is_empty(const GramScan *scan)
{
	return scan->known.count == 0 && (scan->clue_count == 0 || scan->lists[0].count == 0);
}

/* Returns the rows of the blocks from `first` to `last`, ascending, possibly with duplicates. The result is valid until
 * the next call, and the caller may change it. */
extern Rows parley_gram_scan_read(GramScan *scan, BlockNumber first, BlockNumber last);

#endif
