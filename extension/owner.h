/*
 * owner.h: what SECURITY DEFINER SET search_path = pg_catalog, pg_temp does, for C functions that are called often.
 *
 * As attributes of the function, the two cost as much as locking a row: PostgreSQL looks up the function twice and, in
 * version 15, goes through all settings when it returns. Most calls run nothing that looks up a name, so here the path
 * is pinned only if something may.
 */
#ifndef PARLEY_OWNER_H
#define PARLEY_OWNER_H

#include "postgres.h"

#include "fmgr.h"

typedef struct Caller
{
	Oid user;
	int security_context;
	int settings_level;
} Caller;

/* Continues with the rights of the called function's owner until parley_owner_end(), or until the (sub)transaction
 * aborts. */
extern Caller parley_owner_begin(FunctionCallInfo fcinfo);
extern void parley_owner_end(const Caller *caller);

/*
 * Call this before anything that may look up a name: statements, and code that the owner of a table has added to it.
 * The path is restored by parley_owner_end(), or at the end of the function that has SET.
 */
extern void parley_pin_search_path(void);

#endif
