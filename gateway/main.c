/*
 * main: arguments, signals, start, drain. The main thread's loop has the signals and the route loader; requests are the
 * workers' affair.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "route_loader.h"
#include "server.h"

typedef struct Gateway
{
	Config config;
	h2o_loop_t *loop;
	h2o_socket_t *signals;
	Server *server;
	RouteLoader *loader;
	bool stopping;
} Gateway;

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
			route_loader_reload(gateway->loader);
		else
			gateway->stopping = true;
	}
}

/* Blocks the signals that are read from the descriptor, in all threads to come: there must be none yet. */
static h2o_socket_t *
watch_signals(h2o_loop_t *loop)
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

/* Without a key everyone is the operator, so only this machine may ask; see HTTP.md's rule. */
static bool
check_exposure(const Config *config)
{
	char *addresses = strdup(config->listen);
	char *rest = NULL;
	bool loopback = true;

	for (char *address = strtok_r(addresses, ", ", &rest); address != NULL; address = strtok_r(NULL, ", ", &rest))
		loopback = loopback && config_is_loopback(address);
	free(addresses);
	if (!loopback && !config->insecure)
	{
		fprintf(stderr,
				"parleyd: no key is configured, so everyone would be the operator: refusing to listen on %s "
				"without --insecure\n",
				config->listen);
		return false;
	}
	log_warning("event=no_key meaning=\"everyone who reaches this gateway is the operator\"");
	return true;
}

static int
serve(Gateway *gateway)
{
	gateway->loop = h2o_evloop_create();
	gateway->signals = watch_signals(gateway->loop);
	log_start(STDERR_FILENO);
	gateway->signals->data = gateway;
	gateway->server = server_start(&gateway->config);
	if (gateway->server == NULL)
	{
		log_stop();
		return EXIT_FAILURE;
	}
	gateway->loader = route_loader_start(gateway->loop, &gateway->config, gateway->server);
	while (!gateway->stopping)
		h2o_evloop_run(gateway->loop, INT32_MAX);
	log_info("event=draining");
	server_drain(gateway->server);
	server_wait(gateway->server);
	route_loader_dispose(gateway->loader);
	server_dispose(gateway->server);
	log_info("event=stopped");
	log_stop();
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	Gateway gateway = { 0 };

	switch (config_read(&gateway.config, argc, argv, stdout, stderr))
	{
		case CONFIG_DONE:
			return EXIT_SUCCESS;
		case CONFIG_WRONG:
			return EXIT_FAILURE;
		case CONFIG_CHECK:
			return check_exposure(&gateway.config) && route_loader_check(&gateway.config) ? EXIT_SUCCESS : EXIT_FAILURE;
		case CONFIG_RUN:
			break;
	}
	return check_exposure(&gateway.config) ? serve(&gateway) : EXIT_FAILURE;
}
