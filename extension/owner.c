/*
 * owner.c: see owner.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "owner.h"

#define PINNED_PATH "pg_catalog, pg_temp"

/* The user is switched as by fmgr_security_definer(): SET ROLE is refused meanwhile, and an abort switches back. */
Caller
parley_owner_begin(FunctionCallInfo fcinfo)
{
	Caller caller = { .settings_level = NewGUCNestLevel() };
	HeapTuple function = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));

	if (!HeapTupleIsValid(function))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	GetUserIdAndSecContext(&caller.user, &caller.security_context);
	SetUserIdAndSecContext(((Form_pg_proc) GETSTRUCT(function))->proowner,
						   caller.security_context | SECURITY_LOCAL_USERID_CHANGE);
	ReleaseSysCache(function);
	return caller;
}

/* Costs nothing if no setting was changed in the transaction. */
void
parley_owner_end(const Caller *caller)
{
	AtEOXact_GUC(true, caller->settings_level);
	SetUserIdAndSecContext(caller->user, caller->security_context);
}

void
parley_pin_search_path(void)
{
	if (strcmp(namespace_search_path, PINNED_PATH) != 0)
		set_config_option("search_path", PINNED_PATH, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}
