/*
 * push: a client of streams, for the benchmark. Many streams share one event loop, while messages are posted at a
 * steady rate.
 *
 *   push HOST PORT PEOPLE RATE SECONDS [LINGER [NEXT_PORT]]
 *
 * PEOPLE is a file of lines "user conversation": the users whose streams to open, and the conversations to which they
 * post. Prints "opened N SECONDS" when all streams are open and waits for a line on standard input. Whatever arrives
 * before that is not measured. At the end, prints one line: posts made and failed, messages received, messages that
 * were repeated or out of order, and the time from created_at to arrival in ms: p50, p99, max. LINGER is how long to
 * listen after the last post (3 s).
 *
 * With NEXT_PORT, a stream that ends is opened again there, after the pause that it was told and from its last id. A
 * second line then has: how many streams were, the seconds from the first end until all were back, and how many
 * messages there are by the last number that each stream received.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum
{
	OPENING_MAX = 256,
	POSTERS = 32,
	EVENTS = 512,
	BUCKETS = 200000, /* of 50 us each */
	BUCKET_US = 50
};

typedef struct Link
{
	int descriptor;
	bool is_poster;
	bool is_busy; /* a poster that waits for a response, or a stream that is not open yet */
	int64_t user_id;
	int64_t conversation_id;
	int64_t next; /* the number of the next message */
	char *last_id;
	uint64_t again_us; /* when to open it again, or 0 if it is open */
	char *text;
	size_t length;
	size_t room;
} Link;

typedef struct Push
{
	struct sockaddr_in address;
	uint16_t next_port; /* 0 if no stream ends */
	size_t opening;     /* streams that were asked for and are not open yet */
	size_t away;        /* streams that are to be opened again */
	size_t moved;       /* streams that were */
	uint64_t first_end_us;
	uint64_t all_back_us;
	int epoll;
	Link *streams;
	size_t count;
	size_t opened;
	Link posters[POSTERS];
	bool is_measured;
	uint64_t posted;
	uint64_t failed;
	uint64_t received;
	uint64_t repeated;
	uint64_t gaps;
	uint64_t late_max_us;
	uint32_t histogram[BUCKETS + 1];
} Push;

static Push push;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t
now_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static void
link_send(Link *link, const char *text, size_t length)
{
	if (write(link->descriptor, text, length) != (ssize_t) length)
		die("write");
}

static void
link_connect(Link *link)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = link };
	int on = 1;

	link->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (link->descriptor < 0 || connect(link->descriptor, (struct sockaddr *) &push.address, sizeof(push.address)) != 0)
		die("connect");
	setsockopt(link->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(push.epoll, EPOLL_CTL_ADD, link->descriptor, &event) != 0)
		die("epoll_ctl");
}

static void
stream_open(Link *stream)
{
	char request[1024];
	int length = snprintf(request, sizeof(request), "GET /users/%jd/events HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s%s\r\n",
						  (intmax_t) stream->user_id, stream->last_id == NULL ? "" : "Last-Event-ID: ",
						  stream->last_id == NULL ? "" : stream->last_id, stream->last_id == NULL ? "" : "\r\n");

	link_connect(stream);
	stream->is_busy = true;
	push.opening++;
	link_send(stream, request, (size_t) length);
}

/* Parses an RFC 3339 time in UTC, with at most microseconds. */
static uint64_t
read_time_us(const char *text)
{
	struct tm broken = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &broken);
	uint64_t fraction = 0;
	int digits = 0;

	if (rest != NULL && *rest == '.')
		for (rest++; *rest >= '0' && *rest <= '9' && digits < 6; rest++, digits++)
			fraction = fraction * 10 + (uint64_t) (*rest - '0');
	for (; digits < 6; digits++)
		fraction *= 10;
	return (uint64_t) timegm(&broken) * 1000000 + fraction;
}

static void
stream_take_message(Link *stream, int64_t number, uint64_t created_us)
{
	uint64_t late_us = now_us(CLOCK_REALTIME) - created_us;

	if (!push.is_measured)
	{
		stream->next = number + 1;
		return;
	}
	push.received++;
	if (number < stream->next)
		push.repeated++;
	else if (number > stream->next)
		push.gaps += (uint64_t) (number - stream->next);
	if (number >= stream->next)
		stream->next = number + 1;
	push.histogram[late_us / BUCKET_US < BUCKETS ? late_us / BUCKET_US : BUCKETS]++;
	if (late_us > push.late_max_us)
		push.late_max_us = late_us;
}

/* Keeps the last id and the pause for when the stream ends. */
static void
stream_keep_place(Link *stream)
{
	char *id = NULL, *retry = strstr(stream->text, "event: end\nretry: ");

	for (char *at = stream->text; (at = strstr(at, "id: ")) != NULL; at++)
		id = at + 4;
	if (id != NULL)
	{
		free(stream->last_id);
		stream->last_id = strndup(id, strcspn(id, "\n"));
	}
	if (retry != NULL)
		stream->again_us = now_us(CLOCK_MONOTONIC) + strtoul(retry + 18, NULL, 10) * 1000;
}

static void
stream_take_events(Link *stream)
{
	if (push.next_port != 0)
		stream_keep_place(stream);
	for (char *at = stream->text; (at = strstr(at, "{\"conversation_id\":")) != NULL; at++)
	{
		intmax_t conversation, number;
		char *created;

		if (sscanf(at, "{\"conversation_id\":%jd,\"message_id\":%jd,", &conversation, &number) != 2)
			continue;
		created = strstr(at, "\"created_at\":\"");
		if (created != NULL)
			stream_take_message(stream, number, read_time_us(created + 14));
	}
	stream->length = 0;
	stream->text[0] = '\0';
}

/* Parses whole events. The server sends each event as one chunk, so there is no framing within them. */
static void
stream_read(Link *stream)
{
	char *end;

	if (stream->is_busy && strstr(stream->text, "\r\n\r\n") != NULL && strstr(stream->text, "id: ") != NULL)
	{
		if (strncmp(stream->text, "HTTP/1.1 200", 12) != 0)
		{
			fprintf(stderr, "push: %s\n", stream->text);
			exit(1);
		}
		stream->is_busy = false;
		push.opened++;
		push.opening--;
		if (push.first_end_us != 0)
			push.moved++, push.all_back_us = now_us(CLOCK_MONOTONIC);
	}
	end = strrchr(stream->text, '\n');
	if (stream->is_busy || end == NULL || end == stream->text || end[-1] != '\n')
	{
		/* The end of the chunk follows the end of the event. */
		if (stream->is_busy || stream->length < 4 || memcmp(stream->text + stream->length - 4, "\n\n\r\n", 4) != 0)
			return;
	}
	stream_take_events(stream);
}

static void
poster_read(Link *poster)
{
	char *head = strstr(poster->text, "\r\n\r\n");
	char *length = strcasestr(poster->text, "content-length: ");

	if (head == NULL || length == NULL ||
		poster->length < (size_t) (head + 4 - poster->text) + strtoul(length + 16, NULL, 10))
		return;
	push.failed += strncmp(poster->text, "HTTP/1.1 201", 12) != 0;
	poster->is_busy = false;
	poster->length = 0;
	poster->text[0] = '\0';
}

/* A stream that ended is to be opened again, at the other server. */
static void
link_leave(Link *link)
{
	stream_take_events(link);
	close(link->descriptor);
	push.opening -= link->is_busy;
	if (push.first_end_us == 0)
		push.first_end_us = now_us(CLOCK_MONOTONIC);
	push.address.sin_port = htons(push.next_port);
	push.away++;
	if (link->again_us == 0)
		link->again_us = now_us(CLOCK_MONOTONIC);
}

static void
link_read(Link *link)
{
	ssize_t count;

	if (link->room < link->length + 8192)
	{
		link->room = link->length + 16384;
		link->text = realloc(link->text, link->room);
		link->text[link->length] = '\0';
	}
	count = read(link->descriptor, link->text + link->length, link->room - link->length - 1);
	if (count <= 0 && push.next_port != 0 && !link->is_poster)
	{
		link_leave(link);
		return;
	}
	/* One that had nothing to post for long. */
	if (count <= 0 && link->is_poster && !link->is_busy)
	{
		close(link->descriptor);
		link_connect(link);
		return;
	}
	if (count <= 0)
	{
		fprintf(stderr, "push: a connection ended: %.200s\n", link->length > 0 ? link->text : "");
		exit(1);
	}
	link->length += (size_t) count;
	link->text[link->length] = '\0';
	if (link->is_poster)
		poster_read(link);
	else
		stream_read(link);
	/* There are many idle streams. */
	if (!link->is_poster && link->length == 0)
	{
		free(link->text);
		link->text = NULL;
		link->room = 0;
	}
}

static void
open_again(void)
{
	static uint64_t looked_at_us;
	uint64_t at_us = now_us(CLOCK_MONOTONIC);

	if (push.away == 0 || at_us < looked_at_us + 20000)
		return;
	looked_at_us = at_us;
	for (size_t i = 0; i < push.count && push.opening < OPENING_MAX; i++)
	{
		Link *stream = &push.streams[i];

		if (stream->again_us == 0 || stream->again_us > at_us)
			continue;
		stream->again_us = 0;
		push.away--;
		stream_open(stream);
	}
}

static void
wait_for_events(int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(push.epoll, events, EVENTS, timeout_ms);

	for (int i = 0; i < count; i++)
		link_read(events[i].data.ptr);
	open_again();
}

static void
post(Link *poster)
{
	static const char body[] =
		"{\"content\":\"Did you see it already? The second half is much better than the first one, I think.\"}";
	const Link *stream = &push.streams[(push.posted * 7919) % push.count];
	char request[512];
	int length = snprintf(request, sizeof(request),
						  "POST /users/%jd/conversations/%jd/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n"
						  "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
						  (intmax_t) stream->user_id, (intmax_t) stream->conversation_id, strlen(body), body);

	poster->is_busy = true;
	push.posted++;
	link_send(poster, request, (size_t) length);
}

static void
read_people(const char *name)
{
	FILE *file = fopen(name, "r");
	intmax_t user, conversation;

	if (file == NULL)
		die(name);
	push.streams = calloc(1000000, sizeof(Link));
	while (fscanf(file, "%jd %jd", &user, &conversation) == 2)
		push.streams[push.count++] = (Link){ .user_id = user, .conversation_id = conversation, .next = 1 };
	fclose(file);
}

static void
open_all(void)
{
	uint64_t begun_us = now_us(CLOCK_MONOTONIC);

	for (size_t i = 0; push.opened < push.count;)
	{
		for (; i < push.count && push.opening < OPENING_MAX; i++)
			stream_open(&push.streams[i]);
		wait_for_events(100);
	}
	printf("opened %zu %.3f\n", push.count, (double) (now_us(CLOCK_MONOTONIC) - begun_us) / 1e6);
	fflush(stdout);
}

/* The streams are read meanwhile. */
static void
await_start(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[16];

	while (poll(&input, 1, 0) == 0)
		wait_for_events(10);
	if (fgets(line, sizeof(line), stdin) == NULL)
		exit(0);
	push.is_measured = true;
}

static void
post_for(double rate, double seconds)
{
	uint64_t begun_us = now_us(CLOCK_MONOTONIC), elapsed_us;

	for (int i = 0; i < POSTERS; i++)
	{
		push.posters[i] = (Link){ .is_poster = true };
		link_connect(&push.posters[i]);
	}
	while ((elapsed_us = now_us(CLOCK_MONOTONIC) - begun_us) < (uint64_t) (seconds * 1e6))
	{
		for (int i = 0; i < POSTERS && (double) push.posted < (double) elapsed_us / 1e6 * rate; i++)
			if (!push.posters[i].is_busy)
				post(&push.posters[i]);
		wait_for_events(1);
	}
}

static double
percentile_ms(double share)
{
	uint64_t before = 0;

	for (size_t i = 0; i <= BUCKETS; i++)
	{
		before += push.histogram[i];
		if (before > 0 && (double) before >= share * (double) push.received)
			return (double) (i + 1) * BUCKET_US / 1000;
	}
	return 0;
}

static void
print_move(void)
{
	int64_t heard = 0;

	for (size_t i = 0; i < push.count; i++)
		heard += push.streams[i].next - 1;
	printf("moved %zu %.3f %jd\n", push.moved, (double) (push.all_back_us - push.first_end_us) / 1e6, (intmax_t) heard);
}

int
main(int argc, char **argv)
{
	struct rlimit limit;
	uint64_t until_us;

	if (argc < 6)
	{
		fprintf(stderr, "usage: push HOST PORT PEOPLE RATE SECONDS [LINGER [NEXT_PORT]]\n");
		return 1;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	push.address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t) atoi(argv[2])) };
	inet_pton(AF_INET, argv[1], &push.address.sin_addr);
	push.next_port = argc > 7 ? (uint16_t) atoi(argv[7]) : 0;
	push.epoll = epoll_create1(EPOLL_CLOEXEC);
	read_people(argv[3]);
	open_all();
	await_start();
	post_for(atof(argv[4]), atof(argv[5]));
	until_us = now_us(CLOCK_MONOTONIC) + (uint64_t) ((argc > 6 ? atof(argv[6]) : 3) * 1e6);
	while (now_us(CLOCK_MONOTONIC) < until_us)
		wait_for_events(50);
	printf("measured %ju %ju %ju %ju %ju %.3f %.3f %.3f\n", (uintmax_t) push.posted, (uintmax_t) push.failed,
		   (uintmax_t) push.received, (uintmax_t) push.repeated, (uintmax_t) push.gaps, percentile_ms(0.5),
		   percentile_ms(0.99), (double) push.late_max_us / 1000);
	if (push.next_port != 0)
		print_move();
	return 0;
}
