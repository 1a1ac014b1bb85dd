/*
 * lookup.h: rows of a table by bigint keys of one of its indexes, for C that does this thousands of times a call, where
 * a statement would cost ten times as much.
 */
#ifndef PARLEY_LOOKUP_H
#define PARLEY_LOOKUP_H

#include "postgres.h"

#include "access/genam.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/* Holds AccessShareLock on the index from open to the end of the transaction; the slot's row is pinned until the next.
 */
typedef struct Lookup
{
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	int key_count;
} Lookup;

/* A table or index of parley's by its name, AccessShareLock held until the transaction ends; 57P03 without it, as
 * during a bulk load. */
extern Relation parley_relation_open(const char *name);

/* A column's number; fails with 42703 where there is none. */
extern AttrNumber parley_column(Relation table, const char *name);

extern void parley_lookup_open(Lookup *lookup, Relation table, const char *index, int key_count, Snapshot snapshot);
extern void parley_lookup_start(Lookup *lookup, const int64 *keys);

/* The same with conditions of other kinds, as many as it was opened with. */
extern void parley_lookup_start_scan(Lookup *lookup, ScanKey conditions);

/* The next row of the keys into lookup->slot, or, after start, the last and then those before it; false: no more. */
extern bool parley_lookup_next(Lookup *lookup);
extern bool parley_lookup_previous(Lookup *lookup);
extern void parley_lookup_close(Lookup *lookup);

/* The one row of a key. */
static inline bool
parley_lookup_one(Lookup *lookup, int64 key)
{
	parley_lookup_start(lookup, &key);
	return parley_lookup_next(lookup);
}

#endif
