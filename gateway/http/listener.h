/*
 * listener: listening sockets for the addresses in the configuration.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>
#include <stddef.h>

/* Receives a listening descriptor for one of the copies. is_local is true for a unix socket. */
typedef void (*ListenerTaker)(void *data, size_t copy, int descriptor, bool is_local);

/* Checks that each address is a unix socket or ends with a port. Reports errors on standard error, with the flag. */
bool listener_check_addresses(const char *addresses, const char *flag);

/*
 * Binds each of the addresses (host:port, [host]:port, unix:/path; comma separated) once per copy: with SO_REUSEPORT,
 * so that the kernel distributes connections, or, for a unix socket, by duplicating the descriptor. Returns false if an
 * address cannot be bound, which has been logged.
 */
bool listener_bind_all(const char *addresses, size_t copies, ListenerTaker take, void *data);

/* Removes the files of unix sockets. */
void listener_remove_files(const char *addresses);

#endif
