/*
 * wakeup_listener: waits for wake-ups on a connection of its own, and tells all workers.
 */
#ifndef WAKEUP_LISTENER_H
#define WAKEUP_LISTENER_H

#include "config/config.h"
#include "http/server.h"
#include "live/live.h"

typedef struct WakeupListener WakeupListener;

/* On the loop's thread alone. */
WakeupListener *wakeup_listener_start(h2o_loop_t *loop, const Config *config, Server *server, Live *live);
void wakeup_listener_dispose(WakeupListener *listener);

#endif
