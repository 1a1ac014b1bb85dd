/*
 * event: the text of server-sent events (text/event-stream). It does not depend on an HTTP library.
 */
#ifndef EVENT_H
#define EVENT_H

#include "base/buffer.h"

/* Writes an event. If data is NULL, it has only the id, which the client keeps. */
void event_write(Buffer *out, const char *id, const char *data, size_t length);

/* Writes the last event of a stream, with the time after which the client may come back. */
void event_write_end(Buffer *out, const char *reason, unsigned retry_ms);

void event_write_retry(Buffer *out, unsigned retry_ms);

/* Writes a comment, which shows everyone in between that the stream is alive. */
void event_write_comment(Buffer *out);

#endif
