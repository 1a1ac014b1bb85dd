/*
 * judge: asks the database which of a request's values it would not take, once it is known that one is not acceptable.
 * The bounds of a domain that the gateway knows are not all that a type or a domain may ask, and a statement ends at
 * the first value that is none of its type.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include "http/request.h"

/* Whether the database may have something to say of values that were bound; all: also of those the gateway judged. */
bool judge_is_needed(const Request *request, bool all);

/* Asks it, in place of the query that the request may have had, and answers the problem with what it says. */
void judge_ask(Request *request, const Problem *problem, bool all);

#endif
