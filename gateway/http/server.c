/*
 * server: creates what the workers share, their listeners and their threads.
 */
#include "http/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/err.h>

#include "http/handler.h"
#include "http/inbox.h"
#include "http/listener.h"
#include "base/log.h"
#include "http/reply.h"
#include "http/worker.h"

enum
{
	WRITE_CONNECTIONS_IN_ALL = 16,
	WRITE_CONNECTIONS_LEAST = 2,
	DESCRIPTORS_OF_THE_PROCESS = 5,  /* the three standard ones, the main loop, signals */
	DESCRIPTORS_OF_A_LOOP = 4,       /* that of a worker, and the pipe that wakes it */
	DESCRIPTORS_OF_A_CONNECTION = 2, /* that of libpq, and the duplicate that the loop watches */
	DESCRIPTORS_SPARE = 8            /* files being read again, names being looked up, connections being refused */
};

/* Settings that a role, a database or another client of a pooler may have changed, and on which responses must not
 * depend. */
static const char session_sql[] =
	"SELECT set_config('TimeZone', 'UTC', $1), set_config('DateStyle', 'ISO, YMD', $1), "
	"set_config('IntervalStyle', 'iso_8601', $1), set_config('bytea_output', 'hex', $1), "
	"set_config('extra_float_digits', '1', $1), set_config('standard_conforming_strings', 'on', $1), "
	"set_config('array_nulls', 'on', $1), set_config('transform_null_equals', 'off', $1), "
	"set_config('client_min_messages', 'warning', $1), set_config('statement_timeout', '%ld', $1), %s";

/* If a transaction has already begun, read-only is another setting, and the isolation level is fixed. */
static const char reads_session[] = "set_config('default_transaction_isolation', 'read committed', $1), "
									"set_config('default_transaction_read_only', 'on', $1)";
static const char writes_session[] = "set_config('default_transaction_isolation', 'read committed', $1), "
									 "set_config('default_transaction_read_only', 'off', $1)";
static const char reads_transaction[] = "set_config('transaction_read_only', 'on', $1)";
static const char writes_transaction[] = "NULL";

struct Server
{
	Shared shared;
	Worker *workers;
};

typedef struct Taking
{
	Server *server;
	bool is_admin;
} Taking;

static void
on_listener(void *data, size_t copy, int descriptor, bool is_local)
{
	const Taking *taking = data;
	Worker *worker = &taking->server->workers[copy];

	if (worker->listener_count == LISTENERS_MAX)
		h2o_fatal("too many addresses to listen on");
	worker->listeners[worker->listener_count++] =
		(Listener){ .clients = &worker->clients,
					.descriptor = descriptor,
					.is_admin = taking->is_admin,
					.is_local = is_local,
					.speaks_tls = !taking->is_admin && !is_local && worker->config->tls_cert_file[0] != '\0' };
}

static void
shared_configure_http(Shared *shared)
{
	h2o_hostconf_t *host;

	h2o_config_init(&shared->http);
	shared->http.server_name = h2o_iovec_init(H2O_STRLIT("parleyd"));
	shared->http.http1.upgrade_to_http2 = 0;
	shared->http.http1.req_timeout = (uint64_t) shared->config->client_timeout_ms;
	shared->http.max_request_entity_size = (size_t) shared->config->body_limit_bytes;
	host = h2o_config_register_host(&shared->http, h2o_iovec_init(H2O_STRLIT("default")), 65535);
	/* The first prefix that matches is used. */
	if (shared->config->inbox_dir[0] != '\0')
		inbox_register(host, shared->config->inbox_dir, handler_on_request);
	h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof(h2o_handler_t))->on_req = handler_on_request;
	h2o_create_handler(&host->fallback_path, sizeof(h2o_handler_t))->on_req = handler_on_request;
	reply_register_filter(&host->fallback_path);
}

/* Returns how many descriptors the process may have open. */
static size_t
descriptors_allowed(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (size_t) limit.rlim_cur : 1024;
}

/* Returns how many descriptors the process needs, without the connections of clients. Its own database connection is
 * the loader's. */
static size_t
descriptors_needed(const Shared *shared, size_t listeners)
{
	size_t pools = shared->config->read_database_url[0] == '\0' ? 1 : 2;
	size_t connections = pools * (size_t) shared->config->read_connections + shared->write_connections;

	return DESCRIPTORS_OF_THE_PROCESS + DESCRIPTORS_OF_A_CONNECTION + DESCRIPTORS_SPARE +
		   shared->worker_count * (DESCRIPTORS_OF_A_LOOP + listeners + DESCRIPTORS_OF_A_CONNECTION * connections);
}

/* How many commits should wait for the disk at the same time depends on the disk, not on the number of threads. If
 * there are few descriptors, half of them are left to clients. */
static void
shared_choose_write_connections(Shared *shared)
{
	shared->write_connections = (size_t) shared->config->write_connections;
	if (shared->write_connections > 0)
		return;
	shared->write_connections = WRITE_CONNECTIONS_IN_ALL / shared->worker_count;
	while (shared->write_connections > WRITE_CONNECTIONS_LEAST &&
		   descriptors_needed(shared, 1) > descriptors_allowed() / 2)
		shared->write_connections--;
	if (shared->write_connections < WRITE_CONNECTIONS_LEAST)
		shared->write_connections = WRITE_CONNECTIONS_LEAST;
}

/* Lowers the limit on clients to the descriptors that are left for them. Returns false if there are none. */
static bool
server_limit_clients(Server *server)
{
	Shared *shared = &server->shared;
	size_t allowed = descriptors_allowed();
	size_t needed = descriptors_needed(shared, server->workers[0].listener_count);

	shared->client_limit = (size_t) shared->config->connection_limit;
	if (needed >= allowed)
	{
		log_error("event=too_few_descriptors needed=%zu allowed=%zu meaning=\"the limit on open files, RLIMIT_NOFILE, "
				  "leaves none for clients\"",
				  needed, allowed);
		return false;
	}
	if (allowed - needed < shared->client_limit)
	{
		shared->client_limit = allowed - needed;
		log_warning("event=connection_limit_lowered to=%zu allowed_descriptors=%zu", shared->client_limit, allowed);
	}
	return true;
}

static void
shared_create(Shared *shared, const Config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	shared->config = config;
	shared->worker_count = (size_t) (config->threads > 0 ? config->threads : cores > 0 ? cores : 1);
	shared_choose_write_connections(shared);
	if (config->rate_limit > 0)
		shared->rate_limit = rate_limit_create((unsigned) config->rate_limit, (unsigned) config->rate_burst);
	shared->metrics = calloc(shared->worker_count, sizeof(*shared->metrics));
	for (size_t i = 0; i < shared->worker_count; i++)
		shared->metrics[i] = metrics_create();
	snprintf(shared->read_session_sql, SESSION_SQL_MAX, session_sql, config->statement_timeout_ms,
			 config->transaction_pooling ? reads_transaction : reads_session);
	snprintf(shared->write_session_sql, SESSION_SQL_MAX, session_sql, config->statement_timeout_ms,
			 config->transaction_pooling ? writes_transaction : writes_session);
	pthread_barrier_init(&shared->set_up, NULL, (unsigned) shared->worker_count + 1);
	shared_configure_http(shared);
}

Server *
server_start(const Config *config, const Guest *guest, TokenKeys *keys, SSL_CTX *tls)
{
	Server *server = calloc(1, sizeof(*server));
	Taking public = { server, false };
	Taking admin = { server, true };

	shared_create(&server->shared, config);
	server->workers = calloc(server->shared.worker_count, sizeof(*server->workers));
	for (size_t i = 0; i < server->shared.worker_count; i++)
	{
		server->workers[i].shared = &server->shared;
		server->workers[i].config = config;
		server->workers[i].metrics = server->shared.metrics[i];
		server->workers[i].guest = guest;
		server->workers[i].keys = token_keys_retain(keys);
		server->workers[i].tls = tls;
		if (tls != NULL)
			SSL_CTX_up_ref(tls);
	}
	if (!listener_bind_all(config->listen, server->shared.worker_count, on_listener, &public) ||
		!listener_bind_all(config->admin_listen, server->shared.worker_count, on_listener, &admin) ||
		!server_limit_clients(server))
	{
		server_dispose(server);
		return NULL;
	}
	for (size_t i = 0; i < server->shared.worker_count; i++)
		if (pthread_create(&server->workers[i].thread, NULL, worker_main, &server->workers[i]) != 0)
			h2o_fatal("cannot start a thread");
	pthread_barrier_wait(&server->shared.set_up);
	return server;
}

void
server_set_router(Server *server, Router *router)
{
	for (size_t i = 0; i < server->shared.worker_count; i++)
		worker_tell(&server->workers[i], MESSAGE_ROUTER, router_retain(router));
	atomic_store(&server->shared.has_routes, true);
}

void
server_set_keys(Server *server, TokenKeys *keys)
{
	for (size_t i = 0; i < server->shared.worker_count; i++)
		worker_tell(&server->workers[i], MESSAGE_KEYS, token_keys_retain(keys));
}

void
server_set_tls(Server *server, SSL_CTX *tls)
{
	for (size_t i = 0; i < server->shared.worker_count; i++)
	{
		SSL_CTX_up_ref(tls);
		worker_tell(&server->workers[i], MESSAGE_TLS, tls);
	}
}

void
server_tell_guests(Server *server, void *held, void *(*retain)(void *held))
{
	for (size_t i = 0; i < server->shared.worker_count; i++)
		worker_tell(&server->workers[i], MESSAGE_GUEST, retain(held));
}

void
server_drain(Server *server)
{
	listener_remove_files(server->shared.config->listen);
	listener_remove_files(server->shared.config->admin_listen);
	for (size_t i = 0; i < server->shared.worker_count; i++)
		worker_tell(&server->workers[i], MESSAGE_DRAIN, NULL);
	for (size_t i = 0; i < server->shared.worker_count; i++)
		pthread_join(server->workers[i].thread, NULL);
}

void
server_dispose(Server *server)
{
	h2o_config_dispose(&server->shared.http);
	pthread_barrier_destroy(&server->shared.set_up);
	rate_limit_dispose(server->shared.rate_limit);
	for (size_t i = 0; i < server->shared.worker_count; i++)
		metrics_dispose(server->shared.metrics[i]);
	free(server->shared.metrics);
	free(server->workers);
	free(server);
}

/* HTTP/2 is not offered. A client that supports nothing else learns that in the handshake. */
static int
on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length, const unsigned char *offered,
		unsigned offered_length, void *data)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void) ssl, (void) data;
	return SSL_select_next_proto((unsigned char **) chosen, chosen_length, ours, sizeof(ours) - 1, offered,
								 offered_length) == OPENSSL_NPN_NEGOTIATED
			   ? SSL_TLSEXT_ERR_OK
			   : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Someone who gets the key later cannot read earlier traffic. */
static const char forward_secret[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

SSL_CTX *
server_tls_read(const char *cert_file, const char *key_file, char *error, size_t error_size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	ERR_clear_error();
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(context, forward_secret); /* for TLS 1.2; those of 1.3 all have it */
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* Idle streams should not hold buffers. */
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
	if (SSL_CTX_use_certificate_chain_file(context, cert_file) == 1 &&
		SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) == 1 &&
		SSL_CTX_check_private_key(context) == 1)
		return context;
	snprintf(error, error_size, "the certificate %s with the key %s: %s", cert_file, key_file,
			 ERR_reason_error_string(ERR_get_error()));
	SSL_CTX_free(context);
	return NULL;
}
