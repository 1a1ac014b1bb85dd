/*
 * built_in: the routes that no row of parley.routes has: the process' own health and metrics.
 */
#ifndef BUILT_IN_H
#define BUILT_IN_H

#include "http/request.h"

/* Answers a request whose route is built in. */
void built_in_answer(Request *request);

#endif
