/*
 * errors.c: see errors.h.
 */
#include "postgres.h"

#include "errors.h"

void
parley_require_argument(FunctionCallInfo fcinfo, int position, const char *name)
{
	if (PG_ARGISNULL(position))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("argument \"%s\" must not be null", name),
						errargument(name)));
}
