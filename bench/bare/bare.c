/*
 * bare: measures libh2o by itself, for the benchmarks. It has one handler that returns a constant, and a thread per
 * core. PORT is the port to listen on.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <h2o.h>

typedef struct Worker
{
	h2o_context_t http;
	h2o_accept_ctx_t accept;
} Worker;

static h2o_globalconf_t config;
static uint16_t port;

static int
on_request(h2o_handler_t *handler, h2o_req_t *request)
{
	static h2o_generator_t generator;
	static h2o_iovec_t body = { H2O_STRLIT("{\"status\":\"ok\"}") };

	(void) handler;
	request->res.status = 200;
	request->res.reason = "OK";
	request->res.content_length = body.len;
	h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, H2O_STRLIT("application/json"));
	h2o_start_response(request, &generator);
	h2o_send(request, &body, 1, H2O_SEND_STATE_FINAL);
	return 0;
}

static void
on_accept(h2o_socket_t *listener, const char *error)
{
	Worker *worker = listener->data;
	h2o_socket_t *socket;

	while (error == NULL && (socket = h2o_evloop_socket_accept(listener)) != NULL)
		h2o_accept(&worker->accept, socket);
}

static int
listen_shared(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
								   .sin_port = htons(port),
								   .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int on = 1;
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(descriptor, (struct sockaddr *) &address, sizeof(address)) != 0 || listen(descriptor, SOMAXCONN) != 0)
	{
		perror("bare");
		exit(EXIT_FAILURE);
	}
	return descriptor;
}

static void *
worker_main(void *data)
{
	Worker *worker = data;
	h2o_socket_t *listener;

	h2o_context_init(&worker->http, h2o_evloop_create(), &config);
	worker->accept = (h2o_accept_ctx_t){ .ctx = &worker->http, .hosts = config.hosts };
	listener = h2o_evloop_socket_create(worker->http.loop, listen_shared(), H2O_SOCKET_FLAG_DONT_READ);
	listener->data = worker;
	h2o_socket_read_start(listener, on_accept);
	for (;;)
		h2o_evloop_run(worker->http.loop, INT32_MAX);
	return NULL;
}

int
main(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);
	Worker *workers = calloc((size_t) count, sizeof(*workers));
	pthread_t thread;
	h2o_hostconf_t *host;

	signal(SIGPIPE, SIG_IGN);
	port = (uint16_t) atoi(getenv("PORT"));
	h2o_config_init(&config);
	host = h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
	h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof(h2o_handler_t))->on_req = on_request;
	for (long i = 1; i < count; i++)
		pthread_create(&thread, NULL, worker_main, &workers[i]);
	worker_main(&workers[0]);
	return EXIT_SUCCESS;
}
