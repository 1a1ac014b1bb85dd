/*
 * chosen.h: lists that are a matter of few conversations, which an index names: a user's own, those that one sender is
 * a member of, those with a label, an assignee, a status, or with unread messages.
 */
#ifndef PARLEY_CHOSEN_H
#define PARLEY_CHOSEN_H

#include "postgres.h"

#include "search/hits.h"

/*
 * Meets all conversations of the list, if an index knows at most `most` that may be in it: then the hits are closed.
 * Otherwise, of an operator's list of what is open, those alone that parley_latest_next() would not find.
 */
extern void parley_chosen_meet(Hits *hits, int64 most);

#endif
