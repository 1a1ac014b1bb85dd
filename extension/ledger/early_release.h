/*
 * early_release.h: releases a transaction's locks before its commit is durable.
 */
#ifndef PARLEY_EARLY_RELEASE_H
#define PARLEY_EARLY_RELEASE_H

#include "postgres.h"

#include "access/xlogdefs.h"

/* Defines the setting and registers callbacks. Call once, when the library is loaded. */
extern void parley_early_release_init(void);

/*
 * Allows the current transaction to release its locks early, if someone waits for a row that it has locked when it
 * commits. It then releases its locks before the commit record is flushed to disk and confirmed by a synchronous
 * standby, and waits for both before the client is told. So a client still only hears of commits that are durable. Does
 * nothing if parley.early_release or synchronous_commit is off, or in a transaction block, which may have done other
 * things as well. `row` is any number that is the same for the same row.
 */
extern void parley_release_early(uint64 row);

/* Call this if the transaction has to wait for the row. It then releases early, if allowed, even if nobody waits for it
 * in turn. */
extern void parley_release_early_contended(uint64 row);

/* Returns the end of the last WAL record. Everything that a snapshot sees is before it. Not for use during recovery. */
extern XLogRecPtr parley_log_end(void);

/* Waits until the WAL up to `place` is on disk and, if there is a synchronous standby, confirmed by it. */
extern void parley_await_durable_place(XLogRecPtr place);

#endif
