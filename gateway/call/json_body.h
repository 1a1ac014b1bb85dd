/*
 * json_body: a request's body as a JSON object.
 */
#ifndef JSON_BODY_H
#define JSON_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include <h2o.h>
#include <jansson.h>

typedef struct JsonBody
{
	json_t *object;     /* lives as long as the pool; NULL: there is none */
	const char *wrong;  /* why there is none */
	bool has_large_one; /* an integer that no bigint holds stands somewhere in it, and all integers are reals */
} JsonBody;

/* Parses a body; at most 2,048 levels deep, as jansson has it, and no name twice. */
JsonBody json_body_parse(const char *text, size_t length, h2o_mem_pool_t *pool);

/* Both to be asked where the body has_large_one. Whether a value is a number that no bigint holds, or has one in it. */
bool json_body_is_large(const json_t *value);

/* The integer that a real was, in pool's memory; NULL: it was none. */
json_t *json_body_integer(const json_t *value, h2o_mem_pool_t *pool);

#endif
