/*
 * framing: checks whether a request is valid HTTP, which h2o does not do completely.
 */
#ifndef FRAMING_H
#define FRAMING_H

#include <h2o.h>

#include "config/config.h"

typedef struct FramingFault
{
	int status; /* 0 if there is no fault */
	const char *detail;
} FramingFault;

/*
 * Checks the request's head, its target, and the limits of the configuration. Afterwards path and query_at are those of
 * the origin form, authority is that of an absolute target, and the path of "OPTIONS *" is "*". After a fault the path
 * must not be used. If the next request on the connection cannot be told from the body, sets the connection to close.
 */
FramingFault framing_check(h2o_req_t *http, const Config *config);

#endif
