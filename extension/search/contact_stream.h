/*
 * contact_stream.h: the conversations whose contact contains the term, each at its newest message.
 *
 * There are two paths, as for messages. A walk visits conversations, the one with the newest message first, and looks
 * at their contacts. Or the index of grams returns the contacts that may contain the term, and their conversations are
 * looked up. A user's conversations were all entered when the search began, so there is nothing left to do for them.
 */
#ifndef PARLEY_CONTACT_STREAM_H
#define PARLEY_CONTACT_STREAM_H

#include "postgres.h"

#include "index/gram_index.h"
#include "search/hits.h"
#include "search/visit.h"

/* The columns of conversations that refer to a contact. */
#define CONTACT_COLUMNS 3

typedef struct ContactStream
{
	Scope *scope;
	Hits *hits;

	/* The plan. */
	Relation index; /* NULL if it cannot be used */
	ClueSet clues;  /* for names and phones */
	ClueSet digits; /* for the digits of phones, if the term consists of digits */
	double matches; /* estimated number of contacts that may contain the term; negative if unknown */
	double walk_rows;
	double cost; /* of the cheaper path */

	/* The position. */
	Lookup
		of_contact[CONTACT_COLUMNS]; /* conversations by each column, while the contacts from the index are visited */
	StreamTrace trace;
} ContactStream;

extern void parley_contact_stream_plan(ContactStream *stream, Hits *hits);

/* Returns whether it is less work to find the contacts by the index than to ask so many conversations for theirs. */
extern bool parley_contact_stream_prefers_index(const ContactStream *stream, int64 conversations);

/* Finds by the index which of the conversations in the hits have a contact that contains the term, before the stream
 * runs. */
extern void parley_contact_stream_name(ContactStream *stream);

/*
 * Runs the stream, which leaves all of its conversations that are wanted in the hits. newer_messages is the result of
 * parley_message_stream_run(), or negative if that has not run. Returns whether all conversations whose contact
 * contains the term are in the hits.
 */
extern bool parley_contact_stream_run(ContactStream *stream, double newer_messages);

/* Ends a stream that was planned but need not run. */
extern void parley_contact_stream_end(ContactStream *stream);

#endif
