#ifndef BENCH_INDEXES_H
#define BENCH_INDEXES_H

#include <libpq-fe.h>

/*
 * Builds the indexes that the load dropped, each in a transaction of its own, so that a run that is killed loses one at
 * most; gathers statistics; then marks the load as finished.
 */
void indexes_build(PGconn *connection);

#endif
