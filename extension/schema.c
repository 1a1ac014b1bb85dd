/*
 * schema.c: functions that make the domains' checks fast, and the version of the tables.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"

#include "schema.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(parley_is_printable_ascii);

Datum
parley_is_printable_ascii(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	const char *characters = VARDATA_ANY(value);
	int length = VARSIZE_ANY_EXHDR(value);

	for (int i = 0; i < length; i++)
		if (characters[i] < ' ' || characters[i] > '~')
			PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(true);
}

bool
parley_schema_is_1_0(void)
{
	RangeVar *conversations = makeRangeVar("parley", "conversations", -1);

	return get_attnum(RangeVarGetRelid(conversations, AccessShareLock, false), "newest_number") == InvalidAttrNumber;
}
