/*
 * pending_list.h: the rows that wait in a GIN index's pending list.
 */
#ifndef PARLEY_PENDING_LIST_H
#define PARLEY_PENDING_LIST_H

#include "postgres.h"

#include "access/gin_private.h"
#include "utils/snapshot.h"

#include "text/grams.h"
#include "index/rows.h"

/*
 * The rows whose grams in the column are in a range of every clue, ascending. Read the pending list before the posting
 * lists: rows move from the former to the latter.
 */
extern Rows parley_pending_rows(GinState *state, OffsetNumber column, const GramClue *clues, size_t clue_count,
								Snapshot snapshot);

#endif
