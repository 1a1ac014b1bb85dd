/*
 * service: systemd's notification protocol, which is a datagram to the socket that NOTIFY_SOCKET names.
 */
#include "http/service.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
service_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = path == NULL ? 0 : strlen(path);
	int descriptor;

	if (length == 0 || length >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@') /* the abstract namespace */
		address.sun_path[0] = '\0';
	descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return;
	sendto(descriptor, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *) &address,
		   (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length));
	close(descriptor);
}
