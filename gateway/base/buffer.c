/*
 * buffer: bytes that grow by doubling. Running out of memory ends the process, as everywhere in h2o.
 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *
buffer_reserve(Buffer *buffer, size_t length)
{
	if (buffer->capacity - buffer->length < length)
	{
		size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity;

		while (capacity - buffer->length < length)
			capacity *= 2;
		buffer->base = realloc(buffer->base, capacity);
		if (buffer->base == NULL)
			abort();
		buffer->capacity = capacity;
	}
	return buffer->base + buffer->length;
}

void
buffer_append(Buffer *buffer, const void *bytes, size_t length)
{
	if (length == 0)
		return;
	memcpy(buffer_reserve(buffer, length), bytes, length);
	buffer->length += length;
}

void
buffer_append_byte(Buffer *buffer, char byte)
{
	*buffer_reserve(buffer, 1) = byte;
	buffer->length++;
}

void
buffer_append_text(Buffer *buffer, const char *text)
{
	buffer_append(buffer, text, strlen(text));
}

void
buffer_printf(Buffer *buffer, const char *format, ...)
{
	va_list arguments;
	size_t room = 128;
	int length;

	for (;;)
	{
		va_start(arguments, format);
		length = vsnprintf(buffer_reserve(buffer, room), room, format, arguments);
		va_end(arguments);
		if (length < 0)
			return;
		if ((size_t) length < room)
			break;
		room = (size_t) length + 1;
	}
	buffer->length += (size_t) length;
}

const char *
buffer_text(Buffer *buffer)
{
	*buffer_reserve(buffer, 1) = '\0';
	return buffer->base;
}

void
buffer_trim(Buffer *buffer)
{
	char *base;

	if (buffer->length < 65536 || buffer->capacity - buffer->length < buffer->length / 8)
		return;
	base = realloc(buffer->base, buffer->length);
	if (base == NULL)
		return;
	buffer->base = base;
	buffer->capacity = buffer->length;
}

void
buffer_dispose(Buffer *buffer)
{
	free(buffer->base);
	*buffer = (Buffer){ 0 };
}
