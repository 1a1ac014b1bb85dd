/*
 * value: one parameter's value: is it of its type and within its domain's bounds, and how PostgreSQL reads it.
 */
#ifndef VALUE_H
#define VALUE_H

#include <jansson.h>

#include "routes/route.h"

/* A value's outcome: text, which may be NULL for an SQL null, or what is wrong with it. */
typedef struct Value
{
	const char *text;
	const char *wrong; /* NULL: nothing */
} Value;

/* From a path, query or header: NUL-terminated valid UTF-8, length tells of NULs inside. The text is not copied. */
Value value_from_text(const Parameter *parameter, const char *text, size_t length, h2o_mem_pool_t *pool);

/* From a JSON body. Strings are not copied: json must live as long as the pool. */
Value value_from_json(const Parameter *parameter, const json_t *json, h2o_mem_pool_t *pool);

#endif
