/*
 * message_stream.h: the conversations in which a message contains the term, each at its newest such message.
 *
 * There are three paths. A walk visits messages newest first, and ends soon if the term is very frequent. The index of
 * grams returns the messages that may contain the term, and runs.h visits as few of them as possible. If a user has few
 * messages, all of them are read.
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
	Relation index; /* NULL if it cannot be used */
	ClueSet clues;
	double share;      /* share of all messages that may match according to their time */
	double table_rows; /* estimated number of these */
	double walk_rows;  /* number of messages that a walk is expected to visit */
	double cost;       /* of the cheaper path */
	bool prefers_walk;
	bool prefers_rows; /* to visit only those candidates that are in the list's conversations, which are all known */
	bool must_walk;    /* a message may match by its contact's name alone, which the index does not contain */

	/* The position. */
	Naming naming;       /* whether to check a conversation's contact as soon as one of its messages is met */
	bool from_cursor;    /* read messages from the cursor on, and ask conversations whether they have a newer match */
	int64 asking_budget; /* number of messages that may still be read for that; negative if they were not enough */
	Rows rows;           /* if prefers_rows and the index was used: these candidates */
	Runs runs;
	StreamTrace trace;
} MessageStream;

extern void parley_message_stream_plan(MessageStream *stream, Hits *hits);

/*
 * Runs the stream, which leaves all of its conversations that are wanted in the hits. contacts_are_met says that all
 * conversations whose contact contains the term are in the hits already. Returns an estimate of how many messages are
 * newer than the last hit wanted, or a negative number if not all wanted were found.
 */
extern double parley_message_stream_run(MessageStream *stream, bool contacts_are_met);

#endif
