/*
 * runs.h: visits the candidates from the index of grams, one run of blocks at a time.
 *
 * Runs are taken from the end of the table, where the newest messages are, until no remaining run can contain a message
 * that is newer than what is wanted: the BRIN index on the time knows how new the messages of each run can be.
 */
#ifndef PARLEY_RUNS_H
#define PARLEY_RUNS_H

#include "postgres.h"

#include "index/block_times.h"
#include "index/gram_index.h"
#include "search/hits.h"
#include "search/visit.h"

/* Which runs of blocks: those that may contain a message newer than the cursor, the others, or all. */
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
	RowVisitor visitor;     /* looks at messages, and enters what it finds into the hits */
	KeyVisitor key_visitor; /* returns whether to look at messages of a conversation */
	void *visitor_state;
	StreamTrace *trace;
	const Rows *candidates;    /* all of them that are wanted, in physical order, or NULL to read them from the index */
	bool from_cursor;          /* do not look for what is before the cursor */
	double visits_left;        /* number of visits still allowed */
	TimestampTz oldest_wanted; /* the visitor may ignore what is older */

	/* The position of the visits. */
	GramScan scan;
	BlockTimes times;
	double per_run; /* estimated number of candidates per run */
	RunsPart part;
	BlockNumber end;     /* the runs from here on are done */
	BlockNumber at_once; /* number of runs to read next */
	bool looked_for_newer, knows_newer;
	Rows newer; /* if knows_newer: all messages that can still be wanted */
} Runs;

/* Visits messages, in any order, until everything wanted is found. Returns false if more visits would have been needed
 * than were allowed, or if the visitor has stopped. */
extern bool parley_runs_visit(Runs *runs);

/* Estimates the share of all messages that may match according to their time. */
extern double parley_runs_share(const Scope *scope);

#endif
