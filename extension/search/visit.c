/*
 * visit.c: see visit.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "miscadmin.h"

#include "compat.h"
#include "search/visit.h"

/* The rows of an index are all over the table, and to read one takes several accesses to memory that is in no cache,
 * each of which needs the one before: the buffer table, the buffer, its page, the place of the row, the row. So we
 * begin with some rows in advance. More pins than these few would take PostgreSQL more time to count. */
#define PAGES_AHEAD 4
#define ROWS_AHEAD 2
#define CACHE_LINE 64
#define ROW_LINES 3

/* Where blocks were found last. */
#define BUFFERS_KNOWN 65536

Visit
parley_visit_begin(Relation table, Snapshot snapshot, RowVisitor visitor, void *visitor_state)
{
	return (Visit){ .snapshot = snapshot,
					.visitor = visitor,
					.visitor_state = visitor_state,
					.fetch = table_index_fetch_begin(table),
					.slot = table_slot_create(table, NULL) };
}

void
parley_visit_end(Visit *visit)
{
	table_index_fetch_end(visit->fetch);
	ExecDropSingleTupleTableSlot(visit->slot);
}

/* Reads the key of a row, or of an older version of it, which has the same, from the page that is pinned. Returns false
 * if the row is not in its place. */
static bool
visit_read_key(const Visit *visit, const ItemPointerData *row, int64 *key)
{
	Buffer buffer = compat_heap_fetch_buffer(visit->fetch);
	Page page = BufferGetPage(buffer);
	OffsetNumber offset = ItemPointerGetOffsetNumberNoCheck(row);
	ItemId item = PageGetItemId(page, offset);
	bool isnull = true;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	if (offset <= PageGetMaxOffsetNumber(page) && ItemIdIsNormal(item))
	{
		HeapTupleData tuple = { .t_data = (HeapTupleHeader) PageGetItem(page, item), .t_len = ItemIdGetLength(item) };

		*key = DatumGetInt64(heap_getattr(&tuple, visit->key, RelationGetDescr(visit->fetch->rel), &isnull));
	}
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	return !isnull;
}

static bool
visit_row(const Visit *visit, ItemPointer row)
{
	bool call_again = false;
	int64 key = 0;

	if (visit->key_visitor != NULL && visit_read_key(visit, row, &key) &&
		!visit->key_visitor(visit->visitor_state, key))
		return true;
	return !table_index_fetch_tuple(visit->fetch, row, visit->snapshot, visit->slot, &call_again, NULL) ||
		   visit->visitor(visit->visitor_state, visit->slot);
}

static Buffer
block_pin(Relation table, BlockNumber block)
{
	static Buffer known[BUFFERS_KNOWN];
	Buffer *buffer = &known[block % BUFFERS_KNOWN];

	/* Only looking a block up tells the buffer manager that it is in use. */
	if (!BufferIsValid(*buffer) || !compat_buffer_was_used(*buffer) ||
		!compat_read_recent_buffer(table, block, *buffer))
		*buffer = ReadBuffer(table, block);
	return *buffer;
}

static ItemId
row_item(Buffer buffer, const ItemPointerData *row)
{
	/* A row without an offset stands for its whole block. */
	return PageGetItemId(BufferGetPage(buffer), Max(ItemPointerGetOffsetNumberNoCheck(row), FirstOffsetNumber));
}

/* Pins the page of a row, and lets it be fetched from memory. */
static Buffer
page_begin(const Visit *visit, const ItemPointerData *row)
{
	Buffer buffer = block_pin(visit->fetch->rel, ItemPointerGetBlockNumberNoCheck(row));

	__builtin_prefetch(BufferGetPage(buffer));
	__builtin_prefetch(row_item(buffer, row));
	return buffer;
}

/* Lets the beginning of a row be fetched from memory. The page is not locked, so its place may be wrong, which does no
 * harm. */
static void
row_begin(Buffer buffer, const ItemPointerData *row)
{
	const char *at = BufferGetPage(buffer) + ItemIdGetOffset(row_item(buffer, row));

	for (int line = 0; line < ROW_LINES; line++)
		__builtin_prefetch(at + line * CACHE_LINE);
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
	const ItemPointerData *last = count == 0 ? NULL : rows + count - 1;
	Buffer buffers[PAGES_AHEAD];
	size_t begun = 0, visited = 0;
	bool goes_on = true;

	while (visited < count && goes_on)
	{
		ItemPointerData row = rows[count - 1 - visited];
		bool is_block = ItemPointerGetOffsetNumberNoCheck(&row) == InvalidOffsetNumber;

		CHECK_FOR_INTERRUPTS();
		for (; begun < Min(visited + PAGES_AHEAD, count); begun++)
			buffers[begun % PAGES_AHEAD] = page_begin(visit, last - begun);
		if (visited + ROWS_AHEAD < count)
			row_begin(buffers[(visited + ROWS_AHEAD) % PAGES_AHEAD], last - visited - ROWS_AHEAD);
		compat_heap_fetch_take(visit->fetch, buffers[visited++ % PAGES_AHEAD]);
		goes_on = is_block ? visit_block(visit, row) : visit_row(visit, &row);
	}
	for (; visited < begun; visited++)
		ReleaseBuffer(buffers[visited % PAGES_AHEAD]);
	return goes_on;
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
