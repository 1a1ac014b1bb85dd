/*
 * runs.h: the messages that the index of grams names, a run of blocks at a time.
 *
 * Runs are taken from the end of the table, where the newest messages are, until no run that is left can have a newer
 * one than is wanted: the BRIN index on their time knows how new a message of each can be.
 */
#ifndef PARLEY_RUNS_H
#define PARLEY_RUNS_H

#include "postgres.h"

#include "index/block_times.h"
#include "index/gram_index.h"
#include "search/hits.h"
#include "search/visit.h"

/* Which runs of blocks: those that may have a message newer than the cursor, the others, or all. */
typedef enum RunsPart
{
	RUNS_BEFORE_CURSOR,
	RUNS_AFTER_CURSOR,
	RUNS_ALL
} RunsPart;

typedef struct Runs
{
	Hits *hits;
	Relation index;
	const ClueSet *clues;
	RowVisitor visitor; /* sees messages, and enters what it finds in hits */
	void *visitor_state;
	StreamTrace *trace;
	bool from_cursor;          /* what is before the cursor is not looked for */
	double visits_left;        /* how many may be made */
	TimestampTz oldest_wanted; /* the visitor may leave what is older */

	/* Where the visits are. */
	GramScan scan;
	BlockTimes times;
	double per_run; /* about how many messages the index names in each */
	RunsPart part;
	BlockNumber end;     /* runs from here on are done */
	BlockNumber at_once; /* how many are read next */
	bool looked_for_newer, knows_newer;
	Rows newer; /* with knows_newer: all that can still be wanted */
} Runs;

/* Visits messages, in whatever order, until all that is wanted is found; false: more visits would have been needed than
 * are left, or the visitor has stopped. */
extern bool parley_runs_visit(Runs *runs);

/* About what part of all messages may match by their time. */
extern double parley_runs_share(const Scope *scope);

#endif
