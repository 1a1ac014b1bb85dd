/*
 * chosen.h: lists that consist of few conversations, which an index can find: a user's own conversations, those of
 * which one sender is a member, those with a label, an assignee or a status, or with unread messages.
 */
#ifndef PARLEY_CHOSEN_H
#define PARLEY_CHOSEN_H

#include "postgres.h"

#include "search/contact_stream.h"
#include "search/hits.h"

/*
 * Enters all conversations of the list into the hits and closes the hits, if an index knows that there are at most
 * `most` candidates. Otherwise, for an operator's list of open conversations, enters only those that
 * parley_latest_next() would not find.
 */
extern void parley_chosen_meet(Hits *hits, ContactStream *contacts, int64 most);

#endif
