/*
 * buffer: bytes that grow. The holder owns the memory: {0} is an empty buffer, buffer_dispose gives it back.
 */
#ifndef BUFFER_H
#define BUFFER_H

#include <stddef.h>

typedef struct Buffer
{
	char *base;
	size_t length;
	size_t capacity;
} Buffer;

void buffer_append(Buffer *buffer, const void *bytes, size_t length);
void buffer_append_byte(Buffer *buffer, char byte);
void buffer_append_text(Buffer *buffer, const char *text);
void buffer_printf(Buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for length more bytes at base + length; the caller adds to length what it wrote. */
char *buffer_reserve(Buffer *buffer, size_t length);

/* The content with a NUL behind it, which is not counted. */
const char *buffer_text(Buffer *buffer);

/* Gives back what is reserved and not used, if it is much. */
void buffer_trim(Buffer *buffer);

void buffer_dispose(Buffer *buffer);

#endif
