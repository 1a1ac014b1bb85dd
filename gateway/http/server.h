/*
 * server: the workers and what they share. Made and ended by the main thread.
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
 * Binds the listen addresses and starts the workers; NULL if that fails, which was logged. The config and the
 * guest must live on. keys and tls may be NULL: none; they are set before the first request, since without keys
 * everyone is the operator.
 */
Server *server_start(const Config *config, const Guest *guest, TokenKeys *keys, SSL_CTX *tls);

/* A context that offers TLS 1.2 and 1.3 and HTTP/1.1 alone, or NULL with a sentence on why in error. SSL_CTX_free it.
 */
SSL_CTX *server_tls_read(const char *cert_file, const char *key_file, char *error, size_t error_size);

/* Give every worker the same router, keys or TLS context; the caller keeps its own hold. */
void server_set_router(Server *server, Router *router);
void server_set_keys(Server *server, TokenKeys *keys);
void server_set_tls(Server *server, SSL_CTX *tls);

/* Gives every worker's guest something, each a hold of its own. Any thread. */
void server_tell_guests(Server *server, void *held, void *(*retain)(void *held));

/* Stops accepting, finishes what is under way, at most for the drain timeout, and returns when that is done. */
void server_drain(Server *server);

void server_dispose(Server *server);

#endif
