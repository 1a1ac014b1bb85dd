/*
 * visit.h: reads the rows of a table that an index has returned; what the steps of a search cost; and what its streams
 * did.
 */
#ifndef PARLEY_VISIT_H
#define PARLEY_VISIT_H

#include "postgres.h"

#include "access/tableam.h"
#include "executor/tuptable.h"
#include "portability/instr_time.h"
#include "utils/rel.h"

#include "index/rows.h"

/* Costs, as multiples of a message visited in a walk. They were measured, see docs/search.md. */
#define COST_INDEX_BEGIN 300.0 /* before it returns the first message */
#define COST_MESSAGE_WALKED 1.0
#define COST_MESSAGE_VISITED 2.0
#define COST_WALKED_PAST 0.2  /* a message walked whose conversation is known not to be in the list */
#define COST_VISITED_PAST 0.7 /* same for a message visited */
#define COST_CONVERSATION_WALKED 8.0
#define COST_CONVERSATION_READ 8.0   /* before its first message */
#define COST_CONVERSATION_LISTED 2.0 /* to look up the rows of its messages, before the first */
#define COST_ROW_LISTED 0.05         /* to look up the row of a message, there or in the index of grams */
#define COST_CONTACT_VISITED 12.0
#define COST_CONTACT_ASKED 4.0 /* to look at the contact of a conversation */
#define COST_CONTACT_READ 30.0 /* including reading its conversations for their newest match */

/* Looks at a row that the snapshot sees. Returns false if no more need be visited. */
typedef bool (*RowVisitor)(void *visitor_state, TupleTableSlot *row);

/* Returns whether to look at rows with this key at all. */
typedef bool (*KeyVisitor)(void *visitor_state, int64 key);

typedef struct Visit
{
	Snapshot snapshot;
	RowVisitor visitor;
	void *visitor_state;
	KeyVisitor key_visitor; /* if given, it is asked before a row is read, which takes most of the time of a visit */
	AttrNumber key;         /* a column of type bigint that all versions of a row in one place share */
	IndexFetchTableData *fetch;
	TupleTableSlot *slot;
} Visit;

extern Visit parley_visit_begin(Relation table, Snapshot snapshot, RowVisitor visitor, void *visitor_state);

/* Calls the visitor for the rows, from the last to the first. Returns false if the visitor needs no more. */
extern bool parley_visit_rows(const Visit *visit, const ItemPointerData *rows, size_t count);
extern void parley_visit_end(Visit *visit);

/* What a stream did, for parley.explain_search(). */
typedef struct StreamTrace
{
	const char *path;
	double estimate;  /* number of rows that may match, estimated from the index; negative if it has no estimate */
	int64 walked;     /* rows visited newest first, or from the cursor */
	int64 candidates; /* rows that the index returned */
	int64 visited;    /* those of them that were looked at */
	double milliseconds;
} StreamTrace;

extern instr_time parley_trace_begin(void);
extern void parley_trace_end(StreamTrace *trace, instr_time began);

#endif
