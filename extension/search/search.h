/*
 * search.h: one search under way, for the files search*.c alone. docs/search.md has the whole picture.
 *
 * A list is the union of two streams of conversations: those in which a message has the term, each at its newest such
 * message, and those whose contact has it, each at its newest message. Either stream is read by walking from the newest
 * on, or by asking an index of grams, or, for a user with few messages, whole; both fill one table of hits, and each
 * stops where all that is wanted is known to be newer.
 */
#ifndef PARLEY_SEARCH_H
#define PARLEY_SEARCH_H

#include "postgres.h"

#include "portability/instr_time.h"
#include "utils/timestamp.h"

#include "index/gram_index.h"
#include "search/hits.h"
#include "index/lookup.h"
#include "text/matcher.h"

/* The settings parley.search_method, search_walk_budget and search_user_conversations. */
typedef enum SearchMethod
{
	SEARCH_AUTO,
	SEARCH_BY_WALK,
	SEARCH_BY_INDEX
} SearchMethod;

extern int parley_search_method;
extern int parley_search_walk_budget;
extern int parley_search_user_conversations;

/* Defines the settings; once a library load. */
extern void parley_search_init(void);

/* What a stream did: for parley.explain_search(). */
typedef struct StreamTrace
{
	const char *path;
	double estimate;  /* rows that may match, by the index; negative: too many keys to tell */
	int64 walked;     /* rows passed from the newest on, or from the cursor */
	int64 candidates; /* rows that the index named */
	int64 visited;    /* of these, looked at */
	double milliseconds;
} StreamTrace;

typedef struct Search
{
	Snapshot snapshot;
	const text *term;
	Matcher matcher;
	bool is_phone;  /* the term is of digits and what stands between a phone's digits */
	Matcher digits; /* of the term, with is_phone */
	Hits hits;
	bool of_user;   /* the list of user_id alone */
	bool is_closed; /* hits has all conversations of the list already */
	int64 user_id;
	int64 closed_messages; /* with is_closed: how many messages these have */

	Relation messages, conversations, contacts;
	Relation members; /* of_user */
	Lookup conversation_by_id, contact_by_id, member;
	Lookup messages_of;   /* a conversation; with a cursor only */
	Lookup of_contact[3]; /* conversations by each of the columns that name a contact; while search_contacts.c needs
							 them */
	struct
	{
		AttrNumber id, contact_id, low_contact_id, high_contact_id, last_number, last_message_at, is_dated_in_order;
	} conversation;
	struct
	{
		AttrNumber id, name, phone, phone_digits;
	} contact;
	struct
	{
		AttrNumber conversation_id, number, created_at, content;
	} message;

	TimestampTz oldest_wanted; /* of what the index names: nothing older can be wanted any more */
	bool resumes; /* messages are read from the cursor on, and not from the newest; see parley_search_was_shown() */
	int64 asking_budget;   /* how many messages parley_search_was_shown() may still read; negative: they did not do */
	bool asks_contacts;    /* whether a conversation is asked for its contact as soon as a message of it is met */
	double newer_messages; /* about how many are newer than the last hit wanted; negative: not all wanted are found */
	StreamTrace message_trace, contact_trace;
} Search;

/* search_scope.c: which conversations are of the list, and whether their contact has the term. */

/* Begins a search for a term, not empty, in the current context; user NULL: the operator's list. Ends with
 * parley_search_close(). */
extern void parley_search_open(Search *search, const text *term, const int64 *user_id, Position before, int64 wanted);
extern void parley_search_close(Search *search);

/* The conversation's entry, made on the first meeting; NULL: not of this list. */
extern Hit *parley_search_meet(Search *search, int64 conversation_id);

/* Whether what is before a cursor may be left unread, which it may not where all are counted. */
static inline bool
parley_search_has_cursor(const Search *search)
{
	return (search->hits.before.at != DT_NOEND || search->hits.before.conversation_id != PG_INT64_MAX) &&
		   search->hits.wanted != PG_INT64_MAX;
}

/* Whether the conversation has a match that is not after the cursor, so that an earlier page has shown it. Reads its
 * messages from the end, as far as they may be newer and the budget allows. */
extern bool parley_search_was_shown(Search *search, int64 conversation_id);

/* What is known of a conversation's contact: that it has the term; nothing, so it is asked; or it is left to the other
 * stream. */
typedef enum Naming
{
	NAMING_KNOWN,
	NAMING_ASKED,
	NAMING_LATER
} Naming;

/* Meets the conversation in the slot, maybe again. */
extern Hit *parley_search_meet_row(Search *search, TupleTableSlot *conversation, Naming naming);

/* Whether the contact in the slot has the term. */
extern bool parley_contact_has_term(Search *search, TupleTableSlot *contact);

/* Whether the message in the slot has the term. */
extern bool parley_message_has_term(Search *search, TupleTableSlot *message);

/* A bigint column of a slot that is not null; *isnull may be NULL. */
extern int64 parley_slot_int64(TupleTableSlot *slot, AttrNumber column, bool *isnull);

extern const IndexForm parley_messages_key;

/* search_newest.c: messages in the order of their time. */

/* Starts a look-up by an index that begins with a time, newest first: at the cursor if it was opened for one condition,
 * at the newest if for none. */
extern void parley_newest_start(const Search *search, Lookup *newest);

/* From the newest on, or from the cursor on; read by parley_newest_next(), closed as any lookup. */
extern void parley_newest_open(const Search *search, bool from_cursor, Lookup *newest);

/* The next message's row, of which the snapshot may not know, and what its entry says; NULL: no more. */
extern ItemPointer parley_newest_next(const Lookup *newest, Position *position, int64 *number);

/* The rows of all messages dated `since` or later, and not before the cursor, palloc'd, as they lie in the table;
 * false, and none, where they are more than `most`. */
extern bool parley_newest_rows(Search *search, TimestampTz since, size_t most, Rows *newer);

/* search_messages.c, search_contacts.c: the two streams. Each leaves in hits all that is wanted of it. */

typedef struct StreamPlan
{
	ClueSet clues;
	ClueSet digits; /* of contacts alone: what the index of phone_digits is asked for */
	Relation index;
	double rows;      /* of the table */
	double walk_rows; /* how many rows a walk is likely to pass */
	double cost;      /* of the way preferred */
	bool prefers_walk;
} StreamPlan;

extern const IndexForm parley_messages_grams;
extern StreamPlan parley_search_plan_messages(Search *search);
extern void parley_search_messages(Search *search, StreamPlan *plan);
extern StreamPlan parley_search_plan_contacts(Search *search);
extern void parley_search_contacts(Search *search, StreamPlan *plan);

/* Costs, as multiples of a message passed in a walk; measured, see docs/search.md. */
#define COST_INDEX_BEGIN 300.0 /* before it names the first message */
#define COST_MESSAGE_WALKED 1.0
#define COST_MESSAGE_VISITED 2.0
#define COST_CONVERSATION_WALKED 8.0
#define COST_CONTACT_VISITED 12.0

/* Reads candidates from a table. */
typedef void (*CandidateVisitor)(Search *search, TupleTableSlot *slot);
typedef struct CandidateVisit
{
	Search *search;
	CandidateVisitor visit;
	struct IndexFetchTableData *fetch;
	TupleTableSlot *slot;
} CandidateVisit;

/* Calls the visitor for each of the rows that the snapshot sees, from the last to the first. */
extern CandidateVisit parley_search_visit_begin(Search *search, Relation table, CandidateVisitor visit);
extern void parley_search_visit(const CandidateVisit *visit, const ItemPointerData *rows, size_t count);
extern void parley_search_visit_end(CandidateVisit *visit);

/* search_runs.c: visits the messages that the index names, in whatever order, until all that is wanted is found; false:
 * more than visits_max would have been needed. */
extern bool parley_runs_visit(Search *search, StreamPlan *plan, double visits_max, CandidateVisitor visit_message);

/* Times what a stream does. */
extern instr_time parley_trace_begin(void);
extern void parley_trace_end(StreamTrace *trace, instr_time began);

/* About how many rows a table has. */
extern double parley_table_rows(Relation table);

#endif
