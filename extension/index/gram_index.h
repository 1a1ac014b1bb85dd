/*
 * gram_index.h: asking a GIN index of parley.gram_ops: how many rows may have a term, and which.
 */
#ifndef PARLEY_GRAM_INDEX_H
#define PARLEY_GRAM_INDEX_H

#include "postgres.h"

#include "storage/itemptr.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "text/gram_ops.h"
#include "index/posting_list.h"

/* Of more clues than this, the rarest are asked for: each costs a list to read. */
#define CLUES_ASKED_MAX 3

typedef struct ClueSet
{
	GramClue clues[CLUES_ASKED_MAX];
	size_t count; /* 0: the index cannot be asked */
	double rows;  /* about how many rows have the rarest clue; negative: it has too many keys to tell */
} ClueSet;

/*
 * The clues of a folded term worth asking for, and an estimate from the sizes of the index's lists: a descent of the
 * index a clue, and a look at the keys where a clue is a range of them. first, last: the columns of the index that may
 * match; table_rows: about how many rows there are. Without an index (NULL) none is worth asking for.
 */
extern ClueSet parley_gram_index_choose(Relation index, AttrNumber first, AttrNumber last, const Folded *term,
										double table_rows, Snapshot snapshot);

/* All rows with all clues in the column, ascending, each once, palloc'd; blocks: how many the table has. Some may not
 * match; offset InvalidOffsetNumber: any row of the block. */
extern Rows parley_gram_index_ask(Relation index, AttrNumber column, const ClueSet *clues, BlockNumber blocks,
								  Snapshot snapshot);

/* The same, a stretch of blocks at a time. */
typedef struct GramScan
{
	Relation index;
	Snapshot snapshot;
	Rows known; /* what waited in the pending list; or all, if a clue has too many keys for lists */
	PostingLists lists[CLUES_ASKED_MAX];
	size_t clue_count; /* 0: all is known */
	Rows found;
} GramScan;

/* Begins in the current context, with at least one clue. Predicate-locks the index as a whole. */
extern void parley_gram_scan_begin(GramScan *scan, Relation index, AttrNumber column, const ClueSet *clues,
								   Snapshot snapshot);

/* Whether no block has any. */
static inline bool
parley_gram_scan_is_empty(const GramScan *scan)
{
	return scan->known.count == 0 && (scan->clue_count == 0 || scan->lists[0].count == 0);
}

/* The rows of blocks from first to last, ascending, some maybe twice; valid until the next call, the caller's to
 * change. */
extern Rows parley_gram_scan_read(GramScan *scan, BlockNumber first, BlockNumber last);

#endif
