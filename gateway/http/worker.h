/*
 * worker: one event-loop thread with its listeners, its clients' connections and its pools. Other threads touch it only
 * through messages. What all workers share is Shared, whose parts are constant, atomic or have their own locks.
 */
#ifndef WORKER_H
#define WORKER_H

#include "http/client.h"
#include "http/guest.h"
#include "config/config.h"
#include "db/db_pool.h"
#include "base/metrics.h"
#include "routes/router.h"
#include "http/shared.h"
#include "access/token.h"

enum
{
	LISTENERS_MAX = 32
};

/* A TLS context that has been replaced. h2o may still start handshakes with it. */
typedef struct RetiredTls
{
	struct RetiredTls *next;
	SSL_CTX *context;
	uint64_t until_us;
} RetiredTls;

/* Work that is done in pieces. */
typedef struct Turn
{
	h2o_linklist_t link;
	void (*cb)(struct Turn *turn);
} Turn;

typedef struct Worker
{
	Shared *shared;
	const Config *config;
	h2o_context_t http;
	Listener listeners[LISTENERS_MAX];
	size_t listener_count;
	h2o_multithread_receiver_t receiver;
	SSL_CTX *tls;            /* NULL if there is none */
	RetiredTls *retired_tls; /* newest first */
	TokenKeys *keys;         /* NULL if there are none, in which case everyone is the operator */
	TokenCache *tokens;
	Router *router;
	DbPool *pools[METRICS_POOL_COUNT]; /* the replicas' is NULL if there are none */
	Metrics *metrics;
	Clients clients;
	h2o_linklist_t turns;
	h2o_timeout_entry_t next_turn;
	const Guest *guest;
	void *guest_state;
	bool draining;
	bool finished;
	uint64_t drain_until_us;
	h2o_timeout_t tick_timeout;
	h2o_timeout_entry_t tick;
	uint64_t request_prefix; /* of generated request ids */
	uint64_t request_count;
	pthread_t thread;
} Worker;

typedef enum MessageKind
{
	MESSAGE_ROUTER,
	MESSAGE_KEYS,
	MESSAGE_TLS,
	MESSAGE_GUEST,
	MESSAGE_DRAIN
} MessageKind;

/* Calls turn->cb once, after what came before it. Between two turns, the loop handles whatever else has happened. */
void worker_wait_for_turn(Worker *worker, Turn *turn);

void worker_leave_turns(Turn *turn);

/* The thread of a worker. It sets itself up, waits for the others at the barrier, and runs until it has drained. */
void *worker_main(void *worker);

/* Passes something to the worker, together with the caller's reference. Any thread may call this once the worker is set
 * up. */
void worker_tell(Worker *worker, MessageKind kind, void *held);

#endif
