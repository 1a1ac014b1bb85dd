/*
 * value: checks one parameter's value against its type and its domain's bounds, and converts it to the text that
 * PostgreSQL reads.
 */
#ifndef VALUE_H
#define VALUE_H

#include "base/json.h"
#include "routes/route.h"

/* The result: a text, which may be NULL for an SQL null, or what is wrong with the value. */
typedef struct Value
{
	const char *text;
	const char *wrong; /* NULL if nothing is wrong */
} Value;

/* Takes a value from a path, query or header, which is valid UTF-8 with a NUL at the end; NULs inside are noticed by
 * the length. The text is not copied. */
Value value_from_text(const Parameter *parameter, const char *text, size_t length, h2o_mem_pool_t *pool);

/* Takes a value from a JSON body, where it was written so. Numbers keep all their digits. Strings are not copied, so
 * `json` must live as long as the pool. */
Value value_from_json(const Parameter *parameter, const json_t *json, JsonText written, h2o_mem_pool_t *pool);

#endif
