/*
 * stream: one open stream, which is a request that continues. It is allocated in its request's pool and ends with it.
 *
 * OPENING (its first sync is queued or in progress, and no header has been sent) → WRITING → IDLE → SYNCING → WRITING
 * or IDLE … → ENDING. At most one write is in progress. Whatever wakes the stream meanwhile only sets a flag, so a slow
 * reader queues nothing here, and delays only its own syncs.
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

/* The streams of one worker, and what all workers' streams share. */
typedef struct StreamOwner
{
	Worker *worker;
	UserCount *users;           /* how many streams each user has */
	const atomic_uint *answers; /* how often PostgreSQL has reported who was woken */
	Registry registry;
	size_t syncing;   /* number of queries */
	bool is_starting; /* syncs */
} StreamOwner;

typedef struct Stream
{
	RegistryEntry entry;
	StreamOwner *owner;
	Request *request;
	h2o_generator_t generator;
	StreamState state;
	MetricsStreamEnd end; /* why it ends; METRICS_STREAM_OPEN if it does not */
	bool is_counted;      /* in the count of its user */
	bool is_dirty;        /* it was woken, or there is more */
	bool has_moved;       /* the cursor has moved, but no event has said so yet */
	bool is_insurance;    /* it should sync to be safe */
	bool is_unasked;      /* it was not woken for the sync in progress, which is only to be safe */
	bool is_late;         /* such a sync found something, and it has not been woken since */
	unsigned late_after;  /* the number of reports at that time */
	bool is_alone;        /* a sync together with others failed, so it syncs by itself once */
	bool is_unwatched;    /* its client is sending something, so whether it has left is checked once per second */
	unsigned heartbeats;
	size_t events;
	char *cursor;           /* NULL at the beginning */
	Buffer out;             /* being written */
	size_t sent;            /* how much of it was passed to h2o */
	SyncBatch *batch;       /* to which it belongs, or NULL */
	uint64_t woken_at_us;   /* 0 if it was not woken since the last sync */
	uint64_t syncs_for_us;  /* what woke it for the sync that is in progress or being written */
	uint64_t changed_at_us; /* time of the last change of state, or when the part being written was passed to h2o */
	uint64_t heartbeat_at_us;
	uint64_t retry_at_us; /* after a failed sync; 0 if none failed */
	uint64_t ends_at_us;
	MetricsStreamEnd ends_for;
} Stream;

/* Takes over the request, and responds with events or a problem. */
void stream_open(StreamOwner *owner, Request *request);

/* Call this if someone has committed something for its user. */
void stream_wake(Stream *stream, uint64_t since_us);

/* Does what is due: a heartbeat, its end, a retry of a failed sync. Called once per second, and more often while
 * draining. */
void stream_check(Stream *stream, uint64_t now_us);

/* Ends it for this reason, at a random time within the given time. */
void stream_end_within(Stream *stream, MetricsStreamEnd reason, uint64_t within_us);

/* Starts the waiting syncs, as many as may be in progress. */
void streams_sync(StreamOwner *owner);

#endif
