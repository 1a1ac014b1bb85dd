/*
 * json: JSON text written straight into a buffer, and PostgreSQL's array literals ({a,"b c",NULL}) from and to JSON.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buffer.h"

/* Appends text, valid UTF-8, as a JSON string in quotes. */
void json_write_string(Buffer *buffer, const char *text, size_t length);

/* The same of a C string; NULL becomes null. */
void json_write_text(Buffer *buffer, const char *text);

/* Appends a JSON array of scalars as a literal of PostgreSQL's; false if an element is none, or has a NUL in it. */
bool array_from_json(const json_t *array, Buffer *out);

/* Called for each element that is not NULL, to append it as JSON. */
typedef void (*ArrayElementWriter)(Buffer *out, const char *text, size_t length);

/* Appends a literal of PostgreSQL's as a JSON array. */
void array_to_json(const char *literal, ArrayElementWriter write_element, Buffer *out);

#endif
