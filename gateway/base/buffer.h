/*
 * buffer: a growing array of bytes. The holder owns the memory: {0} is an empty buffer, and buffer_dispose() frees it.
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

/* Makes room for `length` more bytes at base + length. The caller adds to `length` what it has written. */
char *buffer_reserve(Buffer *buffer, size_t length);

/* Returns the content followed by a NUL, which is not counted. */
const char *buffer_text(Buffer *buffer);

/* Frees the unused part if it is large. */
void buffer_trim(Buffer *buffer);

void buffer_dispose(Buffer *buffer);

#endif
