/*
 * listed.h: decides which conversations are in a list, whether or not they match.
 */
#ifndef PARLEY_LISTED_H
#define PARLEY_LISTED_H

#include "postgres.h"

#include "search/scope.h"

/* Returns whether the conversation in the slot is in the list, judging by its members, its case, and its unread
 * messages. */
extern bool parley_is_listed(Scope *scope, TupleTableSlot *conversation);

#endif
