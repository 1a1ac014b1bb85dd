/*
 * A libpq whose server is played by the test: connections are socket pairs, what is sent is counted, and the test
 * supplies the responses. Result objects belong to the fake.
 */
#ifndef FAKE_LIBPQ_H
#define FAKE_LIBPQ_H

#include <stdbool.h>

#include <libpq-fe.h>

/* Determines how attempts to connect end from now on, and whether they end at all. */
extern bool fake_accepts;
extern bool fake_answers_attempts;

/* Returns the hosts given to the newest attempt to connect, or "" if it was to use those of the connection string,
 * a,b,c. */
const char *fake_hosts(void);

/* Forgets all connections, which must be closed, and accepts new ones again. */
void fake_reset(void);

/* The number of connections opened so far, and the index of the newest one that is still open, or -1. */
int fake_opened(void);
int fake_newest(void);

/* How many commands (statements, prepares, executions) were sent on the connection, and how many of them were
 * executions. */
int fake_sent(int connection);
int fake_executions(int connection);

/* Responds to pending commands: all of them with success, or the first one with success or with an error of the
 * SQLSTATE. severity is "ERROR" or "FATAL". */
void fake_answer_all(int connection);
void fake_answer_one(int connection);
void fake_fail_one(int connection, const char *sqlstate, const char *severity);

/* Sends rows for the first pending command, but no sync: it has not committed yet. */
void fake_answer_rows_only(int connection);

/* The server closes the connection. */
void fake_break(int connection);

#endif
