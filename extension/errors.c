/*
 * errors.c: see errors.h.
 */
#include "postgres.h"

#include "errors.h"
#include "utils/elog.h"
#include "utils/guc.h"

/* Set by the front's connections, because PL/Proxy passes on an error's detail, but not its column. */
static bool column_in_detail = false;
static emit_log_hook_type next_emit_log_hook;

/* Runs in the error's memory context. Appends the column, after a separator, to the detail that is sent to the client.
 */
static void
on_log(ErrorData *error)
{
	if (column_in_detail && error->output_to_client && error->elevel >= ERROR && error->column_name != NULL)
		error->detail = psprintf("%s\x1f%s", error->detail == NULL ? "" : error->detail, error->column_name);
	if (next_emit_log_hook != NULL)
		next_emit_log_hook(error);
}

void
parley_errors_init(void)
{
	DefineCustomBoolVariable("parley.column_in_detail", "Appends the column of an error to its detail.",
							 "For the connections of parley_front, whose PL/Proxy does not pass the column on.",
							 &column_in_detail, false, PGC_USERSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, NULL, NULL,
							 NULL);
	next_emit_log_hook = emit_log_hook;
	emit_log_hook = on_log;
}

void
parley_require_argument(FunctionCallInfo fcinfo, int position, const char *name)
{
	if (PG_ARGISNULL(position))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("argument \"%s\" must not be null", name),
						errargument(name)));
}
