/*
 * posting_list.c: see posting_list.h. The page layout is described in PostgreSQL's src/backend/access/gin/README.
 *
 * Share-locks one page of the index at a time, or two while it steps right, and holds no page lock when it returns.
 * Concurrent changes are handled as in GIN's own scans. If a page was split or deleted after we read its address, we
 * step right. A deleted page is not recycled while our snapshot is held. On a standby, however, the primary does not
 * know about that snapshot and may recycle the page. We notice if it is then no longer a page of a posting tree, and
 * fail with 40001, so that the search is repeated.
 *
 * Pages are locked for microseconds only, and queries can be cancelled in between.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"

#include "compat.h"
#include "index/posting_list.h"

#define EVERYWHERE UINT64_MAX

static PostingList
posting_list_of_entry(GinState *state, OffsetNumber column, IndexTuple entry, bool with_rows)
{
	PostingList list = { .root = InvalidBlockNumber, .until = EVERYWHERE };

	if (GinIsPostingTree(entry))
	{
		list.root = GinGetPostingTree(entry);
		list.until = 0;
	}
	else if (with_rows && GinGetNPosting(entry) > 0)
		list.rows = compat_gin_entry_rows(state, column, entry, &list.count);
	else
		list.count = GinGetNPosting(entry);
	return list;
}

void
parley_posting_lists_add(PostingLists *lists, GinState *state, OffsetNumber column, const GramRange *range, Gram from,
						 size_t keys_max, bool with_rows, Snapshot snapshot)
{
	GinBtreeData entries;
	GinBtreeStack *stack;
	GinNullCategory category;
	size_t looked_at = 0;
	Gram gram;

	CHECK_FOR_INTERRUPTS();
	stack = compat_gin_entry_find(&entries, state, column, Int64GetDatum(from), snapshot);
	for (OffsetNumber offset = stack->off;; offset++)
	{
		Page page = BufferGetPage(stack->buffer);
		IndexTuple entry;

		if (offset > PageGetMaxOffsetNumber(page))
		{
			if (GinPageRightMost(page))
				break;
			stack->buffer = compat_gin_step_right(stack->buffer, state->index);
			stack->blkno = BufferGetBlockNumber(stack->buffer);
			offset = InvalidOffsetNumber;
			continue;
		}
		entry = (IndexTuple) PageGetItem(page, PageGetItemId(page, offset));
		if (compat_gin_entry_column(state, entry) != column)
			break;
		/* The last key of a column can be the placeholder that GIN stores for texts without grams. */
		gram = DatumGetInt64(compat_gin_entry_key(state, entry, &category));
		if (category != GIN_CAT_NORM_KEY || gram > range->high)
			break;
		if (looked_at++ == keys_max)
		{
			lists->is_whole = false;
			lists->next = gram;
			break;
		}
		if (!parley_gram_in_range(gram, range))
			continue;
		if (lists->count == 0)
			lists->lists = palloc(sizeof(PostingList));
		else if ((lists->count & (lists->count - 1)) == 0)
			lists->lists = repalloc(lists->lists, 2 * lists->count * sizeof(PostingList));
		lists->lists[lists->count++] = posting_list_of_entry(state, column, entry, with_rows);
	}
	compat_gin_entry_release(stack);
}

/* The result of a descent of a posting tree. */
typedef struct Descent
{
	Buffer buffer;  /* the leaf, pinned and locked */
	RowPlace after; /* in a descent to a place: the leaf has all rows after this, up to its right bound */
	double leaves;  /* in a descent through the middle: the estimated number of leaves */
} Descent;

/* Returns the child to which the place belongs, and advances *after to where the children before it end. */
static BlockNumber
child_of(Page page, RowPlace place, RowPlace *after)
{
	OffsetNumber low = FirstOffsetNumber;
	OffsetNumber high = GinPageGetOpaque(page)->maxoff;

	while (low < high)
	{
		OffsetNumber middle = low + (high - low) / 2;

		if (place > parley_row_place(&GinDataPageGetPostingItem(page, middle)->key))
			low = middle + 1;
		else
			high = middle;
	}
	if (low > FirstOffsetNumber)
		*after = Max(*after, parley_row_place(&GinDataPageGetPostingItem(page, low - 1)->key));
	return PostingItemGetBlockNumber(GinDataPageGetPostingItem(page, low));
}

/* Returns whether we have to step right from this page. */
static bool
page_is_passed(Page page, const RowPlace *place)
{
	if (GinPageIsDeleted(page))
		return true;
	if (place != NULL)
		return *place > parley_row_place(GinDataPageGetRightBound(page));
	return GinPageIsLeaf(page) && GinDataLeafPageIsEmpty(page);
}

/* Returns the page in the buffer. Fails if it is not a page of a posting tree. */
static Page
posting_page(Relation index, Buffer buffer)
{
	Page page = BufferGetPage(buffer);

	if (!PageIsNew(page) && GinPageIsData(page) && (GinPageIsCompressed(page) || !GinPageIsLeaf(page)))
		return page;
	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("page %u of index \"%s\" was recycled while it was being looked up",
							   BufferGetBlockNumber(buffer), RelationGetRelationName(index)),
						errhint("Repeat the search.")));
	ereport(ERROR, (errcode(ERRCODE_INDEX_CORRUPTED),
					errmsg("page %u of index \"%s\" does not belong to a posting tree", BufferGetBlockNumber(buffer),
						   RelationGetRelationName(index)),
					errhint("Please REINDEX it.")));
}

/* Descends to the leaf to which the place belongs, or, if that is NULL, to a leaf in the middle that is not empty. */
static Descent
posting_tree_descend(Relation index, BlockNumber root, const RowPlace *place, Snapshot snapshot)
{
	Descent descent = { ReadBuffer(index, root), .leaves = 1 };

	for (;;)
	{
		Page page;
		BlockNumber child;

		CHECK_FOR_INTERRUPTS();
		LockBuffer(descent.buffer, GIN_SHARE);
		for (page = posting_page(index, descent.buffer); !GinPageRightMost(page) && page_is_passed(page, place);
			 page = posting_page(index, descent.buffer))
		{
			if (place != NULL && !GinPageIsDeleted(page))
				descent.after = Max(descent.after, parley_row_place(GinDataPageGetRightBound(page)));
			descent.buffer = compat_gin_step_right(descent.buffer, index);
		}
		compat_test_for_old_snapshot(snapshot, index, page);
		if (GinPageIsLeaf(page))
			return descent;
		descent.leaves *= GinPageGetOpaque(page)->maxoff;
		if (place != NULL)
			child = child_of(page, *place, &descent.after);
		else
			child =
				PostingItemGetBlockNumber(GinDataPageGetPostingItem(page, (GinPageGetOpaque(page)->maxoff + 1) / 2));
		LockBuffer(descent.buffer, GIN_UNLOCK);
		descent.buffer = ReleaseAndReadBuffer(descent.buffer, index, child);
	}
}

/*
 * Estimates the number of rows: the number of leaves according to a descent through the middle, times the rows of the
 * leaf there, extrapolated from its first segment. The leftmost leaf would be as easy to find, but VACUUM never removes
 * it, so it may be empty if old rows were deleted.
 */
static double
posting_tree_size(Relation index, BlockNumber root, Snapshot snapshot)
{
	Descent middle = posting_tree_descend(index, root, NULL, snapshot);
	Page leaf = BufferGetPage(middle.buffer);
	Size bytes = GinDataLeafPageGetPostingListSize(leaf);
	GinPostingList *segment = GinDataLeafPageGetPostingList(leaf);
	double rows = 0;
	int count;

	if (bytes > 0)
	{
		pfree(compat_gin_segment_rows(segment, &count));
		rows = middle.leaves * count * bytes / SizeOfGinPostingList(segment);
	}
	UnlockReleaseBuffer(middle.buffer);
	return rows;
}

double
parley_posting_lists_size(const PostingLists *lists, Relation index, Snapshot snapshot)
{
	double rows = 0;

	for (size_t i = 0; i < lists->count; i++)
		rows += BlockNumberIsValid(lists->lists[i].root) ? posting_tree_size(index, lists->lists[i].root, snapshot)
														 : lists->lists[i].count;
	return rows;
}

/* In the leaf to which `until` belongs, decodes the segments that may have rows after `after`, and sets the list to
 * what they span. */
static void
leaf_decode(PostingList *list, Relation index, RowPlace after, RowPlace until, Snapshot snapshot)
{
	Descent found = posting_tree_descend(index, list->root, &until, snapshot);
	Page page = BufferGetPage(found.buffer);
	GinPostingList *first = GinDataLeafPageGetPostingList(page);
	char *end = (char *) first + GinDataLeafPageGetPostingListSize(page);

	list->after = found.after;
	list->until = GinPageRightMost(page) ? EVERYWHERE : parley_row_place(GinDataPageGetRightBound(page));
	for (GinPostingList *segment = GinNextPostingListSegment(first); (char *) segment < end;
		 segment = GinNextPostingListSegment(segment))
	{
		RowPlace start = parley_row_place(&segment->first);

		if (start > until)
		{
			list->until = start - 1;
			end = (char *) segment;
		}
		else if (start <= after + 1)
		{
			first = segment;
			list->after = start - 1;
		}
	}
	if ((char *) first < end)
		list->rows = compat_gin_segments_rows(first, (int) (end - (char *) first), &list->count);
	UnlockReleaseBuffer(found.buffer);
}

void
parley_posting_list_collect(PostingList *list, Relation index, Snapshot snapshot, TIDBitmap *bitmap)
{
	if (!BlockNumberIsValid(list->root))
	{
		tbm_add_tuples(bitmap, list->rows, list->count, false);
		return;
	}
	for (RowPlace until = EVERYWHERE; until > 0;)
	{
		PostingList leaf = { .root = list->root };

		leaf_decode(&leaf, index, 0, until, snapshot);
		if (leaf.rows != NULL)
		{
			tbm_add_tuples(bitmap, leaf.rows, leaf.count, false);
			pfree(leaf.rows);
		}
		until = leaf.after;
	}
}

/* Decodes all rows after `after`, up to and including `until`, which may take several leaves. */
static void
posting_list_decode(PostingList *list, Relation index, RowPlace after, RowPlace until, Snapshot snapshot)
{
	PostingList whole = { .root = list->root };

	if (list->rows != NULL)
		pfree(list->rows);
	for (;;)
	{
		PostingList part = { .root = list->root };

		leaf_decode(&part, index, after, until, snapshot);
		if (whole.until == 0)
			whole = part;
		else
		{
			/*
			 * If a page was deleted between two descents, the leaves may overlap. Rows that were added to the stretch
			 * since the first descent are newer than the snapshot, so it does not matter whether we have them once,
			 * twice or not at all.
			 */
			while (part.count > 0 && parley_row_place(&part.rows[part.count - 1]) > whole.after)
				part.count--;
			if (part.count > 0)
			{
				part.rows = repalloc(part.rows, (part.count + whole.count) * sizeof(ItemPointerData) + 1);
				memcpy(part.rows + part.count, whole.rows, whole.count * sizeof(ItemPointerData));
				whole.rows = part.rows;
				whole.count += part.count;
			}
			whole.after = part.after;
		}
		if (whole.after <= after)
			break;
		until = whole.after;
	}
	*list = whole;
}

size_t
parley_posting_list_read(PostingList *list, Relation index, RowPlace after, RowPlace until, Snapshot snapshot,
						 const ItemPointerData **rows)
{
	size_t skipped, end;

	if (after < list->after || until > list->until)
		posting_list_decode(list, index, after, until, snapshot);
	end = parley_rows_before(list->rows, list->count, until + 1);
	skipped = parley_rows_before(list->rows, end, after + 1);
	*rows = list->rows + skipped;
	return end - skipped;
}
