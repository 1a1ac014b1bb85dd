/*
 * runs.c: see runs.h.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_am.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"

#include "search/newest.h"
#include "search/runs.h"

/* How many candidates to read from the index at once; but from no more than this many runs; and how many times as many
 * of both before a cursor. */
#define CANDIDATES_AT_ONCE 64
#define RUNS_AT_ONCE_MAX 64
#define BEFORE_CURSOR_TIMES 4

/* VISITS_MANY: if this many visits are due, it is worth trying to reduce them. NEWER_FOR_VISIT: how many messages can
 * be looked up by time in half the time of a visit. */
#define VISITS_MANY 500
#define NEWER_FOR_VISIT 2

static BlockTimes
block_times(const Scope *scope)
{
	static const IndexForm form = { "messages_block_times", BRIN_AM_OID, { "created_at" } };
	Relation index = parley_index_open(scope->messages, &form, true);
	BlockTimes times = parley_block_times_read(index, RelationGetNumberOfBlocks(scope->messages));

	if (index != NULL)
		relation_close(index, NoLock);
	return times;
}

/* Returns whether a run is in this part, and may contain a message that is wanted. */
static bool
run_is_due(const Runs *runs, BlockNumber run)
{
	const BlockTimes *times = &runs->times;
	const Filter *filter = &runs->hits->scope->filter;
	TimestampTz cursor = runs->hits->scope->before.at;

	if (runs->part != RUNS_ALL && (times->newest[run] >= cursor) != (runs->part == RUNS_BEFORE_CURSOR))
		return false;
	return times->newest[run] >= Max(runs->oldest_wanted, filter->from) && times->oldest[run] <= filter->to &&
		   (!runs->from_cursor || times->oldest[run] <= cursor);
}

/* Returns the first of the runs to read next, which are contiguous. */
static BlockNumber
runs_first(const Runs *runs)
{
	BlockNumber first = runs->end;

	while (first > 0 && runs->end - first < runs->at_once && run_is_due(runs, first - 1))
		first--;
	return first;
}

/*
 * If new messages have filled the space of deleted ones, many old runs are due because of a few messages each. Then
 * these messages are looked up by their time, and other candidates in those runs need not be visited. A lookup takes a
 * quarter of the time of a visit, so this is done only if there are no more than twice as many messages as visits
 * saved.
 */
static void
runs_look_for_newer(Runs *runs)
{
	const Scope *scope = runs->hits->scope;
	const BlockTimes *times = &runs->times;
	BlockNumber due = 0, all_newer = 0;
	double visits, most;

	for (BlockNumber run = 0; run < times->run_count; run++)
	{
		due += run < runs->end && run_is_due(runs, run);
		all_newer += times->oldest[run] >= runs->oldest_wanted &&
					 (!parley_scope_has_cursor(scope) || times->newest[run] <= scope->before.at);
	}
	visits = Min(due * runs->per_run, runs->visits_left);
	most = NEWER_FOR_VISIT * visits;
	if (visits < VISITS_MANY || all_newer * parley_table_rows(scope->messages) / times->run_count > most)
		return;
	runs->looked_for_newer = true;
	runs->knows_newer =
		parley_newest_rows(scope, runs->oldest_wanted, (size_t) most, &runs->newer, &runs->trace->walked);
}

/* Returns those of the rows that are in the blocks. */
static Rows
rows_between(const Rows *rows, BlockNumber first, BlockNumber last)
{
	size_t begin = parley_rows_before(rows->rows, rows->count, parley_block_place(first));
	size_t end = parley_rows_before(rows->rows, rows->count, parley_block_place(last + 1));

	return begin < end ? (Rows){ rows->rows + begin, end - begin } : (Rows){ 0 };
}

/* Returns the candidates in the runs from the first one to the end that may be wanted. */
static Rows
runs_read(Runs *runs, BlockNumber first)
{
	BlockNumber block = first * runs->times.blocks_per_run;
	BlockNumber last = (BlockNumber) Min((uint64) runs->end * runs->times.blocks_per_run, MaxBlockNumber) - 1;
	Rows newer = rows_between(&runs->newer, block, last);
	Rows some;

	if (runs->candidates != NULL)
		return rows_between(runs->candidates, block, last);
	if (runs->knows_newer && newer.count == 0)
		return (Rows){ 0 };
	some = parley_gram_scan_read(&runs->scan, block, last);
	if (runs->knows_newer)
		parley_rows_keep(&some, newer.rows, newer.count);
	return some;
}

/* Returns how many runs to read at once: enough for about as many candidates as a page needs, judging by the last runs,
 * because a term may be frequent in one part of the table and rare in another. What is before the cursor is all needed,
 * so more of it is read at once. */
static BlockNumber
runs_at_once(const Runs *runs, size_t named)
{
	uint32 times = runs->part == RUNS_BEFORE_CURSOR ? BEFORE_CURSOR_TIMES : 1;

	if (named < CANDIDATES_AT_ONCE * times)
		return Min(2 * runs->at_once, RUNS_AT_ONCE_MAX * times);
	return named > 4 * CANDIDATES_AT_ONCE * times ? Max(runs->at_once / 4, 1) : runs->at_once;
}

/* Returns how many candidates to visit before it pays off to look for the last hit, which reads all hits. If all
 * conversations of the list are known, most candidates are passed, and most hits are still without a match. */
static int64
runs_before_bound(const Runs *runs)
{
	return hash_get_num_entries(runs->hits->table) / (runs->hits->is_closed ? 2 : 8);
}

/* Once there are as many hits as are wanted, messages older than the last of them are not wanted any more. */
static void
runs_bound(Runs *runs)
{
	Position last;

	if (!parley_hits_last_wanted(runs->hits, runs->oldest_wanted, &last))
		return;
	runs->oldest_wanted = last.at;
	if (runs->candidates == NULL && !runs->looked_for_newer)
		runs_look_for_newer(runs);
}

/*
 * Visits the candidates in a part, several runs of blocks at a time, starting at the end, until as many as are wanted
 * are found, and after that only those that may have a newer message than the last of these hits. We do not look for
 * the last hit after every message, but only when it pays off. It only ever becomes newer, except that conversations
 * may turn out to have been shown before the cursor; so runs before the cursor are all visited.
 */
static bool
runs_visit_part(Runs *runs, RunsPart part)
{
	Visit visit = parley_visit_begin(runs->hits->scope->messages, runs->hits->scope->snapshot, runs->visitor,
									 runs->visitor_state);
	int64 visited_since = PG_INT64_MAX / 2;
	bool goes_on = true;

	visit.key_visitor = runs->key_visitor;
	visit.key = runs->hits->scope->message.conversation_id;
	runs->part = part;
	runs->end = runs->times.run_count;
	runs->at_once = 1;
	runs->oldest_wanted = DT_NOBEGIN;
	while (runs->end > 0 && runs->visits_left > 0 && goes_on)
	{
		BlockNumber first;
		Rows some;

		CHECK_FOR_INTERRUPTS();
		if (part != RUNS_BEFORE_CURSOR && visited_since > runs_before_bound(runs))
		{
			visited_since = 0;
			runs_bound(runs);
		}
		while (runs->end > 0 && !run_is_due(runs, runs->end - 1))
			runs->end--;
		if (runs->end == 0)
			break;
		first = runs_first(runs);
		some = runs_read(runs, first);
		goes_on = some.count == 0 || parley_visit_rows(&visit, some.rows, some.count);
		runs->end = first;
		runs->at_once = runs_at_once(runs, some.count);
		runs->trace->candidates += some.count;
		visited_since += some.count;
		runs->visits_left -= some.count;
	}
	parley_visit_end(&visit);
	return goes_on && runs->visits_left > 0;
}

double
parley_runs_share(const Scope *scope)
{
	BlockTimes times;
	double due = 0;

	if (scope->filter.from == DT_NOBEGIN && scope->filter.to == DT_NOEND)
		return 1;
	times = block_times(scope);
	for (BlockNumber run = 0; run < times.run_count; run++)
		due += times.newest[run] >= scope->filter.from && times.oldest[run] <= scope->filter.to;
	return Max(due, 1) / Max(times.run_count, 1);
}

bool
parley_runs_visit(Runs *runs)
{
	const Scope *scope = runs->hits->scope;

	if (runs->candidates == NULL)
		parley_gram_scan_begin(&runs->scan, runs->index, 1, runs->clues, scope->snapshot);
	if (runs->candidates == NULL ? parley_gram_scan_is_empty(&runs->scan) : runs->candidates->count == 0)
		return true;
	runs->times = block_times(scope);
	runs->per_run = (Max(runs->clues->rows, 0) + runs->scan.known.count) / Max(runs->times.run_count, 1);
	if (!parley_scope_has_cursor(scope) || runs->from_cursor)
		return runs_visit_part(runs, RUNS_ALL);
	return runs_visit_part(runs, RUNS_BEFORE_CURSOR) && runs_visit_part(runs, RUNS_AFTER_CURSOR);
}
