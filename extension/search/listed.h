/*
 * listed.h: which conversations are in a list, whatever of them matches.
 */
#ifndef PARLEY_LISTED_H
#define PARLEY_LISTED_H

#include "postgres.h"

#include "search/scope.h"

/* Whether the conversation in the slot is in the list: whose it is, its case, and what of it is unread. */
extern bool parley_is_listed(Scope *scope, TupleTableSlot *conversation);

#endif
