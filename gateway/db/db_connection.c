/*
 * db_connection: one pipelined libpq connection on an event loop.
 *
 * Each query is followed by its own sync, so that no query shares another one's transaction. It gets its callback when
 * the response to the sync arrives, that is, after its commit. The h2o socket uses a duplicate of libpq's descriptor,
 * because closing it closes the descriptor. It is created again at each step of connecting, because libpq may have
 * changed sockets.
 */
#include "db/db_connection.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/log.h"

static void on_readable(h2o_socket_t *socket, const char *error);
static void on_connect_step(h2o_socket_t *socket, const char *error);

static void
connection_set_state(DbConnection *connection, DbConnectionState state)
{
	DbConnectionState before = connection->state;

	connection->state = state;
	connection->changed_at_us = db_now_us();
	connection->owner->on_state(connection->owner->data, connection, before);
}

static void
connection_unlink(DbConnection *connection, DbQuery *query)
{
	h2o_linklist_unlink(&query->link);
	connection->under_way_count--;
}

static void
query_release(DbQuery *query)
{
	PQclear(query->result);
	query->result = NULL;
	h2o_mem_release_shared(query);
}

/* Passes everything on the connection to on_lost, the last query first, so that the owner can put them back at the head
 * of its queue. */
static void
connection_lose_queries(DbConnection *connection)
{
	while (!h2o_linklist_is_empty(&connection->under_way))
	{
		DbQuery *query = H2O_STRUCT_FROM_MEMBER(DbQuery, link, connection->under_way.prev);
		bool known = connection->fatal && !connection->commit_doubtful && !query->answered;

		connection_unlink(connection, query);
		if (query->kind == DB_QUERY_EXECUTE)
			connection->owner->on_lost(connection->owner->data, query, known);
		else
			query_release(query);
	}
}

void
db_connection_close(DbConnection *connection, const char *why)
{
	bool was_open = connection->state != DB_CONNECTION_CLOSED;
	char *reason = connection->reason;

	if (connection->socket != NULL)
		h2o_socket_close(connection->socket);
	connection->socket = NULL;
	/* libpq's messages end with a newline. */
	snprintf(reason, sizeof(connection->reason), "%s", why);
	while (reason[0] != '\0' && reason[strlen(reason) - 1] == '\n')
		reason[strlen(reason) - 1] = '\0';
	PQfinish(connection->pg);
	connection->pg = NULL;
	if (connection->prepared != NULL)
		memset(connection->prepared, 0, connection->statement_count);
	if (was_open)
		connection_set_state(connection, DB_CONNECTION_CLOSED);
	connection_lose_queries(connection);
}

void
db_connection_dispose(DbConnection *connection)
{
	db_connection_close(connection, "");
	free(connection->prepared);
	connection->prepared = NULL;
	free(connection->hosts);
	free(connection->host_addresses);
	free(connection->ports);
	connection->hosts = connection->host_addresses = connection->ports = NULL;
}

/* Returns the list with its first element moved to the end, or NULL if there is no other element. */
static char *
list_rotate(const char *list)
{
	const char *comma = list == NULL ? NULL : strchr(list, ',');
	char *rotated;

	if (comma == NULL || asprintf(&rotated, "%s,%.*s", comma + 1, (int) (comma - list), list) < 0)
		return NULL;
	return rotated;
}

/*
 * libpq tries the next host if one refuses, but waits for one that does not respond, such as a frozen machine. So the
 * next attempt begins with the host after it.
 */
static void
rotate_hosts(DbConnection *connection)
{
	PQconninfoOption *options = PQconninfo(connection->pg);

	for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++)
	{
		char **list = strcmp(option->keyword, "host") == 0       ? &connection->hosts
					  : strcmp(option->keyword, "hostaddr") == 0 ? &connection->host_addresses
					  : strcmp(option->keyword, "port") == 0     ? &connection->ports
																 : NULL;

		if (list == NULL)
			continue;
		free(*list);
		*list = list_rotate(option->val);
	}
	PQconninfoFree(options);
}

/* A commit that waits for a replica may succeed here with only a warning. Then its outcome is unknown. */
static void
on_notice(void *data, const PGresult *notice)
{
	DbConnection *connection = data;
	const char *function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);

	if (function != NULL && strcmp(function, "SyncRepWaitForLSN") == 0)
		connection->commit_doubtful = true;
}

/* Watches libpq's current socket. Closes the connection if there is no descriptor left for it. */
static bool
connection_watch_socket(DbConnection *connection)
{
	int descriptor;

	if (connection->socket != NULL)
		h2o_socket_close(connection->socket);
	connection->socket = NULL;
	descriptor = fcntl(PQsocket(connection->pg), F_DUPFD_CLOEXEC, 0);
	if (descriptor < 0)
	{
		db_connection_close(connection, strerror(errno));
		return false;
	}
	connection->socket = h2o_evloop_socket_create(connection->loop, descriptor, H2O_SOCKET_FLAG_DONT_READ);
	connection->socket->data = connection;
	return true;
}

void
db_connection_open(DbConnection *connection)
{
	/* dbname is the connection string. It overrides the keywords before it, and those after it override the connection
	 * string. */
	const char *const keywords[] = {
		"client_encoding", "application_name", "target_session_attrs", "dbname", "host", "hostaddr", "port", NULL
	};
	const char *const values[] = { "UTF8",
								   "parleyd",
								   connection->settings->target_session_attrs,
								   connection->settings->conninfo,
								   connection->hosts,
								   connection->host_addresses,
								   connection->ports,
								   NULL };

	connection->fatal = false;
	connection->unusable = false;
	connection->commit_doubtful = false;
	connection->pg = PQconnectStartParams(keywords, values, 1);
	connection_set_state(connection, DB_CONNECTION_CONNECTING);
	if (connection->pg == NULL || PQstatus(connection->pg) == CONNECTION_BAD)
	{
		db_connection_close(connection, PQerrorMessage(connection->pg));
		return;
	}
	PQsetNoticeReceiver(connection->pg, on_notice, connection);
	if (connection_watch_socket(connection))
		h2o_socket_notify_write(connection->socket, on_connect_step);
}

static void connection_flush(DbConnection *connection);

static void
on_writable(h2o_socket_t *socket, const char *error)
{
	(void) error;
	connection_flush(socket->data);
}

static void
connection_flush(DbConnection *connection)
{
	if (PQflush(connection->pg) == 1 && !h2o_socket_is_writing(connection->socket))
		h2o_socket_notify_write(connection->socket, on_writable);
}

/* Notes that the query was passed to libpq, and ends it with a sync. If libpq refused it, the connection is broken and
 * will report that. */
static void
connection_note_sent(DbConnection *connection, DbQuery *query)
{
	if (h2o_linklist_is_empty(&connection->under_way))
		connection->changed_at_us = db_now_us();
	h2o_linklist_insert(&connection->under_way, &query->link);
	connection->under_way_count++;
	PQpipelineSync(connection->pg);
	connection_flush(connection);
}

static DbQuery *
query_create_own(DbQueryKind kind, unsigned statement_id)
{
	static const DbStatement none;
	DbQuery *query = db_query_create(&none, NULL);

	query->kind = kind;
	query->statement_id = statement_id;
	return query;
}

/* Sets up the session, or just the transaction that continues with what is sent next. */
static void
connection_put_setup(DbConnection *connection, const char *is_local)
{
	const Oid boolean = TYPE_BOOLEAN;

	PQsendQueryParams(connection->pg, connection->settings->setup_sql, 1, &boolean, &is_local, NULL, NULL, 0);
}

enum
{
	NAME_SIZE = 40
};

static void
connection_name_statement(const DbConnection *connection, unsigned id, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "p%" PRIx64 "_%u", connection->nonce, id);
}

/* Sends a statement of the connection's own, whose failure does no harm. */
static void
connection_send_own(DbConnection *connection, const char *verb, const char *name)
{
	char sql[NAME_SIZE + 16];

	snprintf(sql, sizeof(sql), "%s %s", verb, name);
	PQsendQueryParams(connection->pg, sql, 0, NULL, NULL, NULL, NULL, 0);
	connection_note_sent(connection, query_create_own(DB_QUERY_OTHER, 0));
}

static void
connection_send_close(DbConnection *connection, unsigned statement_id)
{
	char name[NAME_SIZE];

	connection_name_statement(connection, statement_id, name);
	connection_send_own(connection, "DEALLOCATE", name);
}

/* Returns the position of a statement in the list, or statement_count. Ids in a list are consecutive. */
static size_t
connection_find_statement(const DbConnection *connection, unsigned id)
{
	if (connection->statement_count == 0 || id < connection->statements[0]->id ||
		id - connection->statements[0]->id >= connection->statement_count)
		return connection->statement_count;
	return id - connection->statements[0]->id;
}

static void
connection_prepare(DbConnection *connection, size_t place)
{
	const DbStatement *statement = connection->statements[place];
	char name[NAME_SIZE];

	if (connection->prepared[place])
		return;
	connection->prepared[place] = 1;
	connection_name_statement(connection, statement->id, name);
	PQsendPrepare(connection->pg, name, statement->sql, statement->parameter_count, statement->parameter_types);
	connection_note_sent(connection, query_create_own(DB_QUERY_PREPARE, statement->id));
}

static void
connection_prepare_all(DbConnection *connection)
{
	for (size_t i = 0; i < connection->statement_count; i++)
		connection_prepare(connection, i);
}

void
db_connection_set_statements(DbConnection *connection, const DbStatement *const *statements, size_t count)
{
	bool open = connection->state >= DB_CONNECTION_SETTING_UP && !connection->settings->transaction_pooling;

	for (size_t i = 0; i < connection->statement_count; i++)
		if (open && connection->prepared[i])
			connection_send_close(connection, connection->statements[i]->id);
	free(connection->prepared);
	connection->prepared = calloc(count + 1, 1);
	connection->statements = statements;
	connection->statement_count = count;
	if (open)
		connection_prepare_all(connection);
}

bool
db_connection_is_alive(const DbConnection *connection)
{
	char byte;

	if (connection->state != DB_CONNECTION_READY || connection->under_way_count > 0)
		return connection->state == DB_CONNECTION_READY;
	/* We have not asked for anything, so if something has arrived, it is the end of the connection, or the reason for
	 * it. */
	return recv(PQsocket(connection->pg), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void
db_connection_send(DbConnection *connection, DbQuery *query)
{
	const DbStatement *statement = query->statement;
	bool pooled = connection->settings->transaction_pooling;
	size_t place = connection_find_statement(connection, statement->id);
	char name[NAME_SIZE] = "";

	/* If the statement could not be prepared, its second attempt prepares it together with the query, whose error then
	 * says why. */
	if (!pooled && place < connection->statement_count && !query->repeated)
	{
		connection_prepare(connection, place);
		connection_name_statement(connection, statement->id, name);
	}
	else
	{
		/* The statement belongs to an earlier list or to none, or sessions cannot keep it. Prepare it just for this,
		 * without a name. */
		if (pooled)
			connection_put_setup(connection, "true");
		PQsendPrepare(connection->pg, name, statement->sql, statement->parameter_count, statement->parameter_types);
	}
	query->sent_at_us = db_now_us();
	PQsendQueryPrepared(connection->pg, name, statement->parameter_count, query->values, NULL, NULL, 0);
	connection_note_sent(connection, query);
}

static void
connection_set_up(DbConnection *connection)
{
	PQsetnonblocking(connection->pg, 1);
	PQenterPipelineMode(connection->pg);
	if (!connection_watch_socket(connection))
		return;
	h2o_socket_read_start(connection->socket, on_readable);
	connection_set_state(connection, DB_CONNECTION_SETTING_UP);
	if (getrandom(&connection->nonce, sizeof(connection->nonce), 0) != sizeof(connection->nonce))
		h2o_fatal("could not generate random bytes");
	connection_put_setup(connection, "false");
	connection_note_sent(connection, query_create_own(DB_QUERY_SETUP, 0));
	if (connection->settings->transaction_pooling)
		return;
	if (connection->settings->channel != NULL)
		connection_send_own(connection, "LISTEN", connection->settings->channel);
	connection_prepare_all(connection);
}

static void
on_connect_step(h2o_socket_t *socket, const char *error)
{
	DbConnection *connection = socket->data;
	PostgresPollingStatusType step = PQconnectPoll(connection->pg);

	(void) error;
	if (step == PGRES_POLLING_OK)
		connection_set_up(connection);
	else if (step == PGRES_POLLING_FAILED)
		db_connection_close(connection, PQerrorMessage(connection->pg));
	else if (connection_watch_socket(connection))
	{
		if (step == PGRES_POLLING_READING)
			h2o_socket_read_start(connection->socket, on_connect_step);
		else
			h2o_socket_notify_write(connection->socket, on_connect_step);
	}
}

static const char *
error_field(const PGresult *result, int field)
{
	const char *text = PQresultErrorField(result, field);

	return text == NULL ? "" : text;
}

static DbError
error_of_server(const PGresult *result)
{
	DbError error = { .kind = DB_ERROR_SERVER,
					  .message = error_field(result, PG_DIAG_MESSAGE_PRIMARY),
					  .detail = error_field(result, PG_DIAG_MESSAGE_DETAIL),
					  .hint = error_field(result, PG_DIAG_MESSAGE_HINT),
					  .table = error_field(result, PG_DIAG_TABLE_NAME),
					  .column = error_field(result, PG_DIAG_COLUMN_NAME),
					  .constraint = error_field(result, PG_DIAG_CONSTRAINT_NAME),
					  .type_schema = error_field(result, PG_DIAG_SCHEMA_NAME),
					  .type_name = error_field(result, PG_DIAG_DATATYPE_NAME) };

	snprintf(error.sqlstate, sizeof(error.sqlstate), "%s", error_field(result, PG_DIAG_SQLSTATE));
	return error;
}

static bool
result_is_success(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* If a statement cannot be prepared, that is up to those who request it. The others continue. */
static void
connection_finish_own_query(DbConnection *connection, const DbQuery *query)
{
	bool success = result_is_success(query->result);
	char quoted[512];

	if (query->kind == DB_QUERY_SETUP && !success)
		connection->unusable = true;
	else if (query->kind == DB_QUERY_PREPARE && !success)
	{
		size_t place = connection_find_statement(connection, query->statement_id);
		const char *state = error_field(query->result, PG_DIAG_SQLSTATE);

		if (place < connection->statement_count)
			connection->prepared[place] = 0;
		/* The name is in use by someone else, and we must not run what is behind it. */
		if (strcmp(state, "42P05") == 0)
			connection->unusable = true;
		log_warning("event=statement_not_prepared code=%s reason=%s", state,
					log_quote(error_field(query->result, PG_DIAG_MESSAGE_PRIMARY), quoted, sizeof(quoted)));
	}
}

void
db_connection_forget_statement(DbConnection *connection, unsigned id)
{
	size_t place = connection_find_statement(connection, id);

	if (place == connection->statement_count || !connection->prepared[place])
		return;
	connection->prepared[place] = 0;
	connection_send_close(connection, id);
}

/* The response to the query's sync has arrived, so its outcome is certain. */
static void
connection_finish_query(DbConnection *connection, DbQuery *query)
{
	const char *state = error_field(query->result, PG_DIAG_SQLSTATE);

	connection_unlink(connection, query);
	query->finished_at_us = connection->changed_at_us = db_now_us();
	if (query->kind != DB_QUERY_EXECUTE)
	{
		connection_finish_own_query(connection, query);
		/* This was the last thing sent to set it up. */
		if (connection->state == DB_CONNECTION_SETTING_UP && connection->under_way_count == 0 && !connection->unusable)
			connection_set_state(connection, DB_CONNECTION_READY);
	}
	else if (!query->abandoned && result_is_success(query->result))
		query->on_result(query, query->result);
	else if (!query->abandoned && !query->repeated && (strcmp(state, "0A000") == 0 || strcmp(state, "26000") == 0))
	{
		/* The statement is no longer what was prepared: its function returns other columns, or it is gone from the
		 * session. Like any statement that fails, it has done nothing. */
		connection->commit_doubtful = false;
		connection->owner->on_stale(connection->owner->data, query);
		return;
	}
	else if (!query->abandoned)
	{
		DbError error = error_of_server(query->result);

		query->on_error(query, &error);
	}
	query_release(query);
	connection->commit_doubtful = false;
}

/* Handles one result of the first query in progress. An error after rows comes from the commit, and replaces them. What
 * follows an error only says that it was skipped. */
static void
connection_receive_result(DbConnection *connection, DbQuery *query, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_PIPELINE_SYNC)
	{
		PQclear(result);
		connection_finish_query(connection, query);
		return;
	}
	if (status == PGRES_PIPELINE_ABORTED)
	{
		PQclear(result);
		return;
	}
	if (result_is_success(result))
		query->answered = true;
	else if (strcmp(error_field(result, PG_DIAG_SEVERITY_NONLOCALIZED), "FATAL") == 0)
		connection->fatal = true;
	PQclear(query->result);
	query->result = result;
}

/* Processes all results that have arrived. Two NULLs in a row mean that libpq expects no more. */
static void
connection_receive_results(DbConnection *connection)
{
	int nulls = 0;

	while (nulls < 2 && connection->under_way_count > 0 && !PQisBusy(connection->pg))
	{
		PGresult *result = PQgetResult(connection->pg);

		if (result == NULL)
			nulls++;
		else
		{
			nulls = 0;
			connection_receive_result(connection, H2O_STRUCT_FROM_MEMBER(DbQuery, link, connection->under_way.next),
									  result);
		}
	}
}

static void
on_readable(h2o_socket_t *socket, const char *error)
{
	DbConnection *connection = socket->data;
	size_t before = connection->under_way_count;
	bool alive = PQconsumeInput(connection->pg) != 0;
	PGnotify *notification;

	(void) error;
	connection_receive_results(connection);
	while ((notification = PQnotifies(connection->pg)) != NULL)
	{
		if (connection->owner->on_notification != NULL)
			connection->owner->on_notification(connection->owner->data, notification->relname);
		PQfreemem(notification);
	}
	if (!alive || connection->unusable || PQstatus(connection->pg) == CONNECTION_BAD)
		db_connection_close(connection, PQerrorMessage(connection->pg));
	else
	{
		connection_flush(connection);
		if (connection->state == DB_CONNECTION_READY && connection->under_way_count < before)
			connection->owner->on_room(connection->owner->data, connection);
	}
}

void
db_connection_check(DbConnection *connection, uint64_t now_us)
{
	uint64_t quiet_ms = (now_us - connection->changed_at_us) / 1000;

	if (now_us < connection->changed_at_us || connection->state == DB_CONNECTION_CLOSED)
		return;
	if (connection->state == DB_CONNECTION_CONNECTING)
	{
		if (quiet_ms > connection->settings->connect_timeout_ms)
		{
			rotate_hosts(connection);
			db_connection_close(connection, "connecting timed out");
		}
	}
	else if (PQstatus(connection->pg) == CONNECTION_BAD)
		db_connection_close(connection, PQerrorMessage(connection->pg));
	else if (connection->under_way_count > 0 && quiet_ms > connection->settings->silence_timeout_ms)
		db_connection_close(connection, "no response in time");
}
