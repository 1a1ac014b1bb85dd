/*
 * event: the text of server-sent events (text/event-stream). Knows no HTTP library.
 */
#ifndef EVENT_H
#define EVENT_H

#include "base/buffer.h"

/* An event; data NULL: the id alone, which the client keeps. */
void event_write(Buffer *out, const char *id, const char *data, size_t length);

/* The last event of a stream, and after how long the client may come again. */
void event_write_end(Buffer *out, const char *reason, unsigned retry_ms);

void event_write_retry(Buffer *out, unsigned retry_ms);

/* What says nothing, so that whoever is between sees that the stream lives. */
void event_write_comment(Buffer *out);

#endif
