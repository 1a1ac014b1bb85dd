/*
 * rfc3339: times as clients write them, and as PostgreSQL does.
 */
#ifndef RFC3339_H
#define RFC3339_H

#include <stdbool.h>

#include "base/buffer.h"

/* Whether text is a time of RFC 3339 with its zone, such as 2024-02-29T12:00:00.5+01:00, of the years 1 to 9999 in UTC.
 */
bool rfc3339_is_valid(const char *text);

/* Appends PostgreSQL's ISO output in UTC, 2024-02-29 11:00:00.5+00, as "2024-02-29T11:00:00.5Z"; null where RFC
 * 3339 has no way to write it. */
void rfc3339_write(Buffer *out, const char *text, size_t length);

#endif
