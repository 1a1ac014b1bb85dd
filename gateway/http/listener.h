/*
 * listener: listening sockets from the addresses of the configuration.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>
#include <stddef.h>

/* Takes a listening descriptor for one of the copies; is_local: a unix socket. */
typedef void (*ListenerTaker)(void *data, size_t copy, int descriptor, bool is_local);

/* Whether each address is a unix socket or ends with a port; what is wrong is told on standard error with the flag. */
bool listener_check_addresses(const char *addresses, const char *flag);

/*
 * Binds each of the addresses (host:port, [host]:port, unix:/path; comma separated) as many times as there are copies:
 * by SO_REUSEPORT, so that the kernel shares out connections, or, of a unix socket, by duplicates. False if one cannot
 * be bound, which was logged.
 */
bool listener_bind_all(const char *addresses, size_t copies, ListenerTaker take, void *data);

/* Removes the files of unix sockets. */
void listener_remove_files(const char *addresses);

#endif
