/*
 * stream: one open stream, which is a request that goes on. It lies in its request's pool and ends with it.
 *
 * OPENING (its first sync waits or is under way, and no header is sent) → WRITING → IDLE → SYNCING → WRITING or IDLE
 * … → ENDING. At most one write is under way, and whatever wakes it meanwhile is one mark: a slow reader queues nothing
 * here, and holds up its own syncs.
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdatomic.h>

#include "http/request.h"
#include "live/registry.h"
#include "live/sync_batch.h"
#include "live/user_count.h"

typedef enum StreamState
{
	STREAM_OPENING,
	STREAM_IDLE,
	STREAM_SYNCING,
	STREAM_WRITING,
	STREAM_ENDING
} StreamState;

/* The streams of one worker, and what those of all share. */
typedef struct StreamOwner
{
	Worker *worker;
	UserCount *users;           /* how many streams each user has */
	const atomic_uint *answers; /* how often PostgreSQL has said who was woken */
	Registry registry;
	size_t syncing;   /* queries */
	bool is_starting; /* syncs */
} StreamOwner;

typedef struct Stream
{
	RegistryEntry entry;
	StreamOwner *owner;
	Request *request;
	h2o_generator_t generator;
	StreamState state;
	MetricsStreamEnd end; /* why it ends; METRICS_STREAM_OPEN: it does not */
	bool is_counted;      /* among its user's */
	bool is_dirty;        /* somebody woke it, or there is more */
	bool has_moved;       /* the cursor has, without an event that said so */
	bool is_insurance;    /* it is to sync to be sure */
	bool is_unasked;      /* nobody woke it for the sync that is under way: it is only to be sure */
	bool is_late;         /* that found something, and nobody has woken it since */
	unsigned late_after;  /* how many answers there had been by then */
	bool is_alone;        /* a sync beside others failed: it syncs by itself once */
	bool is_unwatched;    /* its client says something: whether it leaves is asked once a second */
	unsigned heartbeats;
	size_t events;
	char *cursor;           /* NULL: at the beginning */
	Buffer out;             /* being written */
	SyncBatch *batch;       /* that it is in, or NULL */
	uint64_t woken_at_us;   /* 0: nobody did since the last sync */
	uint64_t syncs_for_us;  /* what woke it for the sync that is under way or written */
	uint64_t changed_at_us; /* the state */
	uint64_t heartbeat_at_us;
	uint64_t retry_at_us; /* after a sync that failed; 0: none did */
	uint64_t ends_at_us;
	MetricsStreamEnd ends_for;
} Stream;

/* Takes over the request: it answers it by events, or by a problem. */
void stream_open(StreamOwner *owner, Request *request);

/* Somebody has committed something for its user. */
void stream_wake(Stream *stream, uint64_t since_us);

/* What is due: a heartbeat, its end, a sync that is to be tried again. Once a second, and more often while draining. */
void stream_check(Stream *stream, uint64_t now_us);

/* Ends it for that reason within the time, at a moment of its own. */
void stream_end_within(Stream *stream, MetricsStreamEnd reason, uint64_t within_us);

/* Starts the syncs that wait, as many as may be under way. */
void streams_sync(StreamOwner *owner);

#endif
