/*
 * db_connection: one pipelined libpq connection on an event loop. It owns its PGconn and the queries in progress on it.
 * It does not know about pools or HTTP, and notifies its owner by callbacks.
 */
#ifndef DB_CONNECTION_H
#define DB_CONNECTION_H

#include "db/db_query.h"

typedef enum DbConnectionState
{
	DB_CONNECTION_CLOSED,
	DB_CONNECTION_CONNECTING,
	DB_CONNECTION_SETTING_UP, /* session settings and statements have been sent */
	DB_CONNECTION_READY
} DbConnectionState;

typedef struct DbConnection DbConnection;

typedef struct DbConnectionOwner
{
	void *data;
	void (*on_state)(void *data, DbConnection *connection, DbConnectionState before);
	/* A query has had its callback, so there is room for another one. */
	void (*on_room)(void *data, DbConnection *connection);
	/* The connection broke with this query in progress; called for the last one first. If outcome_known, it certainly
	 * did not commit. */
	void (*on_lost)(void *data, DbQuery *query, bool outcome_known);
	/* The query's statement is no longer what was prepared. The query has done nothing. */
	void (*on_stale)(void *data, DbQuery *query);
	/* A notification arrived on the channel. May be NULL. */
	void (*on_notification)(void *data, const char *channel);
} DbConnectionOwner;

typedef struct DbConnectionSettings
{
	const char *conninfo;
	const char *target_session_attrs; /* used if conninfo does not say */
	/* One statement that makes the settings which the session needs. $1 is false, or true to make them only for the
	 * transaction. */
	const char *setup_sql;
	const char *channel;         /* to LISTEN to, or NULL */
	bool transaction_pooling;    /* a pooler may give each transaction another session, so no state is kept in it */
	uint32_t silence_timeout_ms; /* a connection with queries in progress that is silent for this long is broken */
	uint32_t connect_timeout_ms;
} DbConnectionSettings;

struct DbConnection
{
	h2o_loop_t *loop;
	const DbConnectionSettings *settings;
	const DbConnectionOwner *owner;
	DbConnectionState state; /* changed only by set_state */
	PGconn *pg;
	h2o_socket_t *socket;     /* uses a duplicate of libpq's descriptor */
	h2o_linklist_t under_way; /* DbQuery.link, in the order sent */
	size_t under_way_count;
	uint64_t changed_at_us; /* time of the last response or change of state */
	bool fatal;             /* the server has said why it ends */
	bool unusable;          /* the session could not be set up */
	uint64_t
		nonce; /* part of the names of its statements, because the clients of a pooler share its server connections */
	char reason[256];     /* why it was last closed */
	bool commit_doubtful; /* the server warned that a commit may not be replicated */
	const DbStatement *const *statements;
	size_t statement_count;
	unsigned char *prepared; /* by position in `statements` */
	/* The hosts of conninfo in the order to try next, once the first of them did not respond; NULL before. */
	char *hosts;
	char *host_addresses;
	char *ports;
};

/* Before the first call, everything except loop, settings and owner must be zero. */
void db_connection_open(DbConnection *connection);
/* Breaks the connection. `why` is kept for the owner, and queries in progress are passed to on_lost. */
void db_connection_close(DbConnection *connection, const char *why);
void db_connection_dispose(DbConnection *connection);

/* Makes sure that a statement is prepared again the next time it is needed. */
void db_connection_forget_statement(DbConnection *connection, unsigned id);

/* Sets the statements to keep prepared, and closes the earlier ones. The array must live until the next call or the end
 * of the connection. */
void db_connection_set_statements(DbConnection *connection, const DbStatement *const *statements, size_t count);

/*
 * Returns whether a READY connection is still alive, as far as we can tell. If no queries are in progress, we can see
 * what the server has done before the loop reports it.
 */
bool db_connection_is_alive(const DbConnection *connection);

/* Sends a query on a READY connection, which takes over the pool's reference. */
void db_connection_send(DbConnection *connection, DbQuery *query);

/* Closes the connection if it has been silent or connecting for too long. */
void db_connection_check(DbConnection *connection, uint64_t now_us);

#endif
