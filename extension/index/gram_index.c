/*
 * gram_index.c: see gram_index.h.
 *
 * The only lock taken here is the predicate lock of a serializable transaction. It covers the whole index: an insert
 * into the pending list checks for it before anything else. posting_list.c and pending_list.c lock pages.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "pgstat.h"
#include "storage/predicate.h"
#include "utils/memutils.h"

#include "compat.h"
#include "index/gram_index.h"
#include "index/pending_list.h"

/* ROWS_FEW: with this few rows left, reading another list does not pay. SHARE_USELESS: a clue that occurs in more than
 * this share of all rows is not worth reading. SHARE_DEPENDENT: how much likelier two clues of a term are to occur
 * together than by chance. ROWS_FOR_VISIT: how many rows of a list can be read in the time of one visit to the table.
 */
#define ROWS_FEW 300
#define SHARE_USELESS 0.1
#define SHARE_DEPENDENT 4
#define ROWS_FOR_VISIT 100

/* A clue with more keys than this is not read list by list. A single letter, whose clue has three ranges, always has
 * more. */
#define KEYS_MAX 1000
#define RANGES_MAX 2

/* How many blocks of the table parley_gram_index_ask() handles at a time. */
#define BLOCKS_AT_ONCE 2048

/* Returns the posting lists of a clue in the columns from `first` to `last`. */
static PostingLists
clue_lists(GinState *state, OffsetNumber first, OffsetNumber last, const GramClue *clue, bool with_rows,
		   Snapshot snapshot)
{
	PostingLists lists = { .is_whole = clue->range_count <= RANGES_MAX };

	for (OffsetNumber column = first; column <= last && lists.is_whole; column++)
		for (int i = 0; i < clue->range_count && lists.is_whole; i++)
			parley_posting_lists_add(&lists, state, column, &clue->ranges[i], clue->ranges[i].low, KEYS_MAX, with_rows,
									 snapshot);
	return lists;
}

/* Adds a clue to the set if it is among the rarest so far, keeping the set in order of rows. Ignores duplicates. */
static void
clue_set_add(ClueSet *set, double *rows, const GramClue *clue, double clue_rows)
{
	size_t place = set->count;

	for (size_t i = 0; i < set->count; i++)
		if (memcmp(&set->clues[i], clue, sizeof(*clue)) == 0)
			return;
	while (place > 0 && rows[place - 1] > clue_rows)
		place--;
	if (place >= CLUES_ASKED_MAX)
		return;
	if (set->count < CLUES_ASKED_MAX)
		set->count++;
	for (size_t i = set->count - 1; i > place; i--)
	{
		set->clues[i] = set->clues[i - 1];
		rows[i] = rows[i - 1];
	}
	set->clues[place] = *clue;
	rows[place] = clue_rows;
}

ClueSet
parley_gram_index_choose(Relation index, AttrNumber first, AttrNumber last, const Folded *term, double table_rows,
						 Snapshot snapshot)
{
	ClueSet set = { .rows = -1 };
	GramClue clues[CLUES_MAX];
	const GramClue *vague = NULL;
	double rows[CLUES_ASKED_MAX];
	GinState state;
	size_t count = index == NULL ? 0 : parley_clues_of_folded(term, clues, CLUES_MAX);

	if (count == 0)
		return set;
	compat_gin_state_init(&state, index);
	for (size_t i = 0; i < count; i++)
	{
		PostingLists lists = clue_lists(&state, first, last, &clues[i], false, snapshot);

		if (lists.is_whole)
			clue_set_add(&set, rows, &clues[i], parley_posting_lists_size(&lists, index, snapshot));
		else
			vague = &clues[i];
	}
	if (set.count > 0)
	{
		double left = rows[0];
		size_t worth = 1;

		/*
		 * After the rarest, another clue is worth reading as long as many rows are left to visit, the clue does not
		 * occur in too many rows of the table, and reading its list is faster than visiting the rows that are left.
		 */
		for (; worth < set.count && left > ROWS_FEW && rows[worth] < table_rows * SHARE_USELESS &&
			   rows[worth] < left * ROWS_FOR_VISIT;
			 worth++)
			left *= Min(1.0, SHARE_DEPENDENT * rows[worth] / table_rows);
		set.rows = rows[0];
		set.count = worth;
	}
	else if (vague != NULL)
	{
		set.clues[0] = *vague;
		set.count = 1;
	}
	return set;
}

static Rows
bitmap_rows(TIDBitmap *bitmap)
{
	Rows found = { 0 };
	CompatBitmapIterator *iterator = compat_bitmap_iterate_begin(bitmap);
	OffsetNumber offsets[MaxHeapTuplesPerPage];
	BlockNumber block;

	for (int count; (count = compat_bitmap_iterate(iterator, &block, offsets)) != -2;)
		for (int i = 0; i < (count == -1 ? 1 : count); i++)
		{
			ItemPointerData row;

			ItemPointerSet(&row, block, count == -1 ? InvalidOffsetNumber : offsets[i]);
			parley_rows_add(&found, &row, 1);
		}
	compat_bitmap_iterate_end(iterator);
	return found;
}

/* Adds the rows of all keys of a range to the bitmap, KEYS_MAX keys at a time to bound memory. */
static void
range_collect(GramScan *scan, GinState *state, OffsetNumber column, const GramRange *range, TIDBitmap *bitmap)
{
	MemoryContext some_lists = AllocSetContextCreate(CurrentMemoryContext, "posting lists", ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(some_lists);
	PostingLists lists = { .next = range->low };

	do
	{
		MemoryContextReset(some_lists);
		lists = (PostingLists){ .is_whole = true, .next = lists.next };
		parley_posting_lists_add(&lists, state, column, range, lists.next, KEYS_MAX, true, scan->snapshot);
		for (size_t i = 0; i < lists.count; i++)
			parley_posting_list_collect(&lists.lists[i], scan->index, scan->snapshot, bitmap);
	} while (!lists.is_whole);
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(some_lists);
}

/* Collects all rows that have every clue, however many keys the clues have. The bitmaps stay within work_mem by
 * becoming lossy. */
static void
scan_collect(GramScan *scan, GinState *state, OffsetNumber column, const ClueSet *clues)
{
	TIDBitmap *all = NULL;
	Rows listed;

	for (size_t i = 0; i < clues->count; i++)
	{
		TIDBitmap *some = tbm_create(work_mem * (Size) 1024, NULL);

		for (int j = 0; j < clues->clues[i].range_count; j++)
			range_collect(scan, state, column, &clues->clues[i].ranges[j], some);
		if (all != NULL)
		{
			tbm_intersect(all, some);
			tbm_free(some);
		}
		else
			all = some;
	}
	listed = bitmap_rows(all);
	tbm_free(all);
	parley_rows_add(&scan->known, listed.rows, listed.count);
	parley_rows_sort(&scan->known, 0);
}

void
parley_gram_scan_begin(GramScan *scan, Relation index, AttrNumber column, const ClueSet *clues, Snapshot snapshot)
{
	GinState state;
	bool is_whole = clues->rows >= 0;

	Assert(clues->count > 0);
	*scan = (GramScan){ .index = index, .snapshot = snapshot };
	PredicateLockRelation(index, snapshot);
	pgstat_count_index_scan(index);
	compat_gin_state_init(&state, index);
	scan->known = parley_pending_rows(&state, column, clues->clues, clues->count, snapshot);
	for (size_t i = 0; i < clues->count && is_whole; i++)
	{
		scan->lists[i] = clue_lists(&state, column, column, &clues->clues[i], true, snapshot);
		is_whole = scan->lists[i].is_whole;
	}
	if (is_whole)
		scan->clue_count = clues->count;
	else
		scan_collect(scan, &state, column, clues);
}

Rows
parley_gram_index_ask(Relation index, AttrNumber column, const ClueSet *clues, BlockNumber blocks, Snapshot snapshot)
{
	Rows all = { 0 };
	GramScan scan;

	parley_gram_scan_begin(&scan, index, column, clues, snapshot);
	for (BlockNumber first = 0; first < blocks; first += Min(BLOCKS_AT_ONCE, blocks - first))
	{
		Rows some = parley_gram_scan_read(&scan, first, first + Min(BLOCKS_AT_ONCE, blocks - first) - 1);

		CHECK_FOR_INTERRUPTS();
		parley_rows_add(&all, some.rows, some.count);
	}
	parley_rows_unite(&all);
	return all;
}

/* Appends the rows of the stretch that are in any of the lists, ascending. */
static void
lists_unite(GramScan *scan, PostingLists *lists, RowPlace after, RowPlace until)
{
	size_t begin = scan->found.count;
	size_t contributing = 0;

	for (size_t i = 0; i < lists->count; i++)
	{
		const ItemPointerData *rows;
		size_t count = parley_posting_list_read(&lists->lists[i], scan->index, after, until, scan->snapshot, &rows);

		parley_rows_add(&scan->found, rows, count);
		contributing += count > 0;
	}
	if (contributing > 1)
		parley_rows_sort(&scan->found, begin);
}

Rows
parley_gram_scan_read(GramScan *scan, BlockNumber first, BlockNumber last)
{
	RowPlace after = parley_block_place(first);
	RowPlace until = parley_block_place(last + 1);
	size_t known = parley_rows_before(scan->known.rows, scan->known.count, after);
	size_t known_end = parley_rows_before(scan->known.rows, scan->known.count, until);

	scan->found.count = 0;
	for (size_t i = 0; i < scan->clue_count && (i == 0 || scan->found.count > 0); i++)
	{
		size_t count = scan->found.count;

		lists_unite(scan, &scan->lists[i], after, until);
		if (i > 0)
		{
			size_t others = scan->found.count - count;

			scan->found.count = count;
			parley_rows_keep(&scan->found, scan->found.rows + count, others);
		}
	}
	if (known_end > known)
	{
		parley_rows_add(&scan->found, scan->known.rows + known, known_end - known);
		parley_rows_sort(&scan->found, 0);
	}
	return (Rows){ scan->found.rows, scan->found.count };
}
