/*
 * log: logfmt lines through a ring. The module owns the ring; its one lock is held only to copy a line in or out.
 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum
{
	RING_SIZE = 1 << 20,
	LINE_LENGTH_MAX = 2048
};

static struct
{
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	pthread_t thread;
	bool running;
	bool stopping;
	int descriptor;
	uint64_t dropped;
	size_t head; /* bytes ever put in */
	size_t tail; /* bytes ever taken out */
	char bytes[RING_SIZE];
} ring = { .mutex = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER, .descriptor = STDERR_FILENO };

static void
write_fully(const char *bytes, size_t length)
{
	while (length > 0)
	{
		ssize_t written = write(ring.descriptor, bytes, length);

		if (written <= 0)
			return;
		bytes += written;
		length -= (size_t) written;
	}
}

/* Takes up to one contiguous piece out of the ring, waiting for one; 0 when the log is stopping and empty. */
static size_t
take(char *piece, size_t size)
{
	size_t length;

	pthread_mutex_lock(&ring.mutex);
	while (ring.head == ring.tail && !ring.stopping)
		pthread_cond_wait(&ring.filled, &ring.mutex);
	length = ring.head - ring.tail;
	if (length > RING_SIZE - ring.tail % RING_SIZE)
		length = RING_SIZE - ring.tail % RING_SIZE;
	if (length > size)
		length = size;
	memcpy(piece, ring.bytes + ring.tail % RING_SIZE, length);
	ring.tail += length;
	pthread_mutex_unlock(&ring.mutex);
	return length;
}

static void *
writer_main(void *unused)
{
	char piece[16384];
	size_t length;

	while ((length = take(piece, sizeof(piece))) > 0)
		write_fully(piece, length);
	return unused;
}

void
log_start(int descriptor)
{
	ring.descriptor = descriptor;
	ring.stopping = false;
	ring.running = pthread_create(&ring.thread, NULL, writer_main, NULL) == 0;
}

void
log_stop(void)
{
	if (!ring.running)
		return;
	pthread_mutex_lock(&ring.mutex);
	ring.stopping = true;
	pthread_cond_signal(&ring.filled);
	pthread_mutex_unlock(&ring.mutex);
	pthread_join(ring.thread, NULL);
	ring.running = false;
}

static void
put_bytes(const char *bytes, size_t length)
{
	size_t first = RING_SIZE - ring.head % RING_SIZE;

	if (first > length)
		first = length;
	memcpy(ring.bytes + ring.head % RING_SIZE, bytes, first);
	memcpy(ring.bytes, bytes + first, length - first);
	ring.head += length;
}

static void
put_line(const char *line, size_t length)
{
	char notice[64] = "";
	size_t notice_length = 0;

	pthread_mutex_lock(&ring.mutex);
	if (ring.dropped > 0)
		notice_length =
			(size_t) snprintf(notice, sizeof(notice), "level=warning event=log_lines_lost count=%ju\n", ring.dropped);
	if (RING_SIZE - (ring.head - ring.tail) < length + notice_length)
		ring.dropped++;
	else
	{
		put_bytes(notice, notice_length);
		put_bytes(line, length);
		ring.dropped = 0;
		pthread_cond_signal(&ring.filled);
	}
	pthread_mutex_unlock(&ring.mutex);
}

static void
log_line(const char *level, const char *format, va_list arguments)
{
	char line[LINE_LENGTH_MAX];
	struct timespec now;
	struct tm utc;
	size_t length;
	int added;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(line, sizeof(line), "time=%Y-%m-%dT%H:%M:%S", &utc);
	length +=
		(size_t) snprintf(line + length, sizeof(line) - length, ".%03ldZ level=%s ", now.tv_nsec / 1000000, level);
	added = vsnprintf(line + length, sizeof(line) - length - 1, format, arguments);
	if (added > 0)
		length += (size_t) added < sizeof(line) - length - 1 ? (size_t) added : sizeof(line) - length - 2;
	line[length++] = '\n';
	if (ring.running)
		put_line(line, length);
	else
		write_fully(line, length);
}

#define DEFINE_LEVEL(level)                   \
	void log_##level(const char *format, ...) \
	{                                         \
		va_list arguments;                    \
                                              \
		va_start(arguments, format);          \
		log_line(#level, format, arguments);  \
		va_end(arguments);                    \
	}

DEFINE_LEVEL(info)
DEFINE_LEVEL(warning)
DEFINE_LEVEL(error)

const char *
log_quote(const char *text, char *out, size_t size)
{
	size_t length = 0;

	out[length++] = '"';
	for (; text != NULL && *text != '\0' && length + 4 < size; text++)
	{
		unsigned char byte = (unsigned char) *text;

		if (byte == '"' || byte == '\\' || byte == '\n')
		{
			out[length++] = '\\';
			out[length++] = byte == '\n' ? 'n' : (char) byte;
		}
		else
			out[length++] = byte < 0x20 || byte == 0x7F ? ' ' : (char) byte;
	}
	out[length++] = '"';
	out[length] = '\0';
	return out;
}
