/*
 * server: the workers and what they share. The main thread creates and ends it.
 */
#ifndef SERVER_H
#define SERVER_H

#include <openssl/ssl.h>

#include "config/config.h"
#include "http/guest.h"
#include "routes/router.h"
#include "access/token.h"

typedef struct Server Server;

/*
 * Binds the addresses to listen on, and starts the workers. Returns NULL on failure, which has been logged. config and
 * guest must outlive the server. keys and tls may be NULL if there are none. They are set before the first request,
 * because without keys everyone is the operator.
 */
Server *server_start(const Config *config, const Guest *guest, TokenKeys *keys, SSL_CTX *tls);

/* Returns a context that offers TLS 1.2 and 1.3 and only HTTP/1.1, or NULL with a sentence in `error`. Free it with
 * SSL_CTX_free(). */
SSL_CTX *server_tls_read(const char *cert_file, const char *key_file, char *error, size_t error_size);

/* Give every worker the same router, keys or TLS context. The caller keeps its own reference. */
void server_set_router(Server *server, Router *router);
void server_set_keys(Server *server, TokenKeys *keys);
void server_set_tls(Server *server, SSL_CTX *tls);

/* Sends something to every worker's guest, each with its own reference. Any thread may call this. */
void server_tell_guests(Server *server, void *held, void *(*retain)(void *held));

/* Stops accepting, finishes requests in progress, within the drain timeout, and returns when that is done. */
void server_drain(Server *server);

void server_dispose(Server *server);

#endif
