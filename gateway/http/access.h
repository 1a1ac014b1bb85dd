/*
 * access: whether a request that has its route may go on.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include "http/request.h"

/* Sets the caller, by the token, and decides by the route; false: the request is answered, 401 or 403. */
bool access_authorize(Request *request);

/* Takes the request out of its user's or application's bucket; false: it is answered, 429. The operator is not limited,
 * nor is whoever cannot be named: addresses are the proxy's to limit. */
bool access_check_rate(Request *request);

#endif
