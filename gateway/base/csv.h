/*
 * csv: lists as RFC 4180 writes them, and which clients want them so.
 */
#ifndef CSV_H
#define CSV_H

#include <stdbool.h>

#include "base/buffer.h"

/* Appends a field, quoted if it has to be. An empty text is quoted too, so that it differs from a null, of which
 * nothing is written: as COPY has it. */
void csv_write_field(Buffer *out, const char *text, size_t length);

/* Whether the value of an Accept header (RFC 9110, 12.5.1) names text/csv, and prefers it to application/json. */
bool csv_is_preferred(const char *accept, size_t length);

#endif
