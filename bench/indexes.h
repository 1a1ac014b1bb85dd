#ifndef BENCH_INDEXES_H
#define BENCH_INDEXES_H

#include <libpq-fe.h>

/*
 * Builds the indexes that the load dropped, each in its own transaction, so that a run that is killed loses at most
 * one. Then gathers statistics and marks the load as finished.
 */
void indexes_build(PGconn *connection);

#endif
