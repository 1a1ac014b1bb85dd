/*
 * client: the connection of one client, from accept to close, and the limits on their number and on patience with them.
 * This is the gateway's job because each connection is a descriptor of its process.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <h2o.h>

#include "http/shared.h"

/* All clients of one event loop. */
typedef struct Clients
{
	h2o_linklist_t list;
	h2o_linklist_t sending;
	size_t count;
	size_t held_bytes; /* by all of them, when last looked at */
	uint64_t looked_at_us;
	Shared *shared;
	Metrics *metrics;
} Clients;

typedef struct Listener
{
	Clients *clients; /* of those who connect here */
	int descriptor;
	h2o_socket_t *socket;
	bool is_admin;
	bool is_local; /* it is a unix socket */
	bool speaks_tls;
	h2o_accept_ctx_t accept; /* h2o keeps a pointer to it during a handshake */
} Listener;

typedef struct Client
{
	h2o_linklist_t link;
	h2o_socket_t *socket;
	Clients *clients;
	bool is_admin;
	bool is_local;
	unsigned requests;         /* in progress */
	uint64_t idle_since_us;    /* if no request is in progress */
	h2o_linklist_t sending;    /* linked while a response is being sent */
	uint64_t sending_since_us; /* when the part that is being sent was passed to h2o; 0 if nothing is being sent */
	size_t sending_bytes;      /* size of the response, until it is read */
	void *guest;               /* what a guest holds for the request in progress */
	bool is_cut_off;           /* h2o is about to notice */
} Client;

/* Accepts waiting connections, a limited number at a time. The socket's data is its Listener. */
void client_on_accept(h2o_socket_t *listener, const char *error);

/* Notes that a response is being sent or, with 0 bytes, that it was sent. To make room for it, clients that hold most
 * may be disconnected. */
void client_set_sending(Client *client, size_t bytes);

/* Notes that the client has read a part of the response, and so has the full time again for the next. */
void client_note_progress(Client *client);

/* Disconnects clients that read too slowly and, if too much memory is in use, those that hold most. Called in every
 * tick. */
void clients_check(Clients *clients, uint64_t now_us);

/* Accepts a waiting connection. Returns false if there is none. */
bool client_accept(Listener *listener);

/* Closes all connections, whatever is in progress on them. */
void clients_cut_off(Clients *clients);

/* Closes the connections that have been idle since then. */
void clients_close_idle(Clients *clients, uint64_t since_us);

#endif
