/*
 * gram_index.h: asking a GIN index of parley.gram_ops: how many rows a clue may have, and which rows may have all.
 */
#ifndef PARLEY_GRAM_INDEX_H
#define PARLEY_GRAM_INDEX_H

#include "postgres.h"

#include "storage/itemptr.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "gram_ops.h"

/* Of more exact clues than this, the rarest are asked for: each costs a list to read. */
#define CLUES_ASKED_MAX 3

typedef struct ClueSet
{
	GramClue clues[CLUES_ASKED_MAX];
	size_t count;
	double rows;   /* about how many rows the rarest exact clue has; negative: none is exact, nothing is known */
	bool is_vague; /* one clue that is not exact is asked for, which may have far fewer rows */
} ClueSet;

/* Rows that may have all clues, by block and offset, ascending. */
typedef struct Candidates
{
	ItemPointerData *rows; /* offset InvalidOffsetNumber: any row of the block */
	size_t count;
} Candidates;

/*
 * The clues of a folded term worth asking for, and an estimate from the sizes of the index's lists: a descent of the
 * index a clue. What waits in the index's pending list is not counted. columns: how many of the index, from the first,
 * may match; table_rows: about how many rows there are.
 */
extern ClueSet parley_gram_index_choose(Relation index, int columns, const Folded *term, double table_rows,
										Snapshot snapshot);

/* The rows with all clues in the column, palloc'd; without clues every row of the index. May hold rows that do not
 * match. */
extern Candidates parley_gram_index_ask(Relation index, AttrNumber column, const ClueSet *clues, Snapshot snapshot);

#endif
