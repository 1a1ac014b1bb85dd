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

/* Appends an element to a literal that is being made, and its beginning before the first; NULL is one of SQL's. The
 * caller ends it with a brace. */
void array_append(Buffer *literal, const char *text);

/* Writes a JSON array of scalars as a literal of PostgreSQL's; false if an element is none, or has a NUL in it. out is
 * empty. */
bool array_from_json(const json_t *array, Buffer *out);

/* Called for each element that is not NULL, to append it as JSON. */
typedef void (*ArrayElementWriter)(Buffer *out, const char *text, size_t length);

/* Appends a literal of PostgreSQL's as a JSON array. */
void array_to_json(const char *literal, ArrayElementWriter write_element, Buffer *out);

#endif
