/*
 * search_runs.c: the messages that the index of grams names, a run of blocks at a time. See search.h.
 *
 * Runs are taken from the end of the table, where the newest messages are, until no run that is left can hold a newer
 * one than is wanted: the BRIN index on their time knows how new a message of each can be.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_am.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/timestamp.h"

#include "index/block_times.h"
#include "search/search.h"

/* What the index is to name at once; in no more runs than this. */
#define CANDIDATES_AT_ONCE 64
#define RUNS_AT_ONCE_MAX 64

/* So many visits to come are worth a look for fewer; and how many messages can be looked up by time at the cost of half
 * a visit. */
#define VISITS_MANY 500
#define NEWER_FOR_VISIT 2

static BlockTimes
block_times(const Search *search)
{
	static const IndexForm form = { "messages_block_times", BRIN_AM_OID, { "created_at" } };
	Relation index = parley_index_open(search->messages, &form, true);
	BlockTimes times = parley_block_times_read(index, RelationGetNumberOfBlocks(search->messages));

	if (index != NULL)
		relation_close(index, NoLock);
	return times;
}

/* How many runs of blocks are read at once: enough to name about as many messages as a page needs, going by what the
 * last ones did, since a term may be frequent in one part of the table and rare in another. */
static BlockNumber
runs_at_once(BlockNumber before, size_t named)
{
	if (named < CANDIDATES_AT_ONCE)
		return Min(2 * before, RUNS_AT_ONCE_MAX);
	return named > 4 * CANDIDATES_AT_ONCE ? Max(before / 4, 1) : before;
}

/* Which runs of blocks: those that may hold a message newer than the cursor, the others, or all. */
typedef enum RunsPart
{
	RUNS_BEFORE_CURSOR,
	RUNS_AFTER_CURSOR,
	RUNS_ALL
} RunsPart;

/* Whether a run is of this part, and may hold a message that is wanted. */
static bool
run_is_due(const Search *search, RunsPart part, const BlockTimes *times, BlockNumber run)
{
	TimestampTz cursor = search->hits.before.at;

	if (part != RUNS_ALL && (times->newest[run] >= cursor) != (part == RUNS_BEFORE_CURSOR))
		return false;
	return times->newest[run] >= search->oldest_wanted && (!search->resumes || times->oldest[run] <= cursor);
}

/* Runs of blocks under way, from the last of the table on. */
typedef struct RunsVisit
{
	Search *search;
	CandidateVisitor visit_message;
	GramScan *scan;
	const BlockTimes *times;
	double per_run; /* about how many messages the index names in each */
	RunsPart part;
	BlockNumber end;     /* runs from here on are done */
	BlockNumber at_once; /* how many are read next */
	double visits_left;  /* how many may still be made */
	bool looked_for_newer, knows_newer;
	Rows newer; /* all that can still be wanted */
} RunsVisit;

/* The first of the runs to read next, without a gap between them; `end` where the one before it is not due. */
static BlockNumber
runs_first(const RunsVisit *runs)
{
	BlockNumber first = runs->end;

	while (first > 0 && runs->end - first < runs->at_once &&
		   run_is_due(runs->search, runs->part, runs->times, first - 1))
		first--;
	return first;
}

/*
 * Where new messages have filled the room of deleted ones, many old runs are due for a few messages each. Then these
 * are looked up by their time, and what else the index names in those runs need not be visited. That takes a
 * quarter of the time of a visit for each, and is left where they are more than twice the visits spared.
 */
static void
runs_look_for_newer(RunsVisit *runs)
{
	const Search *search = runs->search;
	const BlockTimes *times = runs->times;
	BlockNumber due = 0, all_newer = 0;
	double visits, most;

	for (BlockNumber run = 0; run < times->run_count; run++)
	{
		due += run < runs->end && run_is_due(search, runs->part, times, run);
		all_newer += times->oldest[run] >= search->oldest_wanted &&
					 (!parley_search_has_cursor(search) || times->newest[run] <= search->hits.before.at);
	}
	visits = Min(due * runs->per_run, runs->visits_left);
	most = NEWER_FOR_VISIT * visits;
	if (visits < VISITS_MANY || all_newer * parley_table_rows(search->messages) / times->run_count > most)
		return;
	runs->looked_for_newer = true;
	runs->knows_newer = parley_newest_rows(runs->search, search->oldest_wanted, (size_t) most, &runs->newer);
}

/* No message older than the last hit of as many as are wanted is wanted any more. */
static void
runs_bound(RunsVisit *runs)
{
	Position last;

	if (!parley_hits_last_wanted(&runs->search->hits, runs->search->oldest_wanted, &last))
		return;
	runs->search->oldest_wanted = last.at;
	if (!runs->looked_for_newer)
		runs_look_for_newer(runs);
}

/* What the index names in the runs from the first one to the end, and may be wanted. */
static Rows
runs_read(RunsVisit *runs, BlockNumber first)
{
	BlockNumber block = first * runs->times->blocks_per_run;
	BlockNumber last = (BlockNumber) Min((uint64) runs->end * runs->times->blocks_per_run, MaxBlockNumber) - 1;
	size_t newer = parley_rows_before(runs->newer.rows, runs->newer.count, parley_block_place(block));
	size_t newer_end = parley_rows_before(runs->newer.rows, runs->newer.count, parley_block_place(last + 1));
	Rows some;

	if (runs->knows_newer && newer == newer_end)
		return (Rows){ 0 };
	some = parley_gram_scan_read(runs->scan, block, last);
	if (runs->knows_newer)
		parley_rows_keep(&some, runs->newer.rows + newer, newer_end - newer);
	return some;
}

/*
 * Visits what the index names, some runs of blocks at a time from the last, until as many as are wanted are found, and
 * then only what may hold a newer message than the last of these hits. The last hit is looked for where it would pay:
 * not after every message found. It only ever becomes newer, but for conversations that turn out to have been shown
 * before the cursor; so runs before the cursor are all visited.
 */
static void
runs_visit(RunsVisit *runs, RunsPart part)
{
	Search *search = runs->search;
	CandidateVisit visit = parley_search_visit_begin(search, search->messages, runs->visit_message);
	int64 visited_since = PG_INT64_MAX / 2;

	runs->part = part;
	runs->end = runs->times->run_count;
	runs->at_once = 1;
	search->oldest_wanted = DT_NOBEGIN;
	while (runs->end > 0 && runs->visits_left > 0 && search->asking_budget >= 0)
	{
		BlockNumber first;
		Rows some;

		CHECK_FOR_INTERRUPTS();
		if (part != RUNS_BEFORE_CURSOR && visited_since > hash_get_num_entries(search->hits.table) / 8)
		{
			visited_since = 0;
			runs_bound(runs);
		}
		first = runs_first(runs);
		if (first == runs->end)
		{
			runs->end--;
			continue;
		}
		some = runs_read(runs, first);
		if (some.count > 0)
			parley_search_visit(&visit, some.rows, some.count);
		runs->end = first;
		runs->at_once = runs_at_once(runs->at_once, some.count);
		search->message_trace.candidates += some.count;
		visited_since += some.count;
		runs->visits_left -= some.count;
	}
	parley_search_visit_end(&visit);
}

bool
parley_runs_visit(Search *search, StreamPlan *plan, double visits_max, CandidateVisitor visit_message)
{
	GramScan scan;
	BlockTimes times;
	RunsVisit runs = { search, visit_message, &scan, &times, .visits_left = visits_max };

	parley_gram_scan_begin(&scan, plan->index, 1, &plan->clues, search->snapshot);
	if (parley_gram_scan_is_empty(&scan))
		return true;
	times = block_times(search);
	runs.per_run = (Max(plan->clues.rows, 0) + scan.known.count) / Max(times.run_count, 1);
	if (parley_search_has_cursor(search) && !search->resumes)
	{
		runs_visit(&runs, RUNS_BEFORE_CURSOR);
		runs_visit(&runs, RUNS_AFTER_CURSOR);
	}
	else
		runs_visit(&runs, RUNS_ALL);
	return runs.visits_left > 0 && search->asking_budget >= 0;
}
