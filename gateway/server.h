/*
 * server: the workers and what they share. Made and ended by the main thread.
 */
#ifndef SERVER_H
#define SERVER_H

#include <stdatomic.h>

#include "config.h"
#include "router.h"

typedef struct Server Server;

/* Binds the listen addresses and starts the workers; NULL if that fails, which was logged. The config must live on. */
Server *server_start(const Config *config);

/* Gives every worker a router; the caller keeps its own hold. Any thread. */
void server_publish(Server *server, Router *router);

/* Whether routes are known and every worker has connections to read and to write. Any thread. */
bool server_is_ready(Server *server);

/* Stops accepting, finishes what is under way, at most for the drain timeout. server_wait returns when that is done. */
void server_drain(Server *server);
void server_wait(Server *server);

void server_dispose(Server *server);

#endif
