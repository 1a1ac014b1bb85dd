/*
 * client: one client's connection, from accept to close, and the limits on their number and patience: the gateway's
 * own, since each connection is a descriptor of its process.
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
	size_t held_bytes; /* by all of them, when they were last looked at */
	uint64_t looked_at_us;
	Shared *shared;
	Metrics *metrics;
} Clients;

typedef struct Listener
{
	Clients *clients; /* of whom connects */
	int descriptor;
	h2o_socket_t *socket;
	bool is_admin;
	bool is_local; /* a unix socket */
	bool speaks_tls;
	h2o_accept_ctx_t accept; /* h2o keeps its address while a handshake lasts */
} Listener;

typedef struct Client
{
	h2o_linklist_t link;
	h2o_socket_t *socket;
	Clients *clients;
	bool is_admin;
	bool is_local;
	unsigned requests;         /* under way */
	uint64_t idle_since_us;    /* if no request is under way */
	h2o_linklist_t sending;    /* linked while an answer is being sent */
	uint64_t sending_since_us; /* 0: nothing is being sent */
	size_t sending_bytes;      /* of the answer, until it is read */
	void *guest;               /* what a guest has of the request under way */
	bool is_cut_off;           /* h2o is about to notice */
} Client;

/* Accepts what waits, a bounded number at a time. The socket's data is its Listener. */
void client_on_accept(h2o_socket_t *listener, const char *error);

/* Notes that an answer is being sent, or with 0 bytes that it was. For its memory others who hold most are cut off. */
void client_set_sending(Client *client, size_t bytes);

/* Cuts off who reads too slowly, and who holds most of too much memory. Called every tick. */
void clients_check(Clients *clients, uint64_t now_us);

/* Accepts one that waits; false if none does. */
bool client_accept(Listener *listener);

/* Ends all connections, whatever is under way on them. */
void clients_cut_off(Clients *clients);

/* Ends the connections that have been without a request since then. */
void clients_close_idle(Clients *clients, uint64_t since_us);

#endif
