/*
 * db_error: what went wrong with a query.
 */
#ifndef DB_ERROR_H
#define DB_ERROR_H

#include <stdbool.h>

typedef enum DbErrorKind
{
	DB_ERROR_SERVER,      /* PostgreSQL answered with an error */
	DB_ERROR_UNREACHABLE, /* there is no connection, the query was not sent */
	DB_ERROR_QUEUE_FULL,  /* too many wait already, the query was not sent */
	DB_ERROR_LOST         /* the connection broke while the query was under way */
} DbErrorKind;

/* Texts are never NULL but where there is none, and live as long as the callback. */
typedef struct DbError
{
	DbErrorKind kind;
	bool outcome_unknown; /* LOST: whether it committed cannot be told */
	char sqlstate[6];
	const char *message;
	const char *detail;
	const char *hint;
	const char *column;
	const char *constraint;
	const char *type_schema;
	const char *type_name;
} DbError;

#endif
