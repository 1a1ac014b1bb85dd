/*
 * main: arguments, signals, start, drain. The main thread's loop handles signals and the route loader. The workers
 * handle requests.
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/config.h"
#include "base/log.h"
#include "base/loop.h"
#include "http/listener.h"
#include "http/route_loader.h"
#include "http/server.h"
#include "live/wakeup_listener.h"

typedef struct Gateway
{
	Config config;
	h2o_loop_t *loop;
	h2o_socket_t *signals;
	TokenKeys *keys;
	SSL_CTX *tls;
	Server *server;
	RouteLoader *loader;
	Live *live;
	WakeupListener *listener;
	bool stopping;
} Gateway;

/* Tells systemd a state, such as READY=1, if parleyd was started with Type=notify. Otherwise does nothing. */
static void
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

/* Reads the key files and the certificate again. If they cannot be read, logs that and returns false. If none are
 * configured, they are NULL. */
static bool
files_read(const Config *config, TokenKeys **keys, SSL_CTX **tls)
{
	char error[512] = "";
	char quoted[600];

	*keys = NULL;
	*tls = NULL;
	if (config->jwt_key_file[0] != '\0')
		*keys = token_keys_read(config, error, sizeof(error));
	if (error[0] == '\0' && config->tls_cert_file[0] != '\0')
		*tls = server_tls_read(config->tls_cert_file, config->tls_key_file, error, sizeof(error));
	if (error[0] == '\0')
		return true;
	log_error("event=file_not_read reason=%s", log_quote(error, quoted, sizeof(quoted)));
	token_keys_release(*keys);
	*keys = NULL;
	return false;
}

/* SIGHUP: reads keys and certificate again, keeping the old ones if the new ones cannot be read, and the routes. */
static void
gateway_reload(Gateway *gateway)
{
	TokenKeys *keys;
	SSL_CTX *tls;

	service_notify("RELOADING=1");
	if (files_read(&gateway->config, &keys, &tls))
	{
		if (keys != NULL)
			server_set_keys(gateway->server, keys);
		if (tls != NULL)
			server_set_tls(gateway->server, tls);
		token_keys_release(gateway->keys);
		SSL_CTX_free(gateway->tls);
		gateway->keys = keys;
		gateway->tls = tls;
	}
	route_loader_reload(gateway->loader);
	service_notify("READY=1");
}

static void
on_signal(h2o_socket_t *socket, const char *error)
{
	Gateway *gateway = socket->data;
	struct signalfd_siginfo info;

	(void) error;
	while (read(h2o_socket_get_fd(socket), &info, sizeof(info)) == sizeof(info))
	{
		log_info("event=signal name=SIG%s", sigabbrev_np((int) info.ssi_signo));
		if (info.ssi_signo == SIGHUP)
			gateway_reload(gateway);
		else
			gateway->stopping = true;
	}
}

/* Blocks the signals that are read from the descriptor in all threads to come, so there must be no threads yet. */
static h2o_socket_t *
signals_watch(h2o_loop_t *loop)
{
	sigset_t set;
	h2o_socket_t *socket;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	socket = h2o_evloop_socket_create(loop, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), H2O_SOCKET_FLAG_DONT_READ);
	h2o_socket_read_start(socket, on_signal);
	return socket;
}

/* Checks the settings in combination. Without a key everyone is the operator, which must be asked for explicitly. */
static bool
config_understand(const Config *config)
{
	if (!listener_check_addresses(config->listen, "--listen") ||
		!listener_check_addresses(config->admin_listen, "--admin-listen"))
		return false;
	if (config->jwt_key_file[0] == '\0' && !config->insecure)
	{
		fputs("parleyd: no key is configured, so everyone would be the operator; set --jwt-key-file, or --insecure to "
			  "try it out\n",
			  stderr);
		return false;
	}
	if (config->jwt_key_file[0] == '\0')
		log_warning("event=no_key meaning=\"everyone who reaches this gateway is the operator\"");
	return true;
}

static void
gateway_run(Gateway *gateway)
{
	gateway->loader = route_loader_start(gateway->loop, &gateway->config, gateway->server);
	gateway->listener = wakeup_listener_start(gateway->loop, &gateway->config, gateway->server, gateway->live);
	service_notify("READY=1");
	while (!gateway->stopping)
		loop_run(gateway->loop, INT32_MAX);
	service_notify("STOPPING=1");
	log_info("event=draining");
	server_drain(gateway->server);
	wakeup_listener_dispose(gateway->listener);
	route_loader_dispose(gateway->loader);
	server_dispose(gateway->server);
	log_info("event=stopped");
}

static bool
gateway_serve(Gateway *gateway)
{
	bool started = false;
	struct rlimit limit;

	/* Get as many descriptors as the system allows, because each client needs one. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
	{
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	gateway->loop = h2o_evloop_create();
	gateway->signals = signals_watch(gateway->loop);
	gateway->signals->data = gateway;
	if (files_read(&gateway->config, &gateway->keys, &gateway->tls))
	{
		gateway->live = live_create();
		gateway->server = server_start(&gateway->config, live_guest(gateway->live), gateway->keys, gateway->tls);
		started = gateway->server != NULL;
	}
	if (started)
		gateway_run(gateway);
	if (gateway->live != NULL)
		live_dispose(gateway->live);
	h2o_socket_close(gateway->signals);
	h2o_evloop_destroy(gateway->loop);
	return started;
}

int
main(int argc, char **argv)
{
	Gateway gateway = { 0 };
	bool fine = false;

	switch (config_read(&gateway.config, argc, argv, stdout, stderr))
	{
		case CONFIG_DONE:
			return EXIT_SUCCESS;
		case CONFIG_WRONG:
			return EXIT_FAILURE;
		case CONFIG_CHECK:
			fine = config_understand(&gateway.config) && files_read(&gateway.config, &gateway.keys, &gateway.tls) &&
				   route_loader_check(&gateway.config);
			break;
		case CONFIG_RUN:
			fine = config_understand(&gateway.config) && gateway_serve(&gateway);
			break;
	}
	token_keys_release(gateway.keys);
	SSL_CTX_free(gateway.tls);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
