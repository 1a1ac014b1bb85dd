/*
 * db_connection: one pipelined libpq connection on an event loop. It owns its PGconn and what is under way on it; it
 * knows neither pool nor HTTP, and tells its owner by callbacks.
 */
#ifndef DB_CONNECTION_H
#define DB_CONNECTION_H

#include "db/db_query.h"

typedef enum DbConnectionState
{
	DB_CONNECTION_CLOSED,
	DB_CONNECTION_CONNECTING,
	DB_CONNECTION_SETTING_UP, /* session settings and statements are on their way */
	DB_CONNECTION_READY
} DbConnectionState;

typedef struct DbConnection DbConnection;

typedef struct DbConnectionOwner
{
	void *data;
	void (*on_state)(void *data, DbConnection *connection, DbConnectionState before);
	/* A query has had its callback; there is room for another. */
	void (*on_room)(void *data, DbConnection *connection);
	/* The connection broke with this query under way; last sent first. outcome_known: it surely did not commit. */
	void (*on_lost)(void *data, DbQuery *query, bool outcome_known);
	/* The query's statement is not what was prepared; it did nothing. */
	void (*on_stale)(void *data, DbQuery *query);
	/* A notification on the channel; may be NULL. */
	void (*on_notification)(void *data, const char *channel);
} DbConnectionOwner;

typedef struct DbConnectionSettings
{
	const char *conninfo;
	const char *target_session_attrs; /* where conninfo does not say */
	/* One statement that sets what the session needs; $1 is false, or true to set it for the transaction alone. */
	const char *setup_sql;
	const char *channel;         /* to LISTEN to; NULL: none */
	bool transaction_pooling;    /* a pooler gives each transaction another session: nothing is kept in it */
	uint32_t silence_timeout_ms; /* no answer for so long with queries under way: broken */
	uint32_t connect_timeout_ms;
} DbConnectionSettings;

struct DbConnection
{
	h2o_loop_t *loop;
	const DbConnectionSettings *settings;
	const DbConnectionOwner *owner;
	DbConnectionState state; /* changed by set_state alone */
	PGconn *pg;
	h2o_socket_t *socket;     /* on a duplicate of libpq's descriptor */
	h2o_linklist_t under_way; /* DbQuery.link, in the order sent */
	size_t under_way_count;
	uint64_t changed_at_us; /* last answer or change of state */
	bool fatal;             /* the server said why it ends */
	bool unusable;          /* its session could not be set up */
	uint64_t nonce;         /* of its statements' names: a pooler's clients share a server's */
	char reason[256];       /* why it was last closed */
	bool commit_doubtful;   /* it warned that a commit is not replicated */
	const DbStatement *const *statements;
	size_t statement_count;
	unsigned char *prepared; /* by place in statements */
	/* The hosts of conninfo in another order, from when the first of them did not answer; NULL before. */
	char *hosts;
	char *host_addresses;
	char *ports;
};

/* Zero but for loop, settings and owner before the first time. */
void db_connection_open(DbConnection *connection);
/* Breaks it; why is kept for the owner, and what was under way goes to on_lost. */
void db_connection_close(DbConnection *connection, const char *why);
void db_connection_dispose(DbConnection *connection);

/* Has a statement prepared anew the next time it is needed. */
void db_connection_forget_statement(DbConnection *connection, unsigned id);

/* Which statements to keep prepared; the array must outlive the connection or the next call. Closes the earlier ones.
 */
void db_connection_set_statements(DbConnection *connection, const DbStatement *const *statements, size_t count);

/*
 * Whether a READY connection has not ended, as far as can be seen from here: what the server has done to one on which
 * nothing is under way is known before the loop comes to tell.
 */
bool db_connection_is_alive(const DbConnection *connection);

/* Sends a query down a READY connection, which from now holds the pool's reference. */
void db_connection_send(DbConnection *connection, DbQuery *query);

/* Closes the connection if it has been silent or connecting for too long. */
void db_connection_check(DbConnection *connection, uint64_t now_us);

#endif
