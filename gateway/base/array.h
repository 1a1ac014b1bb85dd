/*
 * array: PostgreSQL's array literals ({a,"b c",NULL}) from and to JSON.
 */
#ifndef ARRAY_H
#define ARRAY_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buffer.h"

/* Appends a JSON array of scalars, or of such arrays, as a literal; false if an element is an object or has a NUL in
 * it. */
bool array_from_json(const json_t *array, Buffer *out);

/* Called for each element that is not NULL, to append it as JSON. */
typedef void (*ArrayElementWriter)(Buffer *out, const char *text, size_t length);

/* Appends a literal of one or more dimensions as a JSON array. */
void array_to_json(const char *literal, ArrayElementWriter write_element, Buffer *out);

#endif
