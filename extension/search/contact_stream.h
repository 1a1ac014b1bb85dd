/*
 * contact_stream.h: the conversations whose contact has the term, each at its newest message.
 *
 * Two paths, as with messages: a walk passes the conversations from the one with the newest message on and looks at
 * their contacts; or the index of grams names the contacts that may have the term, and their conversations are looked
 * up. A user's conversations have all been met when the search began, and there is nothing left to do.
 */
#ifndef PARLEY_CONTACT_STREAM_H
#define PARLEY_CONTACT_STREAM_H

#include "postgres.h"

#include "index/gram_index.h"
#include "search/hits.h"
#include "search/visit.h"

/* The columns of conversations that name a contact. */
#define CONTACT_COLUMNS 3

typedef struct ContactStream
{
	Scope *scope;
	Hits *hits;

	/* The plan. */
	Relation index; /* NULL: it cannot be used */
	ClueSet clues;  /* of names and phones */
	ClueSet digits; /* of phones' digits, if the term is such */
	double matches; /* contacts that may have the term; negative: it cannot tell */
	double walk_rows;
	double cost; /* of the way preferred */

	/* Where it is. */
	Lookup of_contact[CONTACT_COLUMNS]; /* conversations by each, while the index's contacts are visited */
	StreamTrace trace;
} ContactStream;

extern void parley_contact_stream_plan(ContactStream *stream, Hits *hits);

/*
 * Leaves in hits all that is wanted of it. newer_messages: as parley_message_stream_run() returned; negative: it has
 * not run. Returns whether all conversations whose contact has the term are in hits.
 */
extern bool parley_contact_stream_run(ContactStream *stream, double newer_messages);

/* Ends one that is planned and need not run. */
extern void parley_contact_stream_end(ContactStream *stream);

#endif
