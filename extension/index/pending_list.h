/*
 * pending_list.h: the rows in a GIN index's pending list.
 */
#ifndef PARLEY_PENDING_LIST_H
#define PARLEY_PENDING_LIST_H

#include "postgres.h"

#include "access/gin_private.h"
#include "utils/snapshot.h"

#include "text/grams.h"
#include "index/rows.h"

/*
 * Returns the rows of the pending list that have every clue in the column, ascending. Read the pending list before the
 * posting lists: rows move from the former to the latter.
 */
extern Rows parley_pending_rows(GinState *state, OffsetNumber column, const GramClue *clues, size_t clue_count,
								Snapshot snapshot);

#endif
