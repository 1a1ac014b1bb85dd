/*
 * client: clients' connections. A worker lists its own; the counts of all and of each address are shared.
 */
#include "http/client.h"

#include <string.h>
#include <unistd.h>

#include "db/db_query.h"
#include "http/linger.h"

enum
{
	ACCEPTS_A_WAKE_UP = 16,
	LINGER_MS = 2000
};

static const char refusal[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
							  "Content-Type: application/problem+json\r\nContent-Length: 113\r\n\r\n"
							  "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
							  "\"code\":\"53300\",\"detail\":\"Too many connections.\"}";

void
clients_init(Clients *clients, Shared *shared, Metrics *metrics, h2o_loop_t *loop)
{
	*clients = (Clients){ .shared = shared, .metrics = metrics, .loop = loop };
	h2o_linklist_init_anchor(&clients->list);
	h2o_timeout_init(loop, &clients->linger_timeout, LINGER_MS);
}

void
clients_dispose(Clients *clients)
{
	linger_end_all(&clients->linger_timeout);
	h2o_timeout_dispose(clients->loop, &clients->linger_timeout);
}

Client *
client_of(h2o_conn_t *connection)
{
	return connection->callbacks->get_socket(connection)->on_close.data;
}

static void
on_close(void *data)
{
	Client *client = data;
	Clients *clients = client->clients;

	h2o_linklist_unlink(&client->link);
	clients->count--;
	atomic_fetch_sub(&clients->shared->client_count, 1);
	if (!client->is_local && !client->is_proxy)
		address_count_remove(clients->shared->addresses, client->address);
	if (client->linger_descriptor >= 0)
		linger_close(clients->loop, &clients->linger_timeout, client->linger_descriptor);
	free(client);
}

/* Counts the connection in, unless there are too many in all or of its address. The admin's listener knows no limits,
 * and a proxy has the connections of all its clients. */
static bool
count_in(Clients *clients, const Listener *listener, AddressKey address, bool is_proxy)
{
	const Config *config = clients->shared->config;

	if (atomic_fetch_add(&clients->shared->client_count, 1) < clients->shared->client_limit || listener->is_admin)
	{
		unsigned limit = listener->is_admin ? UINT32_MAX : (unsigned) config->address_connection_limit;

		if (listener->is_local || is_proxy || address_count_add(clients->shared->addresses, address, limit))
			return true;
	}
	atomic_fetch_sub(&clients->shared->client_count, 1);
	return false;
}

/* Told in clear where the connection is; a handshake would cost what the limit is to spare. */
static void
turn_away(Clients *clients, const Listener *listener, h2o_socket_t *socket)
{
	ssize_t sent = listener->speaks_tls ? 0 : write(h2o_socket_get_fd(socket), refusal, sizeof(refusal) - 1);

	metrics_count_refused_client(clients->metrics);
	if (sent > 0)
		linger_close(clients->loop, &clients->linger_timeout, dup(h2o_socket_get_fd(socket)));
	h2o_socket_close(socket);
}

static void
welcome(Clients *clients, Listener *listener, h2o_socket_t *socket)
{
	struct sockaddr_storage peer = { 0 };
	const struct sockaddr *address = (struct sockaddr *) &peer;
	bool is_proxy;
	Client *client;

	if (h2o_socket_getpeername(socket, (struct sockaddr *) &peer) == 0 && !listener->is_local)
	{
		h2o_socket_close(socket); /* gone already */
		return;
	}
	is_proxy = proxies_include(clients->shared->proxies, listener->is_local ? NULL : address);
	if (!count_in(clients, listener, address_key(address), is_proxy))
	{
		turn_away(clients, listener, socket);
		return;
	}
	client = h2o_mem_alloc(sizeof(*client));
	*client = (Client){ .socket = socket,
						.clients = clients,
						.address = address_key(address),
						.is_admin = listener->is_admin,
						.is_local = listener->is_local,
						.is_proxy = is_proxy,
						.idle_since_us = db_now_us(),
						.linger_descriptor = -1 };
	h2o_linklist_insert(&clients->list, &client->link);
	clients->count++;
	socket->on_close.cb = on_close;
	socket->on_close.data = client;
	h2o_accept(&listener->accept, socket);
}

/* Whether there was one to accept. */
static bool
accept_one(Listener *listener)
{
	h2o_socket_t *socket = h2o_evloop_socket_accept(listener->socket);

	if (socket != NULL)
		welcome(listener->clients, listener, socket);
	return socket != NULL;
}

void
client_on_accept(h2o_socket_t *listening, const char *error)
{
	for (int i = 0; i < ACCEPTS_A_WAKE_UP && error == NULL; i++)
		if (!accept_one(listening->data))
			return;
}

void
client_accept_all(Listener *listener)
{
	while (accept_one(listener))
		;
}

void
client_let_linger(Client *client)
{
	if (client->linger_descriptor < 0)
		client->linger_descriptor = dup(h2o_socket_get_fd(client->socket));
}

void
clients_check(Clients *clients, uint64_t now_us)
{
	uint64_t patience_us = (uint64_t) clients->shared->config->send_timeout_ms * 1000;

	for (h2o_linklist_t *link = clients->list.next; link != &clients->list; link = link->next)
	{
		Client *client = H2O_STRUCT_FROM_MEMBER(Client, link, link);

		if (client->sending_since_us != 0 && now_us > client->sending_since_us + patience_us)
			shutdown(h2o_socket_get_fd(client->socket), SHUT_RDWR);
	}
}

void
clients_cut_off(Clients *clients)
{
	for (h2o_linklist_t *link = clients->list.next; link != &clients->list; link = link->next)
		shutdown(h2o_socket_get_fd(H2O_STRUCT_FROM_MEMBER(Client, link, link)->socket), SHUT_RDWR);
}

/* HTTP/1 has no way to say that an idle connection will close: its reading side is shut, which h2o takes for its end.
 */
void
clients_close_idle(Clients *clients, uint64_t since_us)
{
	for (h2o_linklist_t *link = clients->list.next; link != &clients->list; link = link->next)
	{
		Client *client = H2O_STRUCT_FROM_MEMBER(Client, link, link);

		if (client->requests == 0 && client->idle_since_us <= since_us)
			shutdown(h2o_socket_get_fd(client->socket), SHUT_RD);
	}
}
