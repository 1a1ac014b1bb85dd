/*
 * handler: handles a request step by step: framing, route, caller, values, response.
 */
#ifndef HANDLER_H
#define HANDLER_H

#include <h2o.h>

/* h2o's handler for all paths. */
int handler_on_request(h2o_handler_t *handler, h2o_req_t *http);

#endif
