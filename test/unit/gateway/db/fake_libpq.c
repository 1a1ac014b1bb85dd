/* A libpq whose server is played by the test. See fake_libpq.h. */
#include "fake_libpq.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum
{
	CONNECTIONS_MAX = 64,
	ANSWERS_MAX = 1024
};

struct pg_result
{
	ExecStatusType status;
	char sqlstate[6];
	char severity[8];
};

struct pg_conn
{
	bool open;
	bool bad;
	int own;    /* the descriptor that the code under test watches */
	int server; /* the other end */
	int sent;
	int executions;
	int waiting; /* commands without a response */
	PGresult *answers[ANSWERS_MAX];
	int answer_count;
	int taken;
};

bool fake_accepts = true;
bool fake_answers_attempts = true;

static char hosts[16];
static struct pg_conn connections[CONNECTIONS_MAX];
static int opened;

void
fake_reset(void)
{
	memset(connections, 0, sizeof(connections));
	opened = 0;
	fake_accepts = fake_answers_attempts = true;
}

const char *
fake_hosts(void)
{
	return hosts;
}

int
fake_opened(void)
{
	return opened;
}

int
fake_newest(void)
{
	for (int i = opened - 1; i >= 0; i--)
		if (connections[i].open)
			return i;
	return -1;
}

int
fake_sent(int connection)
{
	return connections[connection].sent;
}

int
fake_executions(int connection)
{
	return connections[connection].executions;
}

/* ----- the server's side ----- */

static void
put(struct pg_conn *connection, PGresult *result)
{
	if (connection->answer_count == ANSWERS_MAX)
		abort();
	connection->answers[connection->answer_count++] = result;
}

static PGresult *
make_result(ExecStatusType status, const char *sqlstate, const char *severity)
{
	PGresult *result = calloc(1, sizeof(*result));

	result->status = status;
	strncpy(result->sqlstate, sqlstate, sizeof(result->sqlstate) - 1);
	strncpy(result->severity, severity, sizeof(result->severity) - 1);
	return result;
}

static void
wake(struct pg_conn *connection)
{
	if (write(connection->server, "x", 1) != 1)
		abort();
}

static void
answer(struct pg_conn *connection, PGresult *result)
{
	put(connection, result);
	put(connection, NULL);
	put(connection, make_result(PGRES_PIPELINE_SYNC, "", ""));
	connection->waiting--;
}

void
fake_answer_one(int connection)
{
	answer(&connections[connection], make_result(PGRES_TUPLES_OK, "", ""));
	wake(&connections[connection]);
}

void
fake_answer_all(int connection)
{
	while (connections[connection].waiting > 0)
		answer(&connections[connection], make_result(PGRES_TUPLES_OK, "", ""));
	wake(&connections[connection]);
}

void
fake_fail_one(int connection, const char *sqlstate, const char *severity)
{
	PGresult *error = make_result(PGRES_FATAL_ERROR, sqlstate, severity);

	if (strcmp(severity, "FATAL") != 0)
		answer(&connections[connection], error);
	else
	{
		put(&connections[connection], error); /* the server ends the connection before the sync */
		connections[connection].waiting--;
	}
	wake(&connections[connection]);
}

void
fake_answer_rows_only(int connection)
{
	put(&connections[connection], make_result(PGRES_TUPLES_OK, "", ""));
	put(&connections[connection], NULL);
	wake(&connections[connection]);
}

void
fake_break(int connection)
{
	connections[connection].bad = true;
	wake(&connections[connection]);
}

/* ----- libpq ----- */

PGconn *
PQconnectStartParams(const char *const *keywords, const char *const *values, int expand)
{
	struct pg_conn *connection = &connections[opened++];
	int pair[2];

	(void) expand;
	hosts[0] = '\0';
	for (int i = 0; keywords[i] != NULL; i++)
		if (strcmp(keywords[i], "host") == 0 && values[i] != NULL)
			strncpy(hosts, values[i], sizeof(hosts) - 1);
	if (opened > CONNECTIONS_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
		abort();
	connection->open = true;
	connection->own = pair[0];
	connection->server = pair[1];
	return connection;
}

PostgresPollingStatusType
PQconnectPoll(PGconn *connection)
{
	if (!fake_answers_attempts)
		return PGRES_POLLING_READING;
	connection->bad = !fake_accepts;
	return fake_accepts ? PGRES_POLLING_OK : PGRES_POLLING_FAILED;
}

void
PQfinish(PGconn *connection)
{
	if (connection == NULL)
		return;
	for (int i = connection->taken; i < connection->answer_count; i++)
		PQclear(connection->answers[i]);
	connection->open = false;
	close(connection->own);
	close(connection->server);
}

PQconninfoOption *
PQconninfo(PGconn *connection)
{
	PQconninfoOption *options = calloc(2, sizeof(*options));

	(void) connection;
	options[0].keyword = (char *) "host";
	options[0].val = hosts[0] == '\0' ? (char *) "a,b,c" : hosts;
	return options;
}

void
PQconninfoFree(PQconninfoOption *options)
{
	free(options);
}

ConnStatusType
PQstatus(const PGconn *connection)
{
	return connection->bad ? CONNECTION_BAD : CONNECTION_OK;
}

char *
PQerrorMessage(const PGconn *connection)
{
	(void) connection;
	return (char *) "the fake says no\n";
}

int
PQsocket(const PGconn *connection)
{
	return connection->own;
}

int
PQsetnonblocking(PGconn *connection, int on)
{
	(void) connection, (void) on;
	return 0;
}

int
PQenterPipelineMode(PGconn *connection)
{
	(void) connection;
	return 1;
}

PQnoticeReceiver
PQsetNoticeReceiver(PGconn *connection, PQnoticeReceiver receiver, void *data)
{
	(void) connection, (void) receiver, (void) data;
	return NULL;
}

static int
take_command(PGconn *connection)
{
	connection->sent++;
	connection->waiting++;
	return 1;
}

int
PQsendQueryParams(PGconn *connection, const char *sql, int count, const Oid *types, const char *const *values,
				  const int *lengths, const int *formats, int format)
{
	(void) sql, (void) count, (void) types, (void) values, (void) lengths, (void) formats, (void) format;
	return take_command(connection);
}

int
PQsendPrepare(PGconn *connection, const char *name, const char *sql, int count, const Oid *types)
{
	(void) sql, (void) count, (void) types;
	return name[0] == '\0' ? 1 : take_command(connection); /* without a name it shares the sync of what follows */
}

int
PQsendQueryPrepared(PGconn *connection, const char *name, int count, const char *const *values, const int *lengths,
					const int *formats, int format)
{
	(void) name, (void) count, (void) values, (void) lengths, (void) formats, (void) format;
	connection->executions++;
	return take_command(connection);
}

int
PQsendDescribePrepared(PGconn *connection, const char *name)
{
	(void) name;
	return take_command(connection);
}

int
PQpipelineSync(PGconn *connection)
{
	(void) connection;
	return 1;
}

int
PQflush(PGconn *connection)
{
	(void) connection;
	return 0;
}

int
PQconsumeInput(PGconn *connection)
{
	char bytes[64];

	while (read(connection->own, bytes, sizeof(bytes)) > 0)
		;
	return !connection->bad;
}

int
PQisBusy(PGconn *connection)
{
	return connection->taken == connection->answer_count && !connection->bad;
}

PGresult *
PQgetResult(PGconn *connection)
{
	return connection->taken == connection->answer_count ? NULL : connection->answers[connection->taken++];
}

void
PQclear(PGresult *result)
{
	free(result);
}

ExecStatusType
PQresultStatus(const PGresult *result)
{
	return result->status;
}

char *
PQresultErrorField(const PGresult *result, int field)
{
	if (field == PG_DIAG_SQLSTATE && result->sqlstate[0] != '\0')
		return (char *) result->sqlstate;
	if (field == PG_DIAG_SEVERITY_NONLOCALIZED && result->severity[0] != '\0')
		return (char *) result->severity;
	return NULL;
}

PGnotify *
PQnotifies(PGconn *connection)
{
	(void) connection;
	return NULL;
}

void
PQfreemem(void *memory)
{
	free(memory);
}
