/*
 * proxies: the proxies whose X-Forwarded-For is believed, and the client that it names.
 */
#ifndef PROXIES_H
#define PROXIES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

typedef struct Proxies Proxies;

/*
 * Reads a list of addresses, networks (192.0.2.0/24) and "unix" (whoever connects to a unix socket), comma separated;
 * it may be empty. NULL if it is no such list, with a sentence on why in error.
 */
Proxies *proxies_read(const char *list, char *error, size_t error_size);
void proxies_dispose(Proxies *proxies);

/* Whether the peer of a connection is one of them; peer NULL: that of a unix socket. */
bool proxies_include(const Proxies *proxies, const struct sockaddr *peer);

/*
 * The client that a header names: the last address in it that is no proxy's, or the first if all are. False if there is
 * none, or if what has to be read up to there is no address.
 */
bool proxies_find_client(const Proxies *proxies, const char *header, size_t length, struct sockaddr_storage *client);

#endif
