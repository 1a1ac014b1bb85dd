/*
 * listing.h: what is asked for: a page of a list of recent conversations, all of them or those that match a term.
 *
 * A page consists of the rows after a position, which is (time of the message, conversation), newest first. We read one
 * row more than the page has, to find out whether there is a next page.
 */
#ifndef PARLEY_LISTING_H
#define PARLEY_LISTING_H

#include "postgres.h"

#include "fmgr.h"

#include "search/contact_stream.h"
#include "search/message_stream.h"

typedef struct Listing
{
	Filter filter;
	Position before; /* only rows strictly older than this */
	int64 skip;
	int64 page_size;
	bool counted;
} Listing;

/* Reads the arguments that all lists have, from the first on: term, page, page size, cursor, count; and those of
 * parley_filter_read(). If user_id is NULL, it is the operator's list. Fails with 22023 if the cursor does not belong
 * to this list, or is given with a page. */
extern Listing parley_listing_read(FunctionCallInfo fcinfo, int first, int first_condition, const int64 *user_id);

/* Returns the cursor after a row at this position. */
extern text *parley_listing_cursor(const Listing *listing, Position position);

/* Returns the hits of a page, with a filter that is not empty, and one more if there is a next page, in the current
 * memory context. Sets *total if a count is wanted. The streams contain what they did. Opens the scope, which the
 * caller must close. */
extern Hit *parley_listing_find(const Listing *listing, Scope *scope, MessageStream *messages, ContactStream *contacts,
								int64 *count, int64 *total);

#endif
