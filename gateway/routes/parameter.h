/*
 * parameter: one argument of a route's function: where its value comes from, and what the value must be.
 */
#ifndef PARAMETER_H
#define PARAMETER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <h2o.h>
#include <jansson.h>
#include <libpq-fe.h>

typedef enum ParameterSource
{
	SOURCE_PATH,
	SOURCE_QUERY,
	SOURCE_BODY,
	SOURCE_HEADER,
	SOURCE_TOKEN
} ParameterSource;

typedef struct Parameter
{
	const char *name;
	ParameterSource source;
	size_t segment; /* of the path, where source is SOURCE_PATH */
	const char *type;
	Oid type_oid;
	bool required;
	const char *fallback;    /* SQL, or NULL */
	const char *domain;      /* schema.name, or NULL */
	const char *description; /* the domain's, or NULL */
	bool has_minimum;
	bool has_maximum;
	int64_t minimum;
	int64_t maximum;
	size_t min_length; /* characters */
	size_t max_length; /* SIZE_MAX: none */
	const char **one_of;
	size_t one_of_count;
	bool has_more; /* a value within all these may still be none of the type's or the domain's: the database knows */
} Parameter;

/* Reads a parameter of a route with this path; false if it makes no sense to this version. Texts are in pool. */
bool parameter_read(const json_t *description, const char *path, h2o_mem_pool_t *pool, Parameter *parameter);

/* What the parameter is called in an answer's errors. */
const char *parameter_field(const Parameter *parameter);

#endif
