/*
 * lookup.h: indexes opened as parley made them, and rows of a table by bigint keys of one, for C that does this
 * thousands of times a call, where a statement would cost ten times as much.
 *
 * What is opened here is closed before the table on which it was opened: a scan reads the entries of both in the
 * relation cache to its end.
 */
#ifndef PARLEY_LOOKUP_H
#define PARLEY_LOOKUP_H

#include "postgres.h"

#include "access/genam.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#define INDEX_COLUMNS_MAX 3

/* An index as it was made; what bears its name and is another is not used. */
typedef struct IndexForm
{
	const char *name; /* NULL: the table's primary key, whatever it is called */
	Oid access_method;
	const char *columns[INDEX_COLUMNS_MAX]; /* that it begins with, up to a NULL */
	bool is_descending;                     /* each of the columns */
	bool is_partial;
} IndexForm;

/* Holds AccessShareLock on the index from open to the end of the transaction; the slot's row is pinned until the next.
 */
typedef struct Lookup
{
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	int key_count;
} Lookup;

/*
 * A table of parley's by its name, AccessShareLock held until the transaction ends. 0A000 if it is not a plain table,
 * has others that inherit from it, or policies that hold for its owner too: what reads it below the executor would not
 * know.
 */
extern Relation parley_table_open(const char *name);

/* A column's number; fails with 42703 where there is none, with 42804 where its values are not of the type. */
extern AttrNumber parley_column(Relation table, const char *name, Oid type);

/*
 * An index of the table, AccessShareLock held until the transaction ends, if a query might use it: it is there, as it
 * was made, and valid. Otherwise NULL with missing_ok, or 57P03, as during a bulk load.
 */
extern Relation parley_index_open(Relation table, const IndexForm *form, bool missing_ok);

/* With an index that has to be there. */
extern void parley_lookup_open(Lookup *lookup, Relation table, const IndexForm *form, int key_count, Snapshot snapshot);
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
