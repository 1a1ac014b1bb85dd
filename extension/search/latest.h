/*
 * latest.h: conversations in the order of the list, the one with the newest message first; where the filter asks for
 * what is open, or unread, only those that may be, by the index conversations_by_case.
 */
#ifndef PARLEY_LATEST_H
#define PARLEY_LATEST_H

#include "postgres.h"

#include "index/lookup.h"
#include "search/scope.h"

/* Settled or not, by what may be unread or not. */
#define LATEST_RANGES_MAX 4

typedef struct Latest
{
	const Scope *scope;
	Lookup ranges[LATEST_RANGES_MAX]; /* each in order */
	bool has_row[LATEST_RANGES_MAX];  /* its slot has a row that was not passed yet */
	int count;
	int current; /* the range whose row was passed last; negative: none */
} Latest;

/* From the newest on, or from the cursor on. Of what is open, those that were snoozed until a time that has passed are
 * not among them. */
extern void parley_latest_open(Latest *latest, const Scope *scope, bool from_cursor);

/* The next conversation; NULL: no more. */
extern TupleTableSlot *parley_latest_next(Latest *latest);
extern void parley_latest_close(Latest *latest);

#endif
