/*
 * json: writes JSON text directly into a buffer, and converts PostgreSQL's array literals ({a,"b c",NULL}) to and from
 * JSON.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buffer.h"

/* Appends a text, which must be valid UTF-8, as a quoted JSON string. */
void json_write_string(Buffer *buffer, const char *text, size_t length);

/* Same without the quotes, for a string that is written in parts. */
void json_escape(Buffer *buffer, const char *text, size_t length);

/* Appends a C string as a quoted JSON string. NULL becomes null. */
void json_write_text(Buffer *buffer, const char *text);

/* JSON as it was written. jansson's numbers are doubles, PostgreSQL's have as many digits as they need. */
typedef struct JsonText
{
	const char *text; /* not terminated */
	size_t length;
} JsonText;

/* Returns the next name or value of an object or an array. The text must have been parsed without an error, and *at
 * must be at the opening bracket at first. */
JsonText json_next_text(const char **at, const char *end);

/* Appends an element to an array literal, and the opening brace before the first. NULL is an SQL null. The caller must
 * append the closing brace. */
void array_append(Buffer *literal, const char *text);

/* Converts a JSON array of scalars to a PostgreSQL array literal. Returns false if an element is not a scalar or
 * contains a NUL. `out` must be empty. */
bool array_from_json(const json_t *array, JsonText written, Buffer *out);

/* Called for each element that is not NULL, to append it as JSON. */
typedef void (*ArrayElementWriter)(Buffer *out, const char *text, size_t length);

/* Appends a PostgreSQL array literal as a JSON array. */
void array_to_json(const char *literal, ArrayElementWriter write_element, Buffer *out);

#endif
