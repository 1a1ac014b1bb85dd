/*
 * pending_list.c: see pending_list.h.
 *
 * We share-lock each page of the list before we release the one before it, so that no page can be deleted in between. A
 * cleanup of the list waits meanwhile. Queries cannot be cancelled while they hold a page lock, so if an interrupt is
 * pending we release the page and process it. If the query survives that, we read the list again from the start.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/bufmgr.h"

#include "compat.h"
#include "index/pending_list.h"

/* The row being read. Its grams are consecutive in the list, but can span several pages. */
typedef struct PendingRow
{
	ItemPointerData row;
	uint64 answered; /* one bit per clue that the row has */
} PendingRow;

static void
pending_row_end(const PendingRow *row, size_t clue_count, Rows *found)
{
	if (row->answered == (UINT64_C(1) << clue_count) - 1)
		parley_rows_add(found, &row->row, 1);
}

static void
pending_page_read(GinState *state, OffsetNumber column, Page page, const GramClue *clues, size_t clue_count,
				  PendingRow *row, Rows *found)
{
	OffsetNumber last = PageGetMaxOffsetNumber(page);

	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
	{
		IndexTuple entry = (IndexTuple) PageGetItem(page, PageGetItemId(page, offset));
		GinNullCategory category;
		Gram gram;

		if (parley_row_place(&row->row) != parley_row_place(&entry->t_tid))
		{
			pending_row_end(row, clue_count, found);
			*row = (PendingRow){ .row = entry->t_tid };
		}
		if (compat_gin_entry_column(state, entry) != column)
			continue;
		gram = DatumGetInt64(compat_gin_entry_key(state, entry, &category));
		for (size_t i = 0; i < clue_count && category == GIN_CAT_NORM_KEY; i++)
			for (int j = 0; j < clues[i].range_count; j++)
				if (parley_gram_in_range(gram, &clues[i].ranges[j]))
					row->answered |= UINT64_C(1) << i;
	}
}

/* Returns the first page of the list, share-locked, or InvalidBuffer if the list is empty. */
static Buffer
pending_list_lock(Relation index, Snapshot snapshot)
{
	Buffer meta = ReadBuffer(index, GIN_METAPAGE_BLKNO);
	Buffer first = InvalidBuffer;
	BlockNumber head;

	LockBuffer(meta, GIN_SHARE);
	compat_test_for_old_snapshot(snapshot, index, BufferGetPage(meta));
	head = GinPageGetMeta(BufferGetPage(meta))->head;
	if (BlockNumberIsValid(head))
	{
		first = ReadBuffer(index, head);
		LockBuffer(first, GIN_SHARE);
	}
	UnlockReleaseBuffer(meta);
	return first;
}

/* Returns false if it stopped because an interrupt is pending. */
static bool
pending_list_read(GinState *state, OffsetNumber column, const GramClue *clues, size_t clue_count, Snapshot snapshot,
				  Rows *found)
{
	PendingRow row = { .answered = 0 };
	Buffer buffer = pending_list_lock(state->index, snapshot);

	ItemPointerSetInvalid(&row.row);
	while (BufferIsValid(buffer))
	{
		BlockNumber next;
		Buffer following = InvalidBuffer;

		if (INTERRUPTS_PENDING_CONDITION())
		{
			UnlockReleaseBuffer(buffer);
			return false;
		}
		pending_page_read(state, column, BufferGetPage(buffer), clues, clue_count, &row, found);
		next = GinPageGetOpaque(BufferGetPage(buffer))->rightlink;
		if (BlockNumberIsValid(next))
		{
			following = ReadBuffer(state->index, next);
			LockBuffer(following, GIN_SHARE);
		}
		UnlockReleaseBuffer(buffer);
		buffer = following;
	}
	pending_row_end(&row, clue_count, found);
	return true;
}

Rows
parley_pending_rows(GinState *state, OffsetNumber column, const GramClue *clues, size_t clue_count, Snapshot snapshot)
{
	Rows found = { 0 };

	Assert(clue_count > 0 && clue_count < 64);
	do
	{
		CHECK_FOR_INTERRUPTS();
		found.count = 0;
	} while (!pending_list_read(state, column, clues, clue_count, snapshot, &found));
	parley_rows_sort(&found, 0);
	return found;
}
