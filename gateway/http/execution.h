/*
 * execution: runs the statement of a request whose values are bound, and responds with the rows or the error.
 */
#ifndef EXECUTION_H
#define EXECUTION_H

#include "http/request.h"

void execution_start(Request *request);

/*
 * Call this when one of the values is known to be invalid. Asks the database which values are invalid, and responds
 * with the problem, extended by the result. This replaces the query of the request, if it had one. It is necessary
 * because types and domains may check more than the bounds that the gateway knows, and a statement fails at the first
 * invalid value. If `all`, asks about values that the gateway has checked, too. Returns false if the database could not
 * add anything.
 */
bool execution_judge(Request *request, const Problem *problem, bool all);

#endif
