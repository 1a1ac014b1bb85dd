/*
 * event: the text of server-sent events.
 */
#include "live/event.h"

#include <string.h>

/* A field ends at the end of the line, so data with several lines becomes several fields. */
static void
write_field(Buffer *out, const char *name, const char *text, size_t length)
{
	while (text != NULL)
	{
		const char *end = memchr(text, '\n', length);
		size_t line = end == NULL ? length : (size_t) (end - text);

		buffer_printf(out, "%s: ", name);
		buffer_append(out, text, line);
		buffer_append_byte(out, '\n');
		length -= line + (end != NULL);
		text = end == NULL ? NULL : end + 1;
	}
}

void
event_write(Buffer *out, const char *id, const char *data, size_t length)
{
	/* An id with several lines would become several ids. */
	if (id != NULL && strpbrk(id, "\r\n") == NULL)
		write_field(out, "id", id, strlen(id));
	write_field(out, "data", data, length);
	buffer_append_byte(out, '\n');
}

void
event_write_end(Buffer *out, const char *reason, unsigned retry_ms)
{
	buffer_printf(out, "event: end\nretry: %u\ndata: {\"reason\":\"%s\"}\n\n", retry_ms, reason);
}

void
event_write_retry(Buffer *out, unsigned retry_ms)
{
	buffer_printf(out, "retry: %u\n\n", retry_ms);
}

void
event_write_comment(Buffer *out)
{
	buffer_append_text(out, ":\n\n");
}
