/*
 * access: whether a request that has its route may go on.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include "http/request.h"

/* Sets the caller, by the token, and decides by the route; false: the request is answered, 401 or 403. */
bool access_authorize(Request *request);

/* Takes the request out of its client's bucket; false: it is answered, 429. The operator is not limited. */
bool access_check_rate(Request *request);

/* Notes that there is what the request asked for, and so its application, if it is one's. */
void access_note_found(const Request *request);

#endif
