/*
 * linger: each lingering connection owns itself, until its client ends, has sent too much, or its time is over.
 */
#include "http/linger.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

enum
{
	BYTES_MAX = 64 * 1024 * 1024
};

typedef struct Linger
{
	h2o_socket_t *socket;
	h2o_timeout_entry_t timer;
	size_t bytes;
} Linger;

static void
end(Linger *linger)
{
	h2o_timeout_unlink(&linger->timer);
	h2o_socket_close(linger->socket);
	free(linger);
}

static void
on_time(h2o_timeout_entry_t *entry)
{
	end(H2O_STRUCT_FROM_MEMBER(Linger, timer, entry));
}

void
linger_end_all(h2o_timeout_t *timeout)
{
	while (!h2o_linklist_is_empty(&timeout->_entries))
		on_time(H2O_STRUCT_FROM_MEMBER(h2o_timeout_entry_t, _link, timeout->_entries.next));
}

static void
on_readable(h2o_socket_t *socket, const char *error)
{
	Linger *linger = socket->data;
	char bytes[16384];
	ssize_t count = recv(h2o_socket_get_fd(socket), bytes, sizeof(bytes), MSG_DONTWAIT);

	bool over = count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);

	linger->bytes += count > 0 ? (size_t) count : 0;
	if (error != NULL || over || linger->bytes > BYTES_MAX)
		end(linger);
}

void
linger_close(h2o_loop_t *loop, h2o_timeout_t *timeout, int descriptor)
{
	Linger *linger;

	if (descriptor < 0)
		return;
	linger = h2o_mem_alloc(sizeof(*linger));
	*linger = (Linger){ .timer = { .cb = on_time } };
	shutdown(descriptor, SHUT_WR);
	linger->socket = h2o_evloop_socket_create(loop, descriptor, H2O_SOCKET_FLAG_DONT_READ);
	linger->socket->data = linger;
	h2o_timeout_link(loop, timeout, &linger->timer);
	h2o_socket_read_start(linger->socket, on_readable);
}
