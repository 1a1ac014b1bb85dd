/*
 * A fuzz target for everything that a client's bytes pass through before PostgreSQL: a whole server with one worker, on
 * a unix socket, with fake_db_pool.c in place of the pool. The first byte of an input is the number of bytes after
 * which the client pauses; the rest is what it sends. The process must never end, a client that has sent its last byte
 * must get a response and be closed within a few turns of the loop, and the response must be HTTP that blames only the
 * client.
 */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "gateway_rows.h"
#include "http/server.h"
#include "live/live.h"

#define PARAMETERS(source)                                                                                           \
	"{\"name\":\"i\",\"in\":\"" source "\",\"type\":\"integer\",\"type_oid\":23,\"required\":false,\"minimum\":-5}," \
	"{\"name\":\"s\",\"in\":\"" source "\",\"type\":\"smallint\",\"type_oid\":21,\"required\":false,\"maximum\":5}," \
	"{\"name\":\"b\",\"in\":\"" source "\",\"type\":\"boolean\",\"type_oid\":16,\"required\":false},"                \
	"{\"name\":\"t\",\"in\":\"" source "\",\"type\":\"text\",\"type_oid\":25,\"required\":false,\"min_length\":1},"  \
	"{\"name\":\"w\",\"in\":\"" source "\",\"type\":\"text\",\"type_oid\":25,\"required\":false,"                    \
	"\"one_of\":[\"asc\",\"desc\"]},"                                                                                \
	"{\"name\":\"at\",\"in\":\"" source                                                                              \
	"\",\"type\":\"timestamp with time zone\",\"type_oid\":1184,\"required\":false},"                                \
	"{\"name\":\"j\",\"in\":\"" source "\",\"type\":\"jsonb\",\"type_oid\":3802,\"required\":false},"                \
	"{\"name\":\"a\",\"in\":\"" source "\",\"type\":\"text[]\",\"type_oid\":1009,\"required\":false},"               \
	"{\"name\":\"n\",\"in\":\"" source "\",\"type\":\"numeric\",\"type_oid\":1700,\"required\":false}"
#define ID "{\"name\":\"user_id\",\"in\":\"path\",\"type\":\"text\",\"type_oid\":25,\"required\":true}"
#define KEY                                                                                                \
	"{\"name\":\"key\",\"in\":\"header\",\"type\":\"text\",\"type_oid\":25,\"required\":false,\"domain\":" \
	"\"parley.idempotency_key\",\"max_length\":64}"
#define TOKEN "{\"name\":\"token\",\"in\":\"path\",\"type\":\"text\",\"type_oid\":25,\"required\":true}"

#define ROW(method, path, auth, parameters) method, path, auth, "200", "f", "t", "", "SELECT", "[" parameters "]"

/* The rows of describe_routes(): a parameter of every source and type, and a route for every kind of caller. */
static const char *const routes[] = { ROW("GET", "/a/{user_id}", "none", ID "," PARAMETERS("query")),
									  ROW("POST", "/a/{user_id}", "none", ID "," KEY "," PARAMETERS("body")),
									  ROW("PUT", "/u/{user_id}", "user", ID "," PARAMETERS("body")),
									  ROW("DELETE", "/o", "operator", ""),
									  ROW("POST", "/t/{token}", "application", TOKEN "," PARAMETERS("body")) };

enum
{
	ROUTE_COLUMNS = 9,
	ANSWER_BYTES_MAX = 1 << 20,
	PATIENCE_TICKS = 80,
	LOOK_MS = 500
};

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static char answer[ANSWER_BYTES_MAX + 1];

/* Ticks of the worker's loop. They are the clock of this target, because they stand still when the machine does. */
static atomic_uint ticks;
static Guest guest;
static void (*guest_on_tick)(void *state, uint64_t now_us);

static void
on_tick(void *state, uint64_t now_us)
{
	atomic_fetch_add(&ticks, 1);
	guest_on_tick(state, now_us);
}

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static Router *
make_router(void)
{
	static const RowColumn columns[ROUTE_COLUMNS] = {
		{ "method", 25 },      { "path", 25 },        { "auth", 25 },      { "status", 21 },      { "function", 25 },
		{ "returns_set", 16 }, { "description", 25 }, { "statement", 25 }, { "parameters", 3802 }
	};
	int count = (int) (sizeof(routes) / sizeof(routes[0])) / ROUTE_COLUMNS;
	PGresult *rows = make_rows(columns, ROUTE_COLUMNS, routes, count);
	Router *router = router_create();

	router_add_rows(router, rows, NULL);
	require(router->route_count == (size_t) count);
	PQclear(rows);
	return router;
}

static TokenKeys *
make_keys(void)
{
	static const char secret[] = "a secret of thirty-two bytes, or more";
	int file = memfd_create("key", 0);
	char path[64];
	char error[256] = "";
	const Config config = { .jwt_key_file = path, .jwt_issuer = "", .jwt_audience = "", .verified_phone_claim = "" };
	TokenKeys *keys;

	require(write(file, secret, sizeof(secret) - 1) == sizeof(secret) - 1);
	snprintf(path, sizeof(path), "HS256:/proc/self/fd/%d", file);
	keys = token_keys_read(&config, error, sizeof(error));
	require(keys != NULL);
	close(file);
	return keys;
}

static void
remove_socket(void)
{
	unlink(address.sun_path);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static Config config;
	static char listen[sizeof(address.sun_path) + 5];
	char *flags[] = { "parleyd",
					  "--listen",
					  listen,
					  "--threads",
					  "1",
					  "--log-requests=false",
					  "--client-timeout-ms",
					  "3600000",
					  "--cors-origin",
					  "http://a",
					  "--rate-limit",
					  "1000000",
					  "--rate-burst",
					  "1000000",
					  "--body-limit-bytes",
					  "2000",
					  NULL };
	Server *server;

	(void) argc, (void) argv;
	signal(SIGPIPE, SIG_IGN);
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/parley-fuzz-%d", (int) getpid());
	snprintf(listen, sizeof(listen), "unix:%s", address.sun_path);
	require(config_read(&config, (int) (sizeof(flags) / sizeof(flags[0])) - 1, flags, stdout, stderr) == CONFIG_RUN);
	guest = *live_guest(live_create());
	guest_on_tick = guest.on_tick;
	guest.on_tick = on_tick;
	server = server_start(&config, &guest, make_keys(), NULL);
	require(server != NULL);
	server_set_router(server, make_router());
	atexit(remove_socket);
	return 0;
}

static void
send_all(int client, const uint8_t *bytes, size_t length)
{
	while (length > 0)
	{
		ssize_t sent = send(client, bytes, length, 0);

		if (sent < 0)
			return; /* the server has closed */
		bytes += sent;
		length -= (size_t) sent;
	}
}

/* Waits until the server has read what was sent, or has closed. */
static void
wait_until_read(int client)
{
	int unread = 1;

	for (int i = 0; i < 100 && unread > 0; i++)
	{
		usleep(10);
		if (ioctl(client, SIOCOUTQ, &unread) != 0)
			return;
	}
}

/* Waits until there is something to read, or the end. */
static void
wait_until_readable(int client)
{
	struct pollfd state = { .fd = client, .events = POLLIN };
	unsigned before = atomic_load(&ticks);

	while (poll(&state, 1, LOOK_MS) == 0)
		require(atomic_load(&ticks) - before < PATIENCE_TICKS);
}

static size_t
receive_all(int client)
{
	size_t length = 0;
	ssize_t received;

	do
	{
		wait_until_readable(client);
		received = recv(client, answer + length, ANSWER_BYTES_MAX - length, 0);
		length += received > 0 ? (size_t) received : 0;
	} while (received > 0);
	answer[length] = '\0';
	return length;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t pause = length == 0 ? 0 : bytes[0];

	if (length == 0)
		return close(client);
	require(connect(client, (struct sockaddr *) &address, sizeof(address)) == 0);
	if (pause > 0 && pause < length - 1)
	{
		send_all(client, bytes + 1, pause);
		wait_until_read(client);
	}
	else
		pause = 0;
	send_all(client, bytes + 1 + pause, length - 1 - pause);
	shutdown(client, SHUT_WR);
	if (receive_all(client) > 0)
		require(strncmp(answer, "HTTP/1.1 ", 9) == 0 && strstr(answer, "HTTP/1.1 500") == NULL);
	return close(client);
}
