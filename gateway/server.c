/*
 * server: listeners, event-loop threads and the messages to them.
 *
 * Each worker has a listening socket of its own for each TCP address (SO_REUSEPORT), made by the main thread so that
 * errors are known before anything runs. Workers set themselves up in their own thread, since h2o keeps buffers a
 * thread.
 */
#include "server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "linger.h"
#include "log.h"
#include "reply.h"
#include "request.h"
#include "worker.h"

enum
{
	ACCEPTS_A_WAKE_UP = 16,
	TICK_MS = 50,
	LINGER_MS = 2000,
	IDLE_GRACE_MS = 300 /* while draining, for requests that are on their way already */
};

static const char session_sql[] =
	"SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO, YMD', false), "
	"set_config('IntervalStyle', 'iso_8601', false), set_config('bytea_output', 'hex', false), "
	"set_config('client_min_messages', 'warning', false), set_config('default_transaction_read_only', '%s', false), "
	"set_config('statement_timeout', '%ld', false)";

typedef enum MessageKind
{
	MESSAGE_ROUTER,
	MESSAGE_DRAIN
} MessageKind;

typedef struct Message
{
	h2o_multithread_message_t super;
	MessageKind kind;
	Router *router;
} Message;

struct Server
{
	const Config *config;
	h2o_globalconf_t http;
	char read_session_sql[sizeof(session_sql) + 32];
	char write_session_sql[sizeof(session_sql) + 32];
	Worker *workers;
	size_t worker_count;
	pthread_barrier_t set_up;
	atomic_uint pools_ready;
	atomic_bool has_routes;
};

Worker *
request_worker(h2o_req_t *http)
{
	return H2O_STRUCT_FROM_MEMBER(Worker, http, http->conn->ctx);
}

bool
server_is_ready(Server *server)
{
	return atomic_load(&server->has_routes) && atomic_load(&server->pools_ready) == 2 * server->worker_count;
}

static void
on_pool_ready(void *data, bool ready)
{
	Worker *worker = data;

	if (ready)
		atomic_fetch_add(&worker->server->pools_ready, 1);
	else
		atomic_fetch_sub(&worker->server->pools_ready, 1);
}

/* ----- clients ----- */

static void
on_client_close(void *data)
{
	Client *client = data;

	h2o_linklist_unlink(&client->link);
	client->worker->client_count--;
	if (client->linger_descriptor >= 0)
		linger_close(client->worker->http.loop, &client->worker->linger_timeout, client->linger_descriptor);
	free(client);
}

static void
welcome(Worker *worker, h2o_socket_t *socket)
{
	Client *client = h2o_mem_alloc(sizeof(*client));

	*client = (Client){ .socket = socket, .worker = worker, .linger_descriptor = -1 };
	h2o_linklist_insert(&worker->clients, &client->link);
	worker->client_count++;
	socket->on_close.cb = on_client_close;
	socket->on_close.data = client;
	h2o_accept(&worker->accept, socket);
}

static void
on_accept(h2o_socket_t *listener, const char *error)
{
	Worker *worker = listener->data;

	if (error != NULL)
		return;
	for (int i = 0; i < ACCEPTS_A_WAKE_UP; i++)
	{
		h2o_socket_t *socket = h2o_evloop_socket_accept(listener);

		if (socket == NULL)
			return;
		welcome(worker, socket);
	}
}

/* ----- draining ----- */

/* HTTP/1 has no way to say that an idle connection will close: its reading side is shut, which h2o takes for its end.
 */
static void
close_idle_clients(Worker *worker)
{
	for (h2o_linklist_t *link = worker->clients.next; link != &worker->clients; link = link->next)
	{
		Client *client = H2O_STRUCT_FROM_MEMBER(Client, link, link);

		if (client->requests == 0)
			shutdown(h2o_socket_get_fd(client->socket), SHUT_RD);
	}
}

static void
on_tick(h2o_timeout_entry_t *entry)
{
	Worker *worker = H2O_STRUCT_FROM_MEMBER(Worker, tick, entry);
	uint64_t now_us = db_now_us();

	if (worker->draining)
	{
		if (now_us >= worker->close_idle_at_us)
			close_idle_clients(worker);
		worker->finished = worker->client_count == 0 || now_us >= worker->drain_until_us;
	}
	h2o_timeout_link(worker->http.loop, &worker->tick_timeout, &worker->tick);
}

static void
begin_drain(Worker *worker)
{
	if (worker->draining)
		return;
	for (size_t i = 0; i < worker->listener_count; i++)
	{
		on_accept(worker->listeners[i], NULL);
		h2o_socket_close(worker->listeners[i]);
	}
	worker->draining = true;
	worker->close_idle_at_us = db_now_us() + IDLE_GRACE_MS * 1000;
	worker->drain_until_us = db_now_us() + (uint64_t) worker->config->drain_timeout_ms * 1000;
}

/* ----- messages ----- */

static void
install_router(Worker *worker, Router *router)
{
	Router *before = worker->router;

	worker->router = router;
	db_pool_set_statements(worker->readers, router_statements(router), router_statement_count(router));
	db_pool_set_statements(worker->writers, router_statements(router), router_statement_count(router));
	router_release(before);
}

static void
on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
	Worker *worker = H2O_STRUCT_FROM_MEMBER(Worker, receiver, receiver);

	while (!h2o_linklist_is_empty(messages))
	{
		Message *message = H2O_STRUCT_FROM_MEMBER(Message, super.link, messages->next);

		h2o_linklist_unlink(&message->super.link);
		if (message->kind == MESSAGE_ROUTER)
			install_router(worker, message->router);
		else
			begin_drain(worker);
		free(message);
	}
}

static void
send_message(Worker *worker, MessageKind kind, Router *router)
{
	Message *message = h2o_mem_alloc(sizeof(*message));

	*message = (Message){ .kind = kind, .router = router };
	h2o_multithread_send_message(&worker->receiver, &message->super);
}

void
server_publish(Server *server, Router *router)
{
	for (size_t i = 0; i < server->worker_count; i++)
		send_message(&server->workers[i], MESSAGE_ROUTER, router_retain(router));
	atomic_store(&server->has_routes, true);
}

void
server_drain(Server *server)
{
	for (size_t i = 0; i < server->worker_count; i++)
		send_message(&server->workers[i], MESSAGE_DRAIN, NULL);
}

/* ----- workers ----- */

static DbPool *
create_pool(Worker *worker, bool writing)
{
	const Config *config = worker->config;
	DbPoolSettings settings = {
		.connection = { .conninfo = config->database_url,
						.target_session_attrs = "read-write",
						.setup_sql = writing ? worker->server->write_session_sql : worker->server->read_session_sql,
						.silence_timeout_ms = (uint32_t) (config->statement_timeout_ms + 1000),
						.connect_timeout_ms = (uint32_t) config->connect_timeout_ms },
		.connection_count = (size_t) (writing ? config->write_connections : config->read_connections),
		.pipeline_depth = writing ? 1 : (size_t) config->pipeline_depth,
		.queue_length_max = (size_t) config->queue_limit,
		.acquire_timeout_ms = (uint32_t) config->acquire_timeout_ms,
		.query_timeout_ms = (uint32_t) config->request_timeout_ms,
		.data = worker,
		.on_ready = on_pool_ready
	};

	return db_pool_create(worker->http.loop, &settings);
}

static void
set_up_worker(Worker *worker)
{
	h2o_context_init(&worker->http, h2o_evloop_create(), &worker->server->http);
	worker->accept = (h2o_accept_ctx_t){ .ctx = &worker->http, .hosts = worker->server->http.hosts };
	h2o_multithread_register_receiver(worker->http.queue, &worker->receiver, on_messages);
	h2o_linklist_init_anchor(&worker->clients);
	h2o_timeout_init(worker->http.loop, &worker->tick_timeout, TICK_MS);
	h2o_timeout_init(worker->http.loop, &worker->linger_timeout, LINGER_MS);
	worker->tick.cb = on_tick;
	h2o_timeout_link(worker->http.loop, &worker->tick_timeout, &worker->tick);
	if (getrandom(&worker->request_prefix, sizeof(worker->request_prefix), 0) < 0)
		worker->request_prefix = db_now_us();
	worker->router = router_create();
	worker->readers = create_pool(worker, false);
	worker->writers = create_pool(worker, true);
	for (size_t i = 0; i < worker->listener_count; i++)
	{
		worker->listeners[i] =
			h2o_evloop_socket_create(worker->http.loop, worker->listener_descriptors[i], H2O_SOCKET_FLAG_DONT_READ);
		worker->listeners[i]->data = worker;
		h2o_socket_read_start(worker->listeners[i], on_accept);
	}
}

/* Clients that are still there at the end of the drain are cut off by the process' end. */
static void
tear_down_worker(Worker *worker)
{
	db_pool_dispose(worker->readers);
	db_pool_dispose(worker->writers);
	router_release(worker->router);
	h2o_timeout_unlink(&worker->tick);
	h2o_timeout_dispose(worker->http.loop, &worker->tick_timeout);
	h2o_multithread_unregister_receiver(worker->http.queue, &worker->receiver);
	if (worker->client_count == 0)
		h2o_context_dispose(&worker->http);
}

static void *
worker_main(void *data)
{
	Worker *worker = data;

	set_up_worker(worker);
	pthread_barrier_wait(&worker->server->set_up);
	while (!worker->finished)
		h2o_evloop_run(worker->http.loop, INT32_MAX);
	tear_down_worker(worker);
	return NULL;
}

/* ----- addresses ----- */

/* A listening socket, or -1. Without reuse_port it finds out whether someone else serves the address already. */
static int
bind_address(const struct addrinfo *address, bool reuse_port)
{
	int on = 1;
	int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (descriptor < 0)
		return -1;
	setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (reuse_port)
		setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (address->ai_family == AF_INET6)
		setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(descriptor, address->ai_addr, address->ai_addrlen) == 0 &&
		(!reuse_port || listen(descriptor, SOMAXCONN) == 0))
		return descriptor;
	close(descriptor);
	return -1;
}

static bool
listen_on(Server *server, const struct addrinfo *address, const char *name)
{
	int probe = bind_address(address, false);

	if (probe < 0)
	{
		log_error("event=cannot_listen address=%s reason=\"%s\"", name, strerror(errno));
		return false;
	}
	close(probe);
	for (size_t i = 0; i < server->worker_count; i++)
	{
		Worker *worker = &server->workers[i];
		int descriptor = worker->listener_count < LISTENERS_MAX ? bind_address(address, true) : -1;

		if (descriptor < 0)
		{
			log_error("event=cannot_listen address=%s reason=\"%s\"", name, strerror(errno));
			return false;
		}
		worker->listener_descriptors[worker->listener_count++] = descriptor;
	}
	log_info("event=listening address=%s", name);
	return true;
}

/* host:port or [host]:port */
static bool
listen_on_name(Server *server, char *name)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found = NULL;
	char *colon = strrchr(name, ':');
	char host[256];
	bool fine = colon != NULL && (size_t) (colon - name) < sizeof(host);
	size_t bracket = fine && name[0] == '[' && colon[-1] == ']';

	if (fine)
		snprintf(host, sizeof(host), "%.*s", (int) (colon - name - 2 * (ptrdiff_t) bracket), name + bracket);
	if (!fine || getaddrinfo(host[0] == '\0' ? NULL : host, colon + 1, &hints, &found) != 0)
	{
		log_error("event=cannot_listen address=%s reason=\"not an address\"", name);
		return false;
	}
	for (struct addrinfo *address = found; address != NULL && fine; address = address->ai_next)
		fine = listen_on(server, address, name);
	freeaddrinfo(found);
	return fine;
}

static bool
listen_on_all(Server *server)
{
	char *names = strdup(server->config->listen);
	char *rest = NULL;
	bool fine = true;

	for (char *name = strtok_r(names, ", ", &rest); name != NULL && fine; name = strtok_r(NULL, ", ", &rest))
		fine = listen_on_name(server, name);
	free(names);
	return fine;
}

/* ----- the whole ----- */

static void
configure_http(Server *server)
{
	h2o_hostconf_t *host;

	h2o_config_init(&server->http);
	server->http.server_name = h2o_iovec_init(H2O_STRLIT("parleyd"));
	server->http.http1.upgrade_to_http2 = 0;
	server->http.http1.req_timeout = (uint64_t) server->config->client_timeout_ms;
	server->http.max_request_entity_size = (size_t) server->config->body_limit_bytes;
	host = h2o_config_register_host(&server->http, h2o_iovec_init(H2O_STRLIT("default")), 65535);
	h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof(h2o_handler_t))->on_req = request_on_arrival;
	h2o_create_handler(&host->fallback_path, sizeof(h2o_handler_t))->on_req = request_on_arrival;
	reply_register_filter(&host->fallback_path);
}

static void
configure_sessions(Server *server)
{
	snprintf(server->read_session_sql, sizeof(server->read_session_sql), session_sql, "on",
			 server->config->statement_timeout_ms);
	snprintf(server->write_session_sql, sizeof(server->write_session_sql), session_sql, "off",
			 server->config->statement_timeout_ms);
}

Server *
server_start(const Config *config)
{
	Server *server = h2o_mem_alloc(sizeof(*server));
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	memset(server, 0, sizeof(*server));
	server->config = config;
	server->worker_count = (size_t) (config->threads > 0 ? config->threads : cores > 0 ? cores : 1);
	server->workers = calloc(server->worker_count, sizeof(*server->workers));
	configure_http(server);
	configure_sessions(server);
	pthread_barrier_init(&server->set_up, NULL, (unsigned) server->worker_count + 1);
	if (!listen_on_all(server))
	{
		server_dispose(server);
		return NULL;
	}
	for (size_t i = 0; i < server->worker_count; i++)
	{
		server->workers[i].server = server;
		server->workers[i].config = config;
		if (pthread_create(&server->workers[i].thread, NULL, worker_main, &server->workers[i]) != 0)
			h2o_fatal("cannot start a thread");
	}
	pthread_barrier_wait(&server->set_up);
	return server;
}

void
server_wait(Server *server)
{
	for (size_t i = 0; i < server->worker_count; i++)
		pthread_join(server->workers[i].thread, NULL);
}

void
server_dispose(Server *server)
{
	h2o_config_dispose(&server->http);
	pthread_barrier_destroy(&server->set_up);
	free(server->workers);
	free(server);
}
