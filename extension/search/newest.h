/*
 * newest.h: messages in the order of time, by the index messages_newest.
 */
#ifndef PARLEY_NEWEST_H
#define PARLEY_NEWEST_H

#include "postgres.h"

#include "index/lookup.h"
#include "index/rows.h"
#include "search/scope.h"

/* Starts at the newest message that may match, or at the cursor. Read it with parley_newest_next(), and close it like
 * any lookup. */
extern void parley_newest_open(const Scope *scope, bool from_cursor, Lookup *newest);

/* Returns the address of the next message's row, which the snapshot may not see, and what its index entry says. Returns
 * NULL if there are no more. */
extern ItemPointer parley_newest_next(const Lookup *newest, Position *position, int64 *number);

/* Returns the rows of all messages that may match, are dated `since` or later, and are not before the cursor, palloc'd,
 * in physical order. Returns false and no rows if there are more than `most`. Adds the number of index entries visited
 * to *walked. */
extern bool parley_newest_rows(const Scope *scope, TimestampTz since, size_t most, Rows *newer, int64 *walked);

#endif
