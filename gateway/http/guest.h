/*
 * guest: what keeps requests open beyond their answer. A worker has one, which takes the requests of streaming routes;
 * http/ knows nothing else of it.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stddef.h>
#include <stdint.h>

struct Request;
struct Worker;

typedef struct Guest
{
	void *shared; /* by the guests of all workers */
	void *(*create)(void *shared, struct Worker *worker);
	void (*dispose)(void *guest);
	/* Takes over a request whose caller and values are known; answers it. */
	void (*on_request)(void *guest, struct Request *request);
	/* What worker_tell brought with MESSAGE_GUEST. */
	void (*on_message)(void *guest, void *held);
	void (*on_tick)(void *guest, uint64_t now_us);
	void (*on_keys_changed)(void *guest);
	void (*on_drain)(void *guest);
} Guest;

#endif
