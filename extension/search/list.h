/*
 * list.h: a page of a list of recent conversations, whole or as far as a term matches.
 *
 * A page is the rows after a position: (time of the message, conversation), newest first. One row more than the page is
 * read, which tells whether there is a next one.
 */
#ifndef PARLEY_LIST_H
#define PARLEY_LIST_H

#include "postgres.h"

#include "fmgr.h"

#include "search/contact_stream.h"
#include "search/message_stream.h"

typedef struct Listing
{
	Filter filter;
	Position before; /* rows strictly older than this */
	int64 skip;
	int64 page_size;
	bool counted;
} Listing;

/* The arguments that every list has, from the first on: term, page, page size, cursor, count; and those that
 * parley_filter_read() reads. user_id NULL: the operator's. 22023 for a cursor that is none of this list's, or with a
 * page. */
extern Listing parley_listing_read(FunctionCallInfo fcinfo, int first, int first_condition, const int64 *user_id);

/* The hits of a page, with a filter that is not empty, and one more if there is a next page, in the current context;
 * *total with a count. The streams are left with what they did. */
extern Hit *parley_listing_find(const Listing *listing, MessageStream *messages, ContactStream *contacts, int64 *count,
								int64 *total);

#endif
