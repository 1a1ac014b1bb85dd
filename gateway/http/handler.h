/*
 * handler: what becomes of a request, step by step: framing, route, caller, values, answer.
 */
#ifndef HANDLER_H
#define HANDLER_H

#include <h2o.h>

/* h2o's handler of every path. */
int handler_on_request(h2o_handler_t *handler, h2o_req_t *http);

#endif
