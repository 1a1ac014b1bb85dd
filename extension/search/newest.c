/*
 * newest.c: see newest.h.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "catalog/pg_am.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "search/newest.h"

static const IndexForm messages_newest = {
	"messages_newest", BTREE_AM_OID, { "created_at", "conversation_id", "number" }, .is_descending = true
};

void
parley_newest_open(const Scope *scope, bool from_cursor, Lookup *newest)
{
	TimestampTz first = from_cursor ? Min(scope->before.at, scope->filter.to) : scope->filter.to;
	ScanKeyData until_first;

	parley_lookup_open(newest, scope->messages, &messages_newest, first != DT_NOEND ? 1 : 0, scope->snapshot);
	newest->scan->xs_want_itup = true;
	ScanKeyInit(&until_first, 1, BTLessEqualStrategyNumber, F_TIMESTAMPTZ_LE, TimestampTzGetDatum(first));
	parley_lookup_start_scan(newest, &until_first);
}

ItemPointer
parley_newest_next(const Lookup *newest, Position *position, int64 *number)
{
	IndexScanDesc scan = newest->scan;
	ItemPointer row = index_getnext_tid(scan, ForwardScanDirection);
	bool isnull;

	if (row != NULL)
	{
		position->at = DatumGetTimestampTz(index_getattr(scan->xs_itup, 1, scan->xs_itupdesc, &isnull));
		position->conversation_id = DatumGetInt64(index_getattr(scan->xs_itup, 2, scan->xs_itupdesc, &isnull));
		*number = DatumGetInt64(index_getattr(scan->xs_itup, 3, scan->xs_itupdesc, &isnull));
	}
	return row;
}

bool
parley_newest_rows(const Scope *scope, TimestampTz since, size_t most, Rows *newer, int64 *walked)
{
	Lookup newest;
	bool is_all = false;
	ItemPointer row;
	Position here;
	int64 number;

	*newer = (Rows){ 0 };
	parley_newest_open(scope, parley_scope_has_cursor(scope), &newest);
	while (!is_all && newer->count <= most)
	{
		CHECK_FOR_INTERRUPTS();
		row = parley_newest_next(&newest, &here, &number);
		is_all = row == NULL || here.at < Max(since, scope->filter.from);
		if (!is_all)
			parley_rows_add(newer, row, 1);
	}
	parley_lookup_close(&newest);
	*walked += newer->count;
	if (is_all)
		parley_rows_sort(newer, 0);
	else
	{
		pfree(newer->rows);
		*newer = (Rows){ 0 };
	}
	return is_all;
}
