/*
 * rfc3339: times as clients and as PostgreSQL write them.
 */
#ifndef RFC3339_H
#define RFC3339_H

#include <stdbool.h>

#include "base/buffer.h"

/* Returns whether the text is an RFC 3339 time with its zone, such as 2024-02-29T12:00:00.5+01:00, within the years 1
 * to 9999 in UTC. */
bool rfc3339_is_valid(const char *text);

/* Appends PostgreSQL's ISO output in UTC, such as 2024-02-29 11:00:00.5+00, as "2024-02-29T11:00:00.5Z", or as null if
 * RFC 3339 cannot represent it. */
void rfc3339_write(Buffer *out, const char *text, size_t length);

#endif
