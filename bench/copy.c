/*
 * copy: writes rows in PostgreSQL's binary COPY format, in messages of 64 kB. The caller owns the connection and the
 * Copy; nothing is allocated.
 */
#include "copy.h"

#include "database.h"

#include <stdio.h>
#include <string.h>

static void
flush(Copy *copy)
{
	if (PQputCopyData(copy->connection, copy->buffer, (int) copy->length) != 1)
		database_fail(copy->connection, "COPY");
	copy->length = 0;
}

static void
put(Copy *copy, const void *bytes, size_t length)
{
	while (length > 0)
	{
		size_t room = sizeof(copy->buffer) - copy->length;
		size_t part = length < room ? length : room;

		memcpy(copy->buffer + copy->length, bytes, part);
		bytes = (const char *) bytes + part;
		length -= part;
		if ((copy->length += part) == sizeof(copy->buffer))
			flush(copy);
	}
}

static void
put_big_endian(Copy *copy, uint64_t value, int width)
{
	unsigned char bytes[8];

	for (int i = width - 1; i >= 0; i--, value >>= 8)
		bytes[i] = (unsigned char) value;
	put(copy, bytes, (size_t) width);
}

void
copy_start(Copy *copy, PGconn *connection, const char *table_and_columns)
{
	/* The signature, then no flags and no header extension. */
	static const char header[19] = "PGCOPY\n\377\r\n";
	char statement[400];

	snprintf(statement, sizeof(statement), "COPY %s FROM STDIN (FORMAT binary, FREEZE)", table_and_columns);
	copy->connection = connection;
	copy->length = 0;
	database_start_copy(connection, statement);
	put(copy, header, sizeof(header));
}

void
copy_row(Copy *copy, int fields)
{
	put_big_endian(copy, (uint64_t) fields, 2);
}

void
copy_null(Copy *copy)
{
	put_big_endian(copy, UINT32_MAX, 4);
}

void
copy_integer(Copy *copy, int64_t value)
{
	put_big_endian(copy, 8, 4);
	put_big_endian(copy, (uint64_t) value, 8);
}

void
copy_boolean(Copy *copy, bool value)
{
	put_big_endian(copy, 1, 4);
	put_big_endian(copy, value, 1);
}

void
copy_timestamp(Copy *copy, Timestamp value)
{
	copy_integer(copy, value);
}

void
copy_text(Copy *copy, const char *bytes, size_t length)
{
	put_big_endian(copy, length, 4);
	put(copy, bytes, length);
}

void
copy_optional(Copy *copy, const char *string)
{
	if (*string == '\0')
		copy_null(copy);
	else
		copy_text(copy, string, strlen(string));
}

void
copy_finish(Copy *copy)
{
	put_big_endian(copy, UINT16_MAX, 2);
	flush(copy);
	database_finish_copy(copy->connection);
}
