/*
 * listener: listening sockets for the addresses in the configuration.
 */
#include "http/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

typedef struct Binding
{
	const char *name;
	size_t copies;
	ListenerTaker take;
	void *data;
} Binding;

static bool
binding_fail(const char *name, const char *reason)
{
	log_error("event=cannot_listen address=%s reason=\"%s\"", name, reason);
	return false;
}

/* Returns a bound socket, or -1. Without `sharing`, detects whether someone else is serving the address already. */
static int
address_bind(const struct addrinfo *address, bool sharing)
{
	int on = 1;
	int unsent_bytes = 131072; /* two pieces of a response */
	int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (descriptor < 0)
		return -1;
	setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sharing)
		setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	/* Clients' sockets inherit it. Without it, the kernel takes megabytes in advance, and then nothing for a long time
	 * from a client that reads slowly. */
	setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes, sizeof(unsent_bytes));
	if (address->ai_family == AF_INET6)
		setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(descriptor, address->ai_addr, address->ai_addrlen) == 0 &&
		(!sharing || listen(descriptor, SOMAXCONN) == 0))
		return descriptor;
	close(descriptor);
	return -1;
}

static bool
binding_bind_copies(const Binding *binding, const struct addrinfo *address)
{
	int probe = address_bind(address, false);

	if (probe < 0)
		return binding_fail(binding->name, strerror(errno));
	close(probe);
	for (size_t i = 0; i < binding->copies; i++)
	{
		int descriptor = address_bind(address, true);

		if (descriptor < 0)
			return binding_fail(binding->name, strerror(errno));
		binding->take(binding->data, i, descriptor, false);
	}
	return true;
}

bool
listener_check_addresses(const char *addresses, const char *flag)
{
	char *list = strdup(addresses);
	char *rest = NULL;
	bool fine = true;

	for (char *name = strtok_r(list, ", ", &rest); name != NULL; name = strtok_r(NULL, ", ", &rest))
	{
		const char *colon = strrchr(name, ':');
		const char *port = colon == NULL ? "" : colon + 1;
		size_t digits = strspn(port, "0123456789");

		/* getaddrinfo() would take a larger port modulo 65,536. */
		if (strncmp(name, "unix:", 5) == 0 ||
			(digits > 0 && digits <= 5 && port[digits] == '\0' && atoi(port) <= UINT16_MAX))
			continue;
		fprintf(stderr, "parleyd: %s is \"%s\", it must end with a port from 0 to 65535\n", flag, name);
		fine = false;
	}
	free(list);
	return fine;
}

/* host:port or [host]:port */
static bool
binding_bind_name(const Binding *binding)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found = NULL;
	const char *colon = strrchr(binding->name, ':');
	size_t length = colon == NULL ? 0 : (size_t) (colon - binding->name);
	size_t bracket = length > 1 && binding->name[0] == '[' && colon[-1] == ']';
	char host[256];
	bool fine = true;

	if (colon == NULL || length >= sizeof(host))
		return binding_fail(binding->name, "not an address");
	snprintf(host, sizeof(host), "%.*s", (int) (length - 2 * bracket), binding->name + bracket);
	if (getaddrinfo(host[0] == '\0' ? NULL : host, colon + 1, &hints, &found) != 0)
		return binding_fail(binding->name, "not an address");
	for (struct addrinfo *address = found; address != NULL && fine; address = address->ai_next)
		fine = binding_bind_copies(binding, address);
	freeaddrinfo(found);
	return fine;
}

static bool
binding_bind_path(const Binding *binding, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int probe;

	if (strlen(path) >= sizeof(address.sun_path))
	{
		close(descriptor);
		return binding_fail(binding->name, "the path is too long");
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(probe, (struct sockaddr *) &address, sizeof(address)) != 0 && errno == ECONNREFUSED)
		unlink(path); /* the file of a gateway that no longer runs */
	close(probe);
	if (bind(descriptor, (struct sockaddr *) &address, sizeof(address)) != 0 || listen(descriptor, SOMAXCONN) != 0)
	{
		binding_fail(binding->name, strerror(errno));
		close(descriptor);
		return false;
	}
	for (size_t i = 0; i < binding->copies; i++)
		binding->take(binding->data, i, fcntl(descriptor, F_DUPFD_CLOEXEC, 0), true);
	close(descriptor);
	return true;
}

bool
listener_bind_all(const char *addresses, size_t copies, ListenerTaker take, void *data)
{
	char *list = strdup(addresses);
	char *rest = NULL;
	bool fine = true;

	for (char *name = strtok_r(list, ", ", &rest); name != NULL && fine; name = strtok_r(NULL, ", ", &rest))
	{
		Binding binding = { .name = name, .copies = copies, .take = take, .data = data };

		fine = strncmp(name, "unix:", 5) == 0 ? binding_bind_path(&binding, name + 5) : binding_bind_name(&binding);
		if (fine)
			log_info("event=listening address=%s", name);
	}
	free(list);
	return fine;
}

void
listener_remove_files(const char *addresses)
{
	char *list = strdup(addresses);
	char *rest = NULL;

	for (char *name = strtok_r(list, ", ", &rest); name != NULL; name = strtok_r(NULL, ", ", &rest))
		if (strncmp(name, "unix:", 5) == 0)
			unlink(name + 5);
	free(list);
}
