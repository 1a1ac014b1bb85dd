/*
 * framing: whether a request is one that HTTP allows to be looked at at all, which h2o does not ask in full.
 */
#ifndef FRAMING_H
#define FRAMING_H

#include <h2o.h>

#include "config/config.h"

typedef struct FramingFault
{
	int status; /* 0: none */
	const char *detail;
} FramingFault;

/*
 * Looks at the request's head, its target and the limits of the configuration. Afterwards path and query_at are those
 * of the origin form, authority is that of an absolute target, and the path of "OPTIONS *" is "*". After a fault the
 * path is not to be used; if what follows on the connection cannot be told from the body, the connection is set to
 * close.
 */
FramingFault framing_check(h2o_req_t *http, const Config *config);

#endif
