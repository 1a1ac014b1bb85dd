/*
 * json_writer: JSON text, written straight into a buffer. (Reading JSON is jansson's.)
 */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include <stddef.h>

#include "base/buffer.h"

/* Appends text, valid UTF-8, as a JSON string in quotes. */
void json_write_string(Buffer *buffer, const char *text, size_t length);

/* The same of a C string; NULL becomes null. */
void json_write_text(Buffer *buffer, const char *text);

#endif
