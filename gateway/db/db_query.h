/*
 * db_query: what the pool runs. A query has two owners: the maker (with one reference, given back by db_pool_abandon())
 * and, from db_pool_submit() until its callback, the pool. The values belong to the maker, and must live until the
 * query is abandoned.
 */
#ifndef DB_QUERY_H
#define DB_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include <h2o.h>
#include <libpq-fe.h>

/* The types that the gateway treats in their own ways. PostgreSQL's catalog never changes their numbers. */
enum
{
	TYPE_BOOLEAN = 16,
	TYPE_BIGINT = 20,
	TYPE_SMALLINT = 21,
	TYPE_INTEGER = 23,
	TYPE_TEXT = 25,
	TYPE_OID = 26,
	TYPE_JSON = 114,
	TYPE_REAL = 700,
	TYPE_DOUBLE = 701,
	TYPE_INTEGER_ARRAY = 1007,
	TYPE_TEXT_ARRAY = 1009,
	TYPE_BIGINT_ARRAY = 1016,
	TYPE_VARCHAR = 1043,
	TYPE_TIMESTAMPTZ = 1184,
	TYPE_REGTYPE_ARRAY = 2211,
	TYPE_VOID = 2278,
	TYPE_JSONB = 3802
};

typedef enum DbErrorKind
{
	DB_ERROR_SERVER,      /* PostgreSQL returned an error */
	DB_ERROR_UNREACHABLE, /* there is no connection, so the query was not sent */
	DB_ERROR_QUEUE_FULL,  /* too many are waiting already, so the query was not sent */
	DB_ERROR_LOST         /* the connection broke while the query was in progress */
} DbErrorKind;

/* Texts are set only for DB_ERROR_SERVER, "" if there is none, and live as long as the callback. */
typedef struct DbError
{
	DbErrorKind kind;
	bool outcome_unknown; /* LOST: it may have committed or not */
	char sqlstate[6];
	const char *message;
	const char *detail;
	const char *hint;
	const char *table;
	const char *column;
	const char *constraint;
	const char *type_schema;
	const char *type_name;
} DbError;

/* A statement that every connection prepares. The id is unique in the process, and is part of the statement's name on
 * the server. */
typedef struct DbStatement
{
	unsigned id;
	const char *sql;
	int parameter_count;
	const Oid *parameter_types;
} DbStatement;

typedef enum DbQueryKind
{
	DB_QUERY_EXECUTE,
	DB_QUERY_PREPARE, /* sent by the connection itself */
	DB_QUERY_SETUP,
	DB_QUERY_OTHER
} DbQueryKind;

typedef struct DbQuery DbQuery;

struct DbQuery
{
	const DbStatement *statement;
	const char *const *values; /* as text; NULL is an SQL null */
	bool repeatable;           /* running it twice does no harm */
	uint64_t party; /* the user or application it belongs to, or 0; a party always leaves one connection to others */
	void *data;     /* belongs to the maker */
	void (*on_result)(DbQuery *query, const PGresult *result);
	void (*on_error)(DbQuery *query, const DbError *error);
	void (*on_timeout)(DbQuery *query, bool sent);
	bool (*is_wanted)(DbQuery *query); /* called before a query that was queued is sent; NULL means always */

	/* Set by the pool, for others to read, in microseconds of CLOCK_MONOTONIC. */
	uint64_t submitted_at_us;
	uint64_t queued_at_us;
	uint64_t sent_at_us;
	uint64_t finished_at_us;

	/* Private to the pool. */
	h2o_linklist_t link;
	DbQueryKind kind;
	unsigned statement_id;
	bool abandoned;
	bool queued;
	bool repeated;
	bool answered; /* rows have arrived, but the commit is not confirmed yet */
	struct DbPool *pool;
	PGresult *result;
};

/* Creates a query with one reference, the maker's. */
DbQuery *db_query_create(const DbStatement *statement, const char *const *values);

/* In on_result: makes the result the caller's, who must clear it. */
PGresult *db_query_take_result(DbQuery *query);

uint64_t db_now_us(void);

#endif
