/*
 * lookup.h: opens tables and indexes that parley created, and fetches rows by bigint keys. C code does this thousands
 * of times per call; executing a statement each time would cost ten times as much.
 *
 * Close a lookup before the table on which it was opened: an index scan uses the relcache entries of both to the end.
 */
#ifndef PARLEY_LOOKUP_H
#define PARLEY_LOOKUP_H

#include "postgres.h"

#include "access/genam.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#define INDEX_COLUMNS_MAX 4

/*
 * What an index must look like; a static variable. An index that has the name but does not match is not used. Columns
 * and predicate are as PostgreSQL prints them. The operator class is parley.gram_ops for GIN, otherwise the default
 * one.
 */
typedef struct IndexForm
{
	const char *name; /* NULL for the table's primary key, whatever its name */
	Oid access_method;
	const char *columns[INDEX_COLUMNS_MAX]; /* its leading columns, NULL-terminated if fewer than the maximum */
	const char *predicate;                  /* NULL if it is not partial */
	bool is_descending;                     /* applies to each of the columns */
	bool keys_are_fixed;                    /* the keys of a row never change, so no old version had others */
} IndexForm;

/* AccessShareLock on the index is held from open to the end of the transaction. The row in the slot is pinned until the
 * next one is fetched. */
typedef struct Lookup
{
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	int key_count;
} Lookup;

/*
 * Opens one of parley's tables by name. AccessShareLock is held until the end of the transaction. Fails with 42P01 if
 * it does not exist, with 42501 if the user may not read it, and with 0A000 if it is not a plain table, has child
 * tables, or has row security that applies to the user: our callers bypass the executor, so they would ignore the
 * children and the policies.
 */
extern Relation parley_table_open(const char *name);

/* Returns the number of a column. Fails with 42703 if it does not exist, and with 42804 if it has another type. */
extern AttrNumber parley_column(Relation table, const char *name, Oid type);

/* Called once, when the library is loaded. */
extern void parley_lookup_init(void);

/*
 * Opens an index of the table if a query could use it, that is, if it exists, has the form, and is valid.
 * AccessShareLock is held until the end of the transaction. Otherwise returns NULL if missing_ok, or else fails with
 * 57P03. That happens during a bulk load.
 */
extern Relation parley_index_open(Relation table, const IndexForm *form, bool missing_ok);

/* Returns whether parley_table_open() and parley_lookup_open() would succeed. */
extern bool parley_lookup_is_possible(const char *table_name, const IndexForm *form);

/* Opens a lookup, allocated in the current memory context. Fails with 57P03 if the index cannot be used. */
extern void parley_lookup_open(Lookup *lookup, Relation table, const IndexForm *form, int key_count, Snapshot snapshot);

/* Opens table and lookup, or returns NULL where parley_lookup_is_possible() returns false. */
extern Relation parley_lookup_try_open(Lookup *lookup, const char *table_name, const IndexForm *form, int key_count,
									   Snapshot snapshot);

extern void parley_lookup_start(Lookup *lookup, const int64 *keys);

/* Same with other scan keys than equality, as many as key_count. */
extern void parley_lookup_start_scan(Lookup *lookup, ScanKey conditions);

/* Fetch the next or the previous row into lookup->slot; return false if there are no more. The first call after a start
 * of parley_lookup_next() fetches the first row, of parley_lookup_previous() the last. */
extern bool parley_lookup_next(Lookup *lookup);
extern bool parley_lookup_previous(Lookup *lookup);
extern void parley_lookup_close(Lookup *lookup);

/* Fetches the row of a unique key. Returns false if there is none. */
static inline bool
parley_lookup_one(Lookup *lookup, int64 key)
{
	parley_lookup_start(lookup, &key);
	return parley_lookup_next(lookup);
}

#endif
