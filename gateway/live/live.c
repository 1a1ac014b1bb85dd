/*
 * live: a worker's streams: waking, checking and ending them.
 */
#include "live/live.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "http/reply.h"
#include "live/stream.h"
#include "live/wakeups.h"

enum
{
	CHECK_US = 1000000, /* at most: heartbeats that come more often are looked for more often */
	DRAIN_US = 1000000,
	KEYS_US = 30000000
};

typedef enum Availability
{
	UNKNOWN,
	AVAILABLE,
	UNAVAILABLE
} Availability;

struct Live
{
	Guest guest;
	atomic_int availability;
	atomic_uint answers; /* how often PostgreSQL has reported who was woken */
	UserCount *users;
};

typedef struct LiveWorker
{
	Live *live;
	StreamOwner owner;
	uint64_t checked_at_us;
	bool draining;
} LiveWorker;

static void *
on_create(void *shared, Worker *worker)
{
	LiveWorker *guest = h2o_mem_alloc(sizeof(*guest));
	Live *live = shared;

	*guest =
		(LiveWorker){ .live = live, .owner = { .worker = worker, .users = live->users, .answers = &live->answers } };
	registry_init(&guest->owner.registry);
	return guest;
}

static void
on_dispose(void *data)
{
	LiveWorker *guest = data;

	registry_dispose(&guest->owner.registry);
	free(guest);
}

static void
on_request(void *data, Request *request)
{
	LiveWorker *guest = data;

	if (guest->draining)
		reply_error(request, 503, "This server is shutting down.");
	else if (atomic_load(&guest->live->availability) == UNAVAILABLE)
		reply_error(request, 503, "Streams are not available: the database does not report wake-ups.");
	else if (atomic_load(&guest->live->availability) == UNKNOWN)
		reply_error(request, 503, "Streams are not available yet: the database has not responded.");
	else
		stream_open(&guest->owner, request);
}

static void
on_message(void *data, void *held)
{
	LiveWorker *guest = data;
	StreamOwner *owner = &guest->owner;
	Wakeups *wakeups = held;

	if (wakeups->is_everybody)
		for (h2o_linklist_t *link = owner->registry.all.next; link != &owner->registry.all; link = link->next)
			stream_wake(H2O_STRUCT_FROM_MEMBER(Stream, entry.all, link), wakeups->since_us);
	for (size_t i = 0; i < wakeups->count; i++)
		for (RegistryEntry *entry = registry_find(&owner->registry, wakeups->user_ids[i]); entry != NULL;
			 entry = registry_next(entry))
			stream_wake(H2O_STRUCT_FROM_MEMBER(Stream, entry, entry), wakeups->since_us);
	wakeups_release(wakeups);
	streams_sync(owner);
}

static void
on_tick(void *data, uint64_t now_us)
{
	LiveWorker *guest = data;
	Registry *registry = &guest->owner.registry;
	uint64_t heartbeat_us = (uint64_t) guest->owner.worker->config->stream_heartbeat_ms * 1000;
	h2o_linklist_t *next;

	metrics_set(guest->owner.worker->metrics, METRICS_STREAMS, registry->count);
	if (!guest->draining && now_us < guest->checked_at_us + (heartbeat_us < CHECK_US ? heartbeat_us : CHECK_US))
		return;
	guest->checked_at_us = now_us;
	for (h2o_linklist_t *link = registry->all.next; link != &registry->all; link = next)
	{
		next = link->next;
		stream_check(H2O_STRUCT_FROM_MEMBER(Stream, entry.all, link), now_us);
	}
	streams_sync(&guest->owner);
}

static void
end_all(LiveWorker *guest, MetricsStreamEnd reason, uint64_t within_us)
{
	Registry *registry = &guest->owner.registry;

	for (h2o_linklist_t *link = registry->all.next; link != &registry->all; link = link->next)
		stream_end_within(H2O_STRUCT_FROM_MEMBER(Stream, entry.all, link), reason, within_us);
}

/* When clients come back, they need a token that the new keys accept. */
static void
on_keys_changed(void *data)
{
	end_all(data, METRICS_STREAM_TOKEN, KEYS_US);
}

static void
on_drain(void *data)
{
	LiveWorker *guest = data;

	guest->draining = true;
	end_all(guest, METRICS_STREAM_DRAIN, DRAIN_US);
}

Live *
live_create(void)
{
	Live *live = h2o_mem_alloc(sizeof(*live));

	*live = (Live){ .guest = { .shared = live,
							   .create = on_create,
							   .dispose = on_dispose,
							   .on_request = on_request,
							   .on_message = on_message,
							   .on_tick = on_tick,
							   .on_keys_changed = on_keys_changed,
							   .on_drain = on_drain },
					.users = user_count_create() };
	atomic_init(&live->availability, UNKNOWN);
	atomic_init(&live->answers, 0);
	return live;
}

void
live_dispose(Live *live)
{
	user_count_dispose(live->users);
	free(live);
}

const Guest *
live_guest(const Live *live)
{
	return &live->guest;
}

void
live_set_available(Live *live, bool available)
{
	atomic_store(&live->availability, available ? AVAILABLE : UNAVAILABLE);
}

void
live_note_answer(Live *live)
{
	atomic_fetch_add(&live->answers, 1);
}
