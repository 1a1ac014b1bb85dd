/*
 * log: the gateway logs requests because only it sees all of them. The lock makes sure that the room that was seen in
 * the pipe is still there when the line is written.
 */
#include "base/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum
{
	LINE_LENGTH_MAX = 2048 /* below PIPE_BUF: if a pipe has any room, a line fits */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_ullong dropped;

void
log_line(const char *level, const char *format, ...)
{
	char line[LINE_LENGTH_MAX];
	struct pollfd state = { .fd = STDERR_FILENO, .events = POLLOUT };
	struct timespec now;
	struct tm utc;
	va_list arguments;
	size_t length;
	int added;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(line, sizeof(line), "time=%Y-%m-%dT%H:%M:%S", &utc);
	length +=
		(size_t) snprintf(line + length, sizeof(line) - length, ".%03ldZ level=%s ", now.tv_nsec / 1000000, level);
	va_start(arguments, format);
	added = vsnprintf(line + length, sizeof(line) - length - 1, format, arguments);
	va_end(arguments);
	if (added > 0)
		length += (size_t) added < sizeof(line) - length - 1 ? (size_t) added : sizeof(line) - length - 2;
	line[length++] = '\n';
	pthread_mutex_lock(&mutex);
	if (poll(&state, 1, 0) != 1 || (state.revents & POLLOUT) == 0 ||
		write(STDERR_FILENO, line, length) != (ssize_t) length)
		atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
	pthread_mutex_unlock(&mutex);
}

uint64_t
log_dropped_count(void)
{
	return atomic_load_explicit(&dropped, memory_order_relaxed);
}

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
