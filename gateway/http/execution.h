/*
 * execution: runs the statement of a request whose values are bound, and answers with the rows, or with why there are
 * none.
 */
#ifndef EXECUTION_H
#define EXECUTION_H

#include "http/request.h"

void execution_start(Request *request);

/*
 * Asks the database which of the values it would not take, once one is known not to be acceptable, and answers the
 * problem with what it says, in place of the query that the request may have had: the bounds of a domain that the
 * gateway knows are not all that a type or a domain may ask, and a statement ends at the first value that is none of
 * its type. all: also of values that the gateway judged. False if the database can have nothing to say.
 */
bool execution_judge(Request *request, const Problem *problem, bool all);

#endif
