/*
 * csv: writes lists according to RFC 4180, and finds out which clients want that.
 */
#ifndef CSV_H
#define CSV_H

#include <stdbool.h>

#include "base/buffer.h"

/* Appends a field, quoted if necessary. An empty text is quoted too, to distinguish it from a null, for which nothing
 * is written. COPY does the same. */
void csv_write_field(Buffer *out, const char *text, size_t length);

/* Returns whether the value of an Accept header (RFC 9110, 12.5.1) names text/csv, and prefers it to application/json.
 */
bool csv_is_preferred(const char *accept, size_t length);

#endif
