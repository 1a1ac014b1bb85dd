/*
 * worker: one event-loop thread. It is set up in its own thread, because h2o keeps buffers per thread.
 */
#include "http/worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/loop.h"
#include "http/listener.h"

enum
{
	CUT_OFF_RUNS = 20,
	CUT_OFF_RUN_MS = 10,
	TICK_MS = 50,
	IDLE_GRACE_MS = 1000 /* after being idle this long, a connection is unlikely to be used just as it is closed */
};

typedef struct Message
{
	h2o_multithread_message_t super;
	MessageKind kind;
	void *held;
} Message;

/* ----- pools ----- */

static void
on_pool_ready(void *data, bool ready)
{
	Worker *worker = data;

	atomic_fetch_add(&worker->shared->pools_ready, ready ? 1 : -1);
}

static DbPool *
worker_create_pool(Worker *worker, MetricsPool kind)
{
	const Config *config = worker->config;
	bool writing = kind == METRICS_WRITE;
	bool replica = kind == METRICS_REPLICA;
	DbPoolSettings settings = {
		.connection = { .conninfo = replica ? config->read_database_url : config->database_url,
						.target_session_attrs = replica ? "prefer-standby" : "read-write",
						.setup_sql = writing ? worker->shared->write_session_sql : worker->shared->read_session_sql,
						.transaction_pooling = config->transaction_pooling,
						.silence_timeout_ms = (uint32_t) (config->statement_timeout_ms + 1000),
						.connect_timeout_ms = (uint32_t) config->connect_timeout_ms },
		.connection_count = writing ? worker->shared->write_connections : (size_t) config->read_connections,
		.pipeline_depth = writing ? 1 : (size_t) config->pipeline_depth,
		.queue_length_max = (size_t) config->queue_limit,
		.acquire_timeout_ms = (uint32_t) config->acquire_timeout_ms,
		.query_timeout_ms = (uint32_t) config->request_timeout_ms,
		.data = worker,
		.on_ready = replica ? NULL : on_pool_ready
	};

	return db_pool_create(worker->http.loop, &settings);
}

/* ----- the tick ----- */

static void
worker_free_retired_tls(Worker *worker, uint64_t now_us)
{
	RetiredTls **place = &worker->retired_tls;

	while (*place != NULL && (*place)->until_us > now_us)
		place = &(*place)->next;
	while (*place != NULL)
	{
		RetiredTls *retired = *place;

		*place = retired->next;
		SSL_CTX_free(retired->context);
		free(retired);
	}
}

static void
on_tick(h2o_timeout_entry_t *entry)
{
	Worker *worker = H2O_STRUCT_FROM_MEMBER(Worker, tick, entry);
	uint64_t now_us = db_now_us();

	clients_check(&worker->clients, now_us);
	worker->guest->on_tick(worker->guest_state, now_us);
	worker_free_retired_tls(worker, now_us);
	metrics_set(worker->metrics, METRICS_CLIENTS, worker->clients.count);
	for (int kind = 0; kind < METRICS_POOL_COUNT; kind++)
		if (worker->pools[kind] != NULL)
			metrics_set_pool(worker->metrics, (MetricsPool) kind, db_pool_metrics(worker->pools[kind]));
	if (worker->draining)
	{
		clients_close_idle(&worker->clients, now_us - IDLE_GRACE_MS * 1000);
		worker->finished = worker->clients.count == 0 || now_us >= worker->drain_until_us;
	}
	h2o_timeout_link(worker->http.loop, &worker->tick_timeout, &worker->tick);
}

/* ----- turns ----- */

void
worker_wait_for_turn(Worker *worker, Turn *turn)
{
	h2o_linklist_insert(&worker->turns, &turn->link);
}

void
worker_leave_turns(Turn *turn)
{
	if (h2o_linklist_is_linked(&turn->link))
		h2o_linklist_unlink(&turn->link);
}

static void
on_next_turn(h2o_timeout_entry_t *entry)
{
	Worker *worker = H2O_STRUCT_FROM_MEMBER(Worker, next_turn, entry);
	Turn *turn = H2O_STRUCT_FROM_MEMBER(Turn, link, worker->turns.next);

	if (h2o_linklist_is_empty(&worker->turns))
		return;
	worker_leave_turns(turn);
	turn->cb(turn);
}

/* Runs the loop once, and then plans one turn. If a turn planned the next one itself, it would be taken in the same run
 * of the loop. */
static void
worker_run_loop(Worker *worker, int32_t wait_ms)
{
	loop_run(worker->http.loop, wait_ms);
	if (!h2o_linklist_is_empty(&worker->turns) && !h2o_timeout_is_linked(&worker->next_turn))
		h2o_timeout_link(worker->http.loop, &worker->http.zero_timeout, &worker->next_turn);
}

/* ----- messages ----- */

/* h2o stores a context at accept without a reference, and creates the connection's own only when the client speaks. */
static void
worker_install_tls(Worker *worker, SSL_CTX *tls)
{
	RetiredTls *retired = h2o_mem_alloc(sizeof(*retired));

	*retired = (RetiredTls){ .next = worker->retired_tls,
							 .context = worker->tls,
							 .until_us = db_now_us() + 2 * worker->shared->http.handshake_timeout * 1000 };
	worker->retired_tls = retired;
	worker->tls = tls;
	for (size_t i = 0; i < worker->listener_count; i++)
		if (worker->listeners[i].speaks_tls)
			worker->listeners[i].accept.ssl_ctx = tls;
}

static void
worker_begin_drain(Worker *worker)
{
	if (worker->draining)
		return;
	worker->draining = true;
	worker->guest->on_drain(worker->guest_state);
	for (size_t i = 0; i < worker->listener_count; i++)
	{
		while (client_accept(&worker->listeners[i]))
			;
		h2o_socket_close(worker->listeners[i].socket);
	}
	worker->listener_count = 0;
	worker->drain_until_us = db_now_us() + (uint64_t) worker->config->drain_timeout_ms * 1000;
}

static void
on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
	Worker *worker = H2O_STRUCT_FROM_MEMBER(Worker, receiver, receiver);

	while (!h2o_linklist_is_empty(messages))
	{
		Message *message = H2O_STRUCT_FROM_MEMBER(Message, super.link, messages->next);
		Router *before = worker->router;

		h2o_linklist_unlink(&message->super.link);
		switch (message->kind)
		{
			case MESSAGE_ROUTER:
				worker->router = message->held;
				for (int kind = 0; kind < METRICS_POOL_COUNT; kind++)
					if (worker->pools[kind] != NULL)
						db_pool_set_statements(worker->pools[kind], worker->router->statements.entries,
											   worker->router->statements.size);
				router_release(before);
				break;
			case MESSAGE_KEYS:
				token_keys_release(worker->keys);
				worker->keys = message->held;
				worker->guest->on_keys_changed(worker->guest_state);
				break;
			case MESSAGE_TLS:
				worker_install_tls(worker, message->held);
				break;
			case MESSAGE_GUEST:
				worker->guest->on_message(worker->guest_state, message->held);
				break;
			case MESSAGE_DRAIN:
				worker_begin_drain(worker);
				break;
		}
		free(message);
	}
}

void
worker_tell(Worker *worker, MessageKind kind, void *held)
{
	Message *message = h2o_mem_alloc(sizeof(*message));

	*message = (Message){ .kind = kind, .held = held };
	h2o_multithread_send_message(&worker->receiver, &message->super);
}

/* ----- the thread ----- */

static void
worker_set_up(Worker *worker)
{
	h2o_context_init(&worker->http, h2o_evloop_create(), &worker->shared->http);
	h2o_multithread_register_receiver(worker->http.queue, &worker->receiver, on_messages);
	worker->guest_state = worker->guest->create(worker->guest->shared, worker);
	worker->clients = (Clients){ .shared = worker->shared, .metrics = worker->metrics };
	h2o_linklist_init_anchor(&worker->clients.list);
	h2o_linklist_init_anchor(&worker->clients.sending);
	h2o_linklist_init_anchor(&worker->turns);
	h2o_timeout_init(worker->http.loop, &worker->tick_timeout, TICK_MS);
	worker->tick.cb = on_tick;
	worker->next_turn.cb = on_next_turn;
	h2o_timeout_link(worker->http.loop, &worker->tick_timeout, &worker->tick);
	if (getrandom(&worker->request_prefix, sizeof(worker->request_prefix), 0) < 0)
		worker->request_prefix = db_now_us();
	worker->tokens = token_cache_create();
	worker->router = router_create();
	worker->pools[METRICS_READ] = worker_create_pool(worker, METRICS_READ);
	worker->pools[METRICS_WRITE] = worker_create_pool(worker, METRICS_WRITE);
	if (worker->config->read_database_url[0] != '\0')
		worker->pools[METRICS_REPLICA] = worker_create_pool(worker, METRICS_REPLICA);
	for (size_t i = 0; i < worker->listener_count; i++)
	{
		Listener *listener = &worker->listeners[i];

		listener->accept = (h2o_accept_ctx_t){ .ctx = &worker->http,
											   .hosts = worker->shared->http.hosts,
											   .ssl_ctx = listener->speaks_tls ? worker->tls : NULL };
		listener->socket = h2o_evloop_socket_create(worker->http.loop, listener->descriptor, H2O_SOCKET_FLAG_DONT_READ);
		listener->socket->data = listener;
		h2o_socket_read_start(listener->socket, client_on_accept);
	}
}

static void
worker_tear_down(Worker *worker)
{
	h2o_loop_t *loop = worker->http.loop;

	/* Clients that are still there at the end of the drain get an error and are disconnected. h2o notices that in its
	 * loop, or if their response is not complete, when they take their turn. */
	for (int kind = 0; kind < METRICS_POOL_COUNT; kind++)
		if (worker->pools[kind] != NULL)
			db_pool_close(worker->pools[kind]);
	for (int run = 0; worker->clients.count > 0 && (run < CUT_OFF_RUNS || !h2o_linklist_is_empty(&worker->turns));
		 run++)
	{
		clients_cut_off(&worker->clients);
		worker_run_loop(worker, CUT_OFF_RUN_MS);
	}
	for (int kind = 0; kind < METRICS_POOL_COUNT; kind++)
		if (worker->pools[kind] != NULL)
			db_pool_dispose(worker->pools[kind]);
	router_release(worker->router);
	token_cache_dispose(worker->tokens);
	token_keys_release(worker->keys);
	SSL_CTX_free(worker->tls);
	worker_free_retired_tls(worker, UINT64_MAX);
	h2o_timeout_unlink(&worker->tick);
	h2o_timeout_unlink(&worker->next_turn);
	h2o_timeout_dispose(worker->http.loop, &worker->tick_timeout);
	h2o_multithread_unregister_receiver(worker->http.queue, &worker->receiver);
	if (worker->clients.count > 0)
		return; /* they end with the process */
	h2o_context_dispose(&worker->http);
	worker->guest->dispose(worker->guest_state);
	h2o_evloop_destroy(loop);
}

void *
worker_main(void *data)
{
	Worker *worker = data;

	worker_set_up(worker);
	pthread_barrier_wait(&worker->shared->set_up);
	while (!worker->finished)
		worker_run_loop(worker, INT32_MAX);
	worker_tear_down(worker);
	return NULL;
}
