/*
 * worker: one event-loop thread: its listeners, its clients' connections, its pools. Nothing in it is touched by
 * another thread but by a message; what all workers share is Shared, whose parts are constant, atomic or have locks of
 * their own.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdatomic.h>

#include "address_count.h"
#include "client.h"
#include "config.h"
#include "db_pool.h"
#include "metrics.h"
#include "rate_limit.h"
#include "router.h"
#include "token.h"

enum
{
	LISTENERS_MAX = 32,
	SESSION_SQL_MAX = 640
};

typedef struct Shared
{
	const Config *config;
	h2o_globalconf_t http;
	char read_session_sql[SESSION_SQL_MAX];
	char write_session_sql[SESSION_SQL_MAX];
	size_t worker_count;
	pthread_barrier_t set_up;
	atomic_uint pools_ready;
	atomic_bool has_routes;
	atomic_uint client_count;
	AddressCount *addresses;
	RateLimit *rate_limit; /* NULL: none */
	Metrics **metrics;     /* one a worker */
} Shared;

/* A TLS context that has been replaced: h2o may still begin handshakes with it. */
typedef struct RetiredTls
{
	struct RetiredTls *next;
	SSL_CTX *context;
	uint64_t until_us;
} RetiredTls;

typedef struct Worker
{
	Shared *shared;
	const Config *config;
	h2o_context_t http;
	Listener listeners[LISTENERS_MAX];
	size_t listener_count;
	h2o_multithread_receiver_t receiver;
	SSL_CTX *tls;            /* NULL: none */
	RetiredTls *retired_tls; /* the newest first */
	TokenKeys *keys;         /* NULL: none, all are the operator */
	TokenCache *tokens;
	Router *router;
	DbPool *pools[METRICS_POOL_COUNT]; /* the replicas' NULL where there are none */
	Metrics *metrics;
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

typedef enum MessageKind
{
	MESSAGE_ROUTER,
	MESSAGE_KEYS,
	MESSAGE_TLS,
	MESSAGE_DRAIN
} MessageKind;

/* Whether routes are known and every worker has connections to read and to write. */
bool worker_is_ready(const Shared *shared);

/* The thread of a worker; sets itself up, meets the others at the barrier, and runs until it has drained. */
void *worker_main(void *worker);

/* Gives the worker something that it is to hold from now on. Any thread, once it is set up. */
void worker_tell(Worker *worker, MessageKind kind, void *held);

#endif
