/*
 * schema.c: what the checks of the domains need to be fast.
 *
 * Locks nothing, allocates nothing.
 */
#include "postgres.h"

#include "fmgr.h"

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
