/*
 * execution: runs the statement of a request whose values are bound, and answers with the rows, or with why there are
 * none.
 */
#ifndef EXECUTION_H
#define EXECUTION_H

#include "http/request.h"

void execution_start(Request *request);

#endif
