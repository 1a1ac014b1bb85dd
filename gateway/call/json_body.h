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
	bool has_large_one; /* a number that no type of C holds stands somewhere in it */
} JsonBody;

/* Parses a body; at most 64 levels deep, no name twice. */
JsonBody json_body_parse(const char *text, size_t length, h2o_mem_pool_t *pool);

/* Whether a value is a number that no type of C holds, or has one in it. To be asked where the body has_large_one. */
bool json_body_is_large(const json_t *value);

#endif
