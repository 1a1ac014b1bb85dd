/*
 * latest.h: conversations in the order of the list, the one with the newest message first. If the filter asks for open
 * or unread conversations, it returns only candidates, from the index conversations_by_case.
 */
#ifndef PARLEY_LATEST_H
#define PARLEY_LATEST_H

#include "postgres.h"

#include "index/lookup.h"
#include "search/scope.h"

/* Settled or not, times possibly unread or not. */
#define LATEST_RANGES_MAX 4

typedef struct Latest
{
	const Scope *scope;
	Lookup ranges[LATEST_RANGES_MAX]; /* each of them in order */
	bool has_row[LATEST_RANGES_MAX];  /* its slot contains a row that was not returned yet */
	int count;
	int current;           /* the range of the row returned last; negative if none was */
	ScanKeyData cursor[2]; /* the members of the condition that rows are after the cursor */
} Latest;

/* Returns whether the conversations of a list without conditions can be read in order. */
extern bool parley_latest_is_possible(void);

/* Starts at the newest conversation, or at the cursor. Open conversations that were snoozed until a time in the past
 * are not included. */
extern void parley_latest_open(Latest *latest, const Scope *scope, bool from_cursor);

/* Returns the next conversation, or NULL if there are no more. */
extern TupleTableSlot *parley_latest_next(Latest *latest);
extern void parley_latest_close(Latest *latest);

#endif
