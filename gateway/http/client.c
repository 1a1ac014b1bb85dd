/*
 * client: connections of clients. Each worker has a list of its own. The total number is shared.
 */
#include "http/client.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "db/db_query.h"

enum
{
	ACCEPTS_A_WAKE_UP = 16,
	LARGE_ANSWER_BYTES = 65536, /* smaller ones are counted only when all are looked at */
	LOOK_US = 1000000
};

static const char refusal[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
							  "Content-Type: application/problem+json\r\nContent-Length: 113\r\n\r\n"
							  "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
							  "\"code\":\"53300\",\"detail\":\"Too many connections.\"}";

static void
on_close(void *data)
{
	Client *client = data;
	Clients *clients = client->clients;

	h2o_linklist_unlink(&client->link);
	if (h2o_linklist_is_linked(&client->sending))
		h2o_linklist_unlink(&client->sending);
	clients->count--;
	atomic_fetch_sub(&clients->shared->client_count, 1);
	free(client);
}

/* There is no limit for the admin's listener. */
bool
client_accept(Listener *listener)
{
	Clients *clients = listener->clients;
	h2o_socket_t *socket = h2o_evloop_socket_accept(listener->socket);
	Client *client;

	if (socket == NULL)
		return false;
	if (atomic_fetch_add(&clients->shared->client_count, 1) >= clients->shared->client_limit && !listener->is_admin)
	{
		atomic_fetch_sub(&clients->shared->client_count, 1);
		metrics_count(clients->metrics, METRICS_CLIENTS_REFUSED);
		/* Tell it in clear if the listener has no TLS. A handshake would cost what the limit is meant to save. */
		if (!listener->speaks_tls && write(h2o_socket_get_fd(socket), refusal, sizeof(refusal) - 1) < 0)
			log_warning("event=refusal_not_sent");
		h2o_socket_close(socket);
		return true;
	}
	client = h2o_mem_alloc(sizeof(*client));
	*client = (Client){ .socket = socket,
						.clients = clients,
						.is_admin = listener->is_admin,
						.is_local = listener->is_local,
						.idle_since_us = db_now_us() };
	h2o_linklist_insert(&clients->list, &client->link);
	clients->count++;
	socket->on_close.cb = on_close;
	socket->on_close.data = client;
	h2o_accept(&listener->accept, socket);
	return true;
}

void
client_on_accept(h2o_socket_t *listening, const char *error)
{
	for (int i = 0; i < ACCEPTS_A_WAKE_UP && error == NULL; i++)
		if (!client_accept(listening->data))
			return;
}

static void
client_cut_off(Client *client)
{
	client->is_cut_off = true;
	shutdown(h2o_socket_get_fd(client->socket), SHUT_RDWR);
}

/* Returns the size of its request as received so far, and of its response as far as it has not been read. */
static size_t
client_held_bytes(const Client *client)
{
	return client->is_cut_off ? 0 : client->socket->input->size + client->sending_bytes;
}

/* Returns whether one client holds more than another, rounded to a power of two. Of equals, it is the one that has not
 * read its response for longer. */
static bool
client_is_heavier(const Client *one, const Client *other)
{
	int size = 64 - __builtin_clzll(client_held_bytes(one) | 1);
	int other_size = 64 - __builtin_clzll(client_held_bytes(other) | 1);

	return size != other_size ? size > other_size : one->sending_since_us < other->sending_since_us;
}

/* Cuts off the clients that hold most, until the rest is within the limit. Looks at all of them, including idle ones.
 */
static void
clients_make_room(Clients *clients)
{
	size_t limit = (size_t) clients->shared->config->in_flight_limit_bytes;
	size_t held = limit + 1;

	while (held > limit)
	{
		Client *largest = NULL;

		held = 0;
		for (h2o_linklist_t *link = clients->list.next; link != &clients->list; link = link->next)
		{
			Client *client = H2O_STRUCT_FROM_MEMBER(Client, link, link);

			held += client_held_bytes(client);
			if (client_held_bytes(client) > 0 && (largest == NULL || client_is_heavier(client, largest)))
				largest = client;
		}
		if (held > limit && largest != NULL)
		{
			log_warning("event=client_cut_off held_bytes=%zu held_by_all_bytes=%zu", client_held_bytes(largest), held);
			client_cut_off(largest);
		}
	}
	clients->held_bytes = held;
	clients->looked_at_us = db_now_us();
}

void
client_set_sending(Client *client, size_t bytes)
{
	if (h2o_linklist_is_linked(&client->sending))
		h2o_linklist_unlink(&client->sending);
	if (bytes > 0)
		h2o_linklist_insert(&client->clients->sending, &client->sending);
	client->sending_since_us = bytes == 0 ? 0 : db_now_us();
	client->sending_bytes = bytes;
	if (bytes >= LARGE_ANSWER_BYTES)
		clients_make_room(client->clients);
}

void
client_note_progress(Client *client)
{
	h2o_linklist_unlink(&client->sending);
	h2o_linklist_insert(&client->clients->sending, &client->sending);
	client->sending_since_us = db_now_us();
}

void
clients_check(Clients *clients, uint64_t now_us)
{
	uint64_t patience_us = (uint64_t) clients->shared->config->send_timeout_ms * 1000;

	for (h2o_linklist_t *link = clients->sending.next; link != &clients->sending; link = link->next)
	{
		Client *client = H2O_STRUCT_FROM_MEMBER(Client, sending, link);

		/* All that follow started later. */
		if (now_us <= client->sending_since_us + patience_us)
			break;
		client_cut_off(client);
	}
	if (now_us > clients->looked_at_us + LOOK_US ||
		clients->held_bytes > (size_t) clients->shared->config->in_flight_limit_bytes / 4)
		clients_make_room(clients);
}

void
clients_cut_off(Clients *clients)
{
	for (h2o_linklist_t *link = clients->list.next; link != &clients->list; link = link->next)
		shutdown(h2o_socket_get_fd(H2O_STRUCT_FROM_MEMBER(Client, link, link)->socket), SHUT_RDWR);
}

/* In HTTP/1 a server cannot announce that it will close an idle connection. We shut down the reading side, which h2o
 * takes for the client's end. */
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
