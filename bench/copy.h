#ifndef BENCH_COPY_H
#define BENCH_COPY_H

#include "timeline.h"

#include <libpq-fe.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

/* A COPY … FROM STDIN (FORMAT binary) in progress. Any failure ends the program with the server's message. */
typedef struct Copy
{
	PGconn *connection; /* owned by the caller, who must not send anything else through it meanwhile */
	size_t length;
	char buffer[1 << 16];
} Copy;

/* Takes a table name with its columns in parentheses. The rows are frozen, so the table must have been truncated in the
 * same transaction. */
void copy_start(Copy *copy, PGconn *connection, const char *table_and_columns);

/* Starts a row of this many fields, which must follow in order. */
void copy_row(Copy *copy, int fields);
void copy_null(Copy *copy);
void copy_integer(Copy *copy, int64_t value);
void copy_boolean(Copy *copy, bool value);
void copy_timestamp(Copy *copy, Timestamp value);
void copy_text(Copy *copy, const char *bytes, size_t length);

/* Writes null if the string is empty. */
void copy_optional(Copy *copy, const char *string);
void copy_finish(Copy *copy);

#endif
