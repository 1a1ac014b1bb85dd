#ifndef BENCH_COPY_H
#define BENCH_COPY_H

#include "timeline.h"

#include <libpq-fe.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

/* A COPY … FROM STDIN (FORMAT binary) under way. Any failure ends the program with the server's message. */
typedef struct Copy
{
	PGconn *connection; /* the caller's; nothing else may be sent through it meanwhile */
	size_t length;
	char buffer[1 << 16];
} Copy;

/* `table` with its columns in parentheses. The table is frozen, so it must have been emptied in the same transaction.
 */
void copy_start(Copy *copy, PGconn *connection, const char *table_and_columns);

/* A row: first how many fields, then each of them in turn. */
void copy_row(Copy *copy, int fields);
void copy_null(Copy *copy);
void copy_integer(Copy *copy, int64_t value);
void copy_boolean(Copy *copy, bool value);
void copy_timestamp(Copy *copy, Timestamp value);
void copy_text(Copy *copy, const char *bytes, size_t length);

/* Null where the string is empty. */
void copy_optional(Copy *copy, const char *string);
void copy_finish(Copy *copy);

#endif
