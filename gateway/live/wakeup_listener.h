/*
 * wakeup_listener: waits for wake-ups on its own connection, and tells all workers.
 */
#ifndef WAKEUP_LISTENER_H
#define WAKEUP_LISTENER_H

#include "config/config.h"
#include "http/server.h"
#include "live/live.h"

typedef struct WakeupListener WakeupListener;

/* Only the loop's thread may call these. */
WakeupListener *wakeup_listener_start(h2o_loop_t *loop, const Config *config, Server *server, Live *live);
void wakeup_listener_dispose(WakeupListener *listener);

#endif
