/*
 * errors.h: SQLSTATEs of the project's own class, whose last three digits are the HTTP status (docs/routes.md), and the
 * argument that an error refers to.
 */
#ifndef PARLEY_ERRORS_H
#define PARLEY_ERRORS_H

#include "fmgr.h"

#define ERRCODE_PARLEY_CONFLICT MAKE_SQLSTATE('P', 'Y', '4', '0', '9')
#define ERRCODE_PARLEY_GONE MAKE_SQLSTATE('P', 'Y', '4', '1', '0')
#define ERRCODE_PARLEY_KEY_REUSED MAKE_SQLSTATE('P', 'Y', '4', '2', '2')

/* Names the argument at fault, for use in ereport(). The gateway puts it into the "field" of the problem. */
#define errargument(name) err_generic_string(PG_DIAG_COLUMN_NAME, (name))

extern void parley_errors_init(void);

/* Fails with 22004 if the argument is null. */
extern void parley_require_argument(FunctionCallInfo fcinfo, int position, const char *name);

#endif
