/*
 * early_release.h: committing without holding locks while the disk writes.
 */
#ifndef PARLEY_EARLY_RELEASE_H
#define PARLEY_EARLY_RELEASE_H

#include "postgres.h"

#include "access/xlogdefs.h"

/* Defines the setting and registers the module's callbacks, once a library load. */
extern void parley_early_release_init(void);

/*
 * Has the current transaction, if it commits and somebody waits for a row that it has locked, let go of its locks
 * before its commit is flushed to disk and confirmed by a synchronous standby, and wait for both before anyone is told
 * of it. Nothing else changes: who is told, is told of what is durable. Not where parley.early_release is off,
 * synchronous_commit is off already, or a transaction block may have done other things as well. row is any number that
 * is the same for the same row.
 */
extern void parley_release_early(uint64 row);

/* The transaction has to wait for the row: it releases early, if it may, also if nobody waits for it in turn. */
extern void parley_release_early_contended(uint64 row);

/* Returns when all that the caller's snapshot shows is on this server's disk, so that a crash cannot take it back. */
extern void parley_await_durable_log(void);

/* Returns when the log is on disk as far as the place, and confirmed by a synchronous standby where there is one. */
extern void parley_await_durable_place(XLogRecPtr place);

#endif
