/*
 * newest.h: messages in the order of their time, by the index messages_newest.
 */
#ifndef PARLEY_NEWEST_H
#define PARLEY_NEWEST_H

#include "postgres.h"

#include "index/lookup.h"
#include "index/rows.h"
#include "search/scope.h"

/* From the newest that may match on, or from the cursor on; read by parley_newest_next(), closed as any lookup. */
extern void parley_newest_open(const Scope *scope, bool from_cursor, Lookup *newest);

/* The next message's row, of which the snapshot may not know, and what its entry says; NULL: no more. */
extern ItemPointer parley_newest_next(const Lookup *newest, Position *position, int64 *number);

/* The rows of all messages that may match, dated `since` or later, and not before the cursor, palloc'd, as they lie in
 * the table; false, and none, if they are more than `most`. Adds to `walked` how many were passed. */
extern bool parley_newest_rows(const Scope *scope, TimestampTz since, size_t most, Rows *newer, int64 *walked);

#endif
