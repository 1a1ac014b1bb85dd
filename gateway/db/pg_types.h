/*
 * pg_types: the type numbers that PostgreSQL's catalog fixes for good, of the types the gateway treats by their kind.
 */
#ifndef PG_TYPES_H
#define PG_TYPES_H

enum
{
	TYPE_BOOLEAN = 16,
	TYPE_BIGINT = 20,
	TYPE_SMALLINT = 21,
	TYPE_INTEGER = 23,
	TYPE_TEXT = 25,
	TYPE_OID = 26,
	TYPE_JSON = 114,
	TYPE_INTEGER_ARRAY = 1007,
	TYPE_TEXT_ARRAY = 1009,
	TYPE_BIGINT_ARRAY = 1016,
	TYPE_VARCHAR = 1043,
	TYPE_TIMESTAMPTZ = 1184,
	TYPE_REGTYPE_ARRAY = 2211,
	TYPE_VOID = 2278,
	TYPE_JSONB = 3802
};

#endif
