/*
 * remote.h: the front's calls to other databases: how long one waits, and which databases do not respond.
 *
 * The language of these functions is PL/Proxy's, which by itself waits for as long as a database takes, even if it is
 * frozen; and if the statement is cancelled meanwhile, PL/Proxy sends a cancel request, for which it waits too. So our
 * handler calls PL/Proxy's, and ends a call after parley.shard_timeout without telling the other database, which has a
 * statement_timeout of its own.
 *
 * A database that has not responded is away. Calls to it fail at once, except for one a second, which tries again. All
 * backends know this from shared memory, so parley must be in shared_preload_libraries.
 */
#ifndef PARLEY_FRONT_REMOTE_H
#define PARLEY_FRONT_REMOTE_H

/* Defines the setting and requests the shared memory. Call once, when the library is loaded. */
extern void parley_remote_init(void);

#endif
