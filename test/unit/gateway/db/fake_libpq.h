/*
 * A libpq that a test plays the server of: connections are socket pairs, what is sent is counted, and answers are put
 * in by the test. Result objects are the fake's own.
 */
#ifndef FAKE_LIBPQ_H
#define FAKE_LIBPQ_H

#include <stdbool.h>

#include <libpq-fe.h>

/* How attempts to connect end from now on. */
extern bool fake_accepts;

/* Forgets all connections, which must be closed, and accepts again. */
void fake_reset(void);

/* Connections that were opened, and the place of the newest that is still open, from 0; -1 if none. */
int fake_opened(void);
int fake_newest(void);

/* How many commands (statements, prepares, executions) the connection was sent, and how many executions of them. */
int fake_sent(int connection);
int fake_executions(int connection);

/* Answers what waits: all of it well, or the first well/with an error of the SQLSTATE; severity "ERROR" or "FATAL". */
void fake_answer_all(int connection);
void fake_answer_one(int connection);
void fake_fail_one(int connection, const char *sqlstate, const char *severity);

/* Rows for the first command in wait, but no sync: the commit is still to come. */
void fake_answer_rows_only(int connection);

/* The server goes away. */
void fake_break(int connection);

#endif
