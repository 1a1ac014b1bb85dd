/*
 * conversations.c: the setting that limits how many conversations a user starts. They are opened in SQL.
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "utils/guc.h"

#include "conversations.h"

PG_FUNCTION_INFO_V1(parley_new_conversations_per_day);

static int new_conversations_per_day = 200;

void
parley_conversations_init(void)
{
	DefineCustomIntVariable("parley.new_conversations_per_day",
							"Sets the maximum number of direct conversations that a user can start within 24 hours.",
							"0 means no limit. The operator is not limited.", &new_conversations_per_day, 200, 0,
							INT_MAX, PGC_SUSET, 0, NULL, NULL, NULL);
}

/* This is a function because current_setting() does not know the setting before the library is loaded. */
Datum
parley_new_conversations_per_day(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(new_conversations_per_day);
}
