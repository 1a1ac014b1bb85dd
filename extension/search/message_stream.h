/*
 * message_stream.h: the conversations in which a message has the term, each at its newest such message.
 *
 * Three paths. A walk passes the messages from the newest on, which ends soon if the term is very frequent. The index
 * of grams names the messages that may have the term, and runs.h visits as few of them as will do. A user with few
 * messages has them all read.
 */
#ifndef PARLEY_MESSAGE_STREAM_H
#define PARLEY_MESSAGE_STREAM_H

#include "postgres.h"

#include "search/hits.h"
#include "search/runs.h"
#include "search/visit.h"

typedef struct MessageStream
{
	Scope *scope;
	Hits *hits;

	/* The plan. */
	Relation index; /* NULL: it cannot be used */
	ClueSet clues;
	double share;      /* what part of all messages may match by their time */
	double table_rows; /* about how many these are */
	double walk_rows;  /* how many messages a walk is likely to pass */
	double cost;       /* of the way preferred */
	bool prefers_walk;
	bool must_walk; /* a message may match by its contact's name alone, which the index does not know */

	/* Where it is. */
	Naming naming; /* whether a conversation is asked for its contact as soon as a message of it is met */
	bool
		from_cursor; /* messages are read from the cursor on, and conversations asked whether they have a newer match */
	int64 asking_budget; /* how many messages they may still be asked for; negative: they did not do */
	Runs runs;
	StreamTrace trace;
} MessageStream;

extern void parley_message_stream_plan(MessageStream *stream, Hits *hits);

/*
 * Leaves in hits all that is wanted of it. contacts_are_met: all conversations whose contact has the term are in hits
 * already. Returns about how many messages are newer than the last hit wanted; negative: not all wanted are found.
 */
extern double parley_message_stream_run(MessageStream *stream, bool contacts_are_met);

#endif
