/*
 * wakeups.h: tells in shared memory who has something new when a transaction commits.
 *
 * What a transaction has noted is written to the change log twice: before the transaction becomes visible, so that sync
 * finds everything there that its snapshot sees, and afterwards, so that a listener can see what it is woken for. The
 * log is a ring that forgets old entries; readers are told if they ask for entries that are gone. It exists only if
 * parley is in shared_preload_libraries.
 */
#ifndef PARLEY_LIVE_WAKEUPS_H
#define PARLEY_LIVE_WAKEUPS_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "utils/snapshot.h"

/* Stands for the operator among the ids of users. */
#define WAKEUPS_OPERATOR 0

/* Requests the shared memory and registers the callbacks. Call once, when the library is loaded. */
extern void parley_wakeups_init(void);

/*
 * Notes that the current transaction changes a source of the user: a conversation, or an account, whose id is negated.
 * The transaction can then not be prepared (0A000).
 */
extern void parley_wake(int64 user_id, int64 source_id);

/*
 * Returns a place in the log. Everything that a snapshot taken after this call does not see will be found from there
 * on. Returns 0 if there is no log.
 */
extern uint64 parley_changes_place(void);

/*
 * Returns the end in the WAL of the last commit that the snapshot sees, among those with entries in the log that were
 * durable before they became visible; not those with synchronous_commit = off, which may never be on the standby. The
 * snapshot must have been taken before this call. Returns InvalidXLogRecPtr if it is not known.
 */
extern XLogRecPtr parley_changes_commit_end(Snapshot snapshot);

/*
 * Returns the user's sources that changed from the place on, each of them once, sorted, palloc'd. Includes everything
 * that a snapshot taken before this call sees, and possibly more. Returns false if the log no longer knows.
 */
extern bool parley_changes_since(uint64 place, int64 user_id, int64 **sources, int *count);

#endif
