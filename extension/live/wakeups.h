/*
 * wakeups.h: who has something new, told in shared memory as transactions commit.
 *
 * What a transaction notes is written into the log of changes twice: before it becomes visible, so that sync finds in
 * it all that its snapshot shows, and after it has, so that a listener who is told can see it. The log is a ring that
 * forgets; whoever asks for more than it has is told so. It exists only where shared_preload_libraries names parley.
 */
#ifndef PARLEY_LIVE_WAKEUPS_H
#define PARLEY_LIVE_WAKEUPS_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "utils/snapshot.h"

/* The operator, among the ids of users. */
#define WAKEUPS_OPERATOR 0

/* Once a library load: asks for the shared memory and registers the callbacks. */
extern void parley_wakeups_init(void);

/*
 * Notes that the current transaction changes a source of the user's: a conversation, or the account whose negated id it
 * is. Such a transaction cannot be prepared (0A000).
 */
extern void parley_wake(int64 user_id, int64 source_id);

/*
 * The place in the log from which on all will be found that a snapshot taken after this call does not show; 0: there is
 * no log.
 */
extern uint64 parley_changes_place(void);

/*
 * Where the last commit ends in the write-ahead log of all changes that the snapshot, taken before this call, shows;
 * InvalidXLogRecPtr: it is not known.
 */
extern XLogRecPtr parley_changes_commit_end(Snapshot snapshot);

/*
 * The sources of the user that changed from the place on, each once, in order, palloc'd. Contains all that a snapshot
 * taken before this call shows, and may contain some that it does not. False: the log no longer knows.
 */
extern bool parley_changes_since(uint64 place, int64 user_id, int64 **sources, int *count);

#endif
