/*
 * loop: runs an event loop once.
 */
#ifndef LOOP_H
#define LOOP_H

#include <h2o.h>

/* Waits for events, at most wait_ms, and runs their callbacks. Ends the process if the loop can no longer watch
 * descriptors: it would stay deaf forever, and a supervisor can start another one. */
void loop_run(h2o_loop_t *loop, int32_t wait_ms);

#endif
