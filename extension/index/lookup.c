/*
 * lookup.c: see lookup.h.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "utils/fmgroids.h"

#include "index/lookup.h"

Relation
parley_relation_open(const char *name)
{
	Oid oid = RangeVarGetRelid(makeRangeVar("parley", (char *) name, -1), AccessShareLock, true);

	if (!OidIsValid(oid))
		ereport(ERROR, (errcode(ERRCODE_CANNOT_CONNECT_NOW), errmsg("search lacks parley.%s", name),
						errhint("Call parley.finish_bulk_load() where a load was left unfinished.")));
	return relation_open(oid, NoLock);
}

AttrNumber
parley_column(Relation table, const char *name)
{
	int number = SPI_fnumber(RelationGetDescr(table), name);

	if (number <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of \"%s\" does not exist", name, RelationGetRelationName(table))));
	return number;
}

void
parley_lookup_open(Lookup *lookup, Relation table, const char *index, int key_count, Snapshot snapshot)
{
	lookup->index = parley_relation_open(index);
	lookup->key_count = key_count;
	lookup->scan = index_beginscan(table, lookup->index, snapshot, key_count, 0);
	lookup->slot = table_slot_create(table, NULL);
}

void
parley_lookup_start(Lookup *lookup, const int64 *keys)
{
	ScanKeyData scan_keys[2];

	for (int i = 0; i < lookup->key_count; i++)
		ScanKeyInit(&scan_keys[i], i + 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(keys[i]));
	parley_lookup_start_scan(lookup, scan_keys);
}

void
parley_lookup_start_scan(Lookup *lookup, ScanKey conditions)
{
	index_rescan(lookup->scan, conditions, lookup->key_count, NULL, 0);
}

bool
parley_lookup_next(Lookup *lookup)
{
	return index_getnext_slot(lookup->scan, ForwardScanDirection, lookup->slot);
}

bool
parley_lookup_previous(Lookup *lookup)
{
	return index_getnext_slot(lookup->scan, BackwardScanDirection, lookup->slot);
}

void
parley_lookup_close(Lookup *lookup)
{
	ExecDropSingleTupleTableSlot(lookup->slot);
	index_endscan(lookup->scan);
	relation_close(lookup->index, NoLock);
}
