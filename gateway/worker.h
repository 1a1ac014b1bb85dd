/*
 * worker: one event-loop thread: its listeners, its clients' connections, its pools. Nothing in it is touched by
 * another thread but by a message, and the atomics of Server.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdatomic.h>

#include "config.h"
#include "db_pool.h"
#include "router.h"

enum
{
	LISTENERS_MAX = 16
};

/* A client's connection, from accept to close. */
typedef struct Client
{
	h2o_linklist_t link;
	h2o_socket_t *socket;
	struct Worker *worker;
	unsigned requests;     /* under way */
	int linger_descriptor; /* what outlives the connection, to linger on; -1: nothing */
} Client;

typedef struct Worker
{
	struct Server *server;
	const Config *config;
	h2o_context_t http;
	h2o_accept_ctx_t accept;
	int listener_descriptors[LISTENERS_MAX];
	h2o_socket_t *listeners[LISTENERS_MAX];
	size_t listener_count;
	h2o_multithread_receiver_t receiver;
	Router *router;
	DbPool *readers;
	DbPool *writers;
	h2o_linklist_t clients;
	size_t client_count;
	bool draining;
	bool finished;
	uint64_t drain_until_us;
	uint64_t close_idle_at_us;
	h2o_timeout_t tick_timeout;
	h2o_timeout_entry_t tick;
	h2o_timeout_t linger_timeout;
	uint64_t request_prefix; /* of generated request ids */
	uint64_t request_count;
	pthread_t thread;
} Worker;

#endif
