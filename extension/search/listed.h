/*
 * listed.h: decides which conversations are in a list, whether or not they match, by their members, cases and unread
 * messages.
 */
#ifndef PARLEY_LISTED_H
#define PARLEY_LISTED_H

#include "postgres.h"

#include "search/scope.h"

/* Returns whether the conversation in the slot is in the list, judging by its members, its case, and its unread
 * messages. knows_case: its case is known to be as the filter asks for. */
extern bool parley_is_listed(Scope *scope, TupleTableSlot *conversation, bool knows_case);

/* Counts the messages of others after the read horizon as parley.count_unread() does, but no more than `most`. */
extern int64 parley_count_unread(Scope *scope, TupleTableSlot *conversation, int64 most);

/* Returns the status of the case in scope->case_of.slot as parley.case_state() does: if a snooze has ended, it is open.
 */
extern StatusFilter parley_case_status(Scope *scope);

#endif
