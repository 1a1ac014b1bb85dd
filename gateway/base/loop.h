/*
 * loop: one turn of an event loop.
 */
#ifndef LOOP_H
#define LOOP_H

#include <h2o.h>

/* Waits for events, at most for so long, and runs their callbacks. Ends the process if the loop can watch nothing any
 * more: it would be deaf for good, and whoever supervises the process can start another. */
void loop_run(h2o_loop_t *loop, int32_t wait_ms);

#endif
