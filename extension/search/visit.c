/*
 * visit.c: see visit.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "miscadmin.h"

#include "search/visit.h"

Visit
parley_visit_begin(Relation table, Snapshot snapshot, RowVisitor visitor, void *visitor_state)
{
	return (Visit){ snapshot, visitor, visitor_state, table_index_fetch_begin(table), table_slot_create(table, NULL) };
}

void
parley_visit_end(Visit *visit)
{
	table_index_fetch_end(visit->fetch);
	ExecDropSingleTupleTableSlot(visit->slot);
}

static bool
visit_row(const Visit *visit, ItemPointer row)
{
	bool call_again = false;

	return !table_index_fetch_tuple(visit->fetch, row, visit->snapshot, visit->slot, &call_again, NULL) ||
		   visit->visitor(visit->visitor_state, visit->slot);
}

/* Visits all rows of a block. */
static bool
visit_block(const Visit *visit, ItemPointerData row)
{
	for (OffsetNumber offset = FirstOffsetNumber; offset <= MaxHeapTuplesPerPage; offset++)
	{
		ItemPointerSetOffsetNumber(&row, offset);
		if (!visit_row(visit, &row))
			return false;
	}
	return true;
}

bool
parley_visit_rows(const Visit *visit, const ItemPointerData *rows, size_t count)
{
	for (size_t i = count; i-- > 0;)
	{
		ItemPointerData row = rows[i];
		bool is_block = ItemPointerGetOffsetNumberNoCheck(&row) == InvalidOffsetNumber;

		CHECK_FOR_INTERRUPTS();
		if (!(is_block ? visit_block(visit, row) : visit_row(visit, &row)))
			return false;
	}
	return true;
}

instr_time
parley_trace_begin(void)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	return now;
}

void
parley_trace_end(StreamTrace *trace, instr_time began)
{
	instr_time took;

	INSTR_TIME_SET_CURRENT(took);
	INSTR_TIME_SUBTRACT(took, began);
	trace->milliseconds = INSTR_TIME_GET_MILLISEC(took);
}
