/*
 * gram_index.c: see gram_index.h.
 *
 * Estimating reads GIN's own pages, as GIN does when it begins a scan: one share lock at a time, released before the
 * next.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/gin_private.h"
#include "access/relscan.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"

#include "gram_index.h"

/* Rows that are not worth another list; the share of rows beyond which a list tells nothing; how much likelier two
 * clues of one term are together than by chance. */
#define ROWS_FEW 300
#define SHARE_USELESS 0.1
#define SHARE_DEPENDENT 4

/* A vague clue, the alternative to single characters, is worth its many lists where each of those is in more rows than
 * this. */
#define ROWS_VAGUE 20000

/* About how many rows a posting tree holds: its leaves as far as the descent tells, times what the first one holds. */
static double
posting_tree_rows(Relation index, BlockNumber root, Snapshot snapshot)
{
	GinBtreeData tree;
	GinBtreeStack *stack = ginScanBeginPostingTree(&tree, index, root, snapshot);
	ItemPointerData from_first;
	int count;
	double rows;

	ItemPointerSetMin(&from_first);
	pfree(GinDataLeafPageGetItems(BufferGetPage(stack->buffer), &count, from_first));
	rows = (double) stack->predictNumber * count;
	UnlockReleaseBuffer(stack->buffer);
	stack->buffer = InvalidBuffer;
	freeGinBtreeStack(stack);
	return rows;
}

static double
gram_rows(GinState *state, OffsetNumber column, Gram gram, Snapshot snapshot)
{
	GinBtreeData entries;
	GinBtreeStack *stack;
	double rows = 0;
	BlockNumber posting_tree = InvalidBlockNumber;

	ginPrepareEntryScan(&entries, column, Int64GetDatum(gram), GIN_CAT_NORM_KEY, state);
	stack = ginFindLeafPage(&entries, true, false, snapshot);
	if (entries.findItem(&entries, stack))
	{
		Page page = BufferGetPage(stack->buffer);
		IndexTuple entry = (IndexTuple) PageGetItem(page, PageGetItemId(page, stack->off));

		if (GinIsPostingTree(entry))
			posting_tree = GinGetPostingTree(entry);
		else
			rows = GinGetNPosting(entry);
	}
	LockBuffer(stack->buffer, GIN_UNLOCK);
	freeGinBtreeStack(stack);
	return BlockNumberIsValid(posting_tree) ? posting_tree_rows(state->index, posting_tree, snapshot) : rows;
}

/* Puts an exact clue among the rarest kept so far, in the order of their rows. */
static void
clue_set_add(ClueSet *set, double *rows, const GramClue *clue, double clue_rows)
{
	size_t place = set->count;

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

/*
 * How many of the clues, the rarest first, are worth reading: each costs a look into its list for every row of the
 * first, which pays while many rows are left and the clue is not in most of them anyway.
 */
static size_t
clues_worth(const double *rows, size_t count, double table_rows)
{
	double left = rows[0];
	size_t worth = 1;

	for (; worth < count && left > ROWS_FEW && rows[worth] < table_rows * SHARE_USELESS; worth++)
		left *= Min(1.0, SHARE_DEPENDENT * rows[worth] / table_rows);
	return worth;
}

ClueSet
parley_gram_index_choose(Relation index, int columns, const Folded *term, double table_rows, Snapshot snapshot)
{
	ClueSet set = { .rows = -1 };
	GramClue clues[CLUES_MAX];
	const GramClue *vague = NULL;
	double rows[CLUES_ASKED_MAX];
	GinState state;
	size_t count = parley_clues_of_folded(term, clues, CLUES_MAX);

	initGinState(&state, index);
	for (size_t i = 0; i < count; i++)
	{
		double clue_rows = 0;

		if (!parley_clue_is_exact(&clues[i]))
			vague = &clues[i];
		else
		{
			for (int column = 1; column <= columns; column++)
				clue_rows += gram_rows(&state, column, clues[i].ranges[0].low, snapshot);
			clue_set_add(&set, rows, &clues[i], clue_rows);
		}
	}
	if (set.count > 0)
	{
		set.rows = rows[0];
		set.count = clues_worth(rows, set.count, table_rows);
	}
	if (vague != NULL && (set.count == 0 || set.rows > ROWS_VAGUE))
	{
		set.clues[0] = *vague;
		set.count = 1;
		set.is_vague = true;
	}
	return set;
}

static Candidates
candidates_read(TIDBitmap *bitmap, size_t expected)
{
	Candidates found = { .count = 0 };
	size_t size = expected + 64;
	TBMIterator *iterator = tbm_begin_iterate(bitmap);

	found.rows = MemoryContextAllocHuge(CurrentMemoryContext, size * sizeof(ItemPointerData));
	for (TBMIterateResult *block; (block = tbm_iterate(iterator)) != NULL;)
	{
		size_t here = block->ntuples < 0 ? 1 : block->ntuples;

		if (found.count + here > size)
		{
			size = 2 * size + here;
			found.rows = repalloc_huge(found.rows, size * sizeof(ItemPointerData));
		}
		for (size_t i = 0; i < here; i++)
		{
			ItemPointer row = &found.rows[found.count++];

			ItemPointerSet(row, block->blockno, block->ntuples < 0 ? InvalidOffsetNumber : block->offsets[i]);
		}
	}
	tbm_end_iterate(iterator);
	return found;
}

Candidates
parley_gram_index_ask(Relation index, AttrNumber column, const ClueSet *clues, Snapshot snapshot)
{
	TIDBitmap *bitmap = tbm_create(work_mem * 1024L, NULL);
	IndexScanDesc scan = index_beginscan_bitmap(index, snapshot, 1);
	bytea *query = parley_clues_form(clues->clues, clues->count);
	ScanKeyData key;
	Candidates found;

	ScanKeyEntryInitialize(&key, 0, column, GRAM_HAS_CLUES, InvalidOid, index->rd_indcollation[column - 1], F_BYTEAEQ,
						   PointerGetDatum(query));
	index_rescan(scan, &key, 1, NULL, 0);
	found = candidates_read(bitmap, index_getbitmap(scan, bitmap));
	index_endscan(scan);
	tbm_free(bitmap);
	pfree(query);
	return found;
}
