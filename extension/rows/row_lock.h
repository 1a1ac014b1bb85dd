/*
 * row_lock.h: finds and locks single rows by a key of bigints without planning a statement.
 *
 * Privileges are not checked, so only functions that do their own checks may use this.
 */
#ifndef PARLEY_ROW_LOCK_H
#define PARLEY_ROW_LOCK_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "utils/rel.h"

/* Finds the row that a statement would see if it started now. The index is unique, and its columns are the keys. Copies
 * the row into the slot. */
extern bool parley_row_find(Relation table, Relation index, const int64 *keys, int key_count, TupleTableSlot *slot);

/*
 * Locks the latest version of the row in the slot, as SELECT FOR NO KEY UPDATE would, until the transaction ends, and
 * replaces the slot's content by it. Returns false if the row was deleted. Fails with 40001 when that statement would.
 * Its key may have changed. *had_to_wait, which may be NULL, says whether another transaction had it locked.
 */
extern bool parley_row_lock(Relation table, TupleTableSlot *slot, bool *had_to_wait);

#endif
