/*
 * guest: something that keeps requests open beyond their response. A worker has one, which handles the requests of
 * streaming routes. That is all that http/ knows about it.
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
	/* Takes over a request whose caller and values are known, and responds to it. */
	void (*on_request)(void *guest, struct Request *request);
	/* Receives what worker_tell() sent with MESSAGE_GUEST. */
	void (*on_message)(void *guest, void *held);
	void (*on_tick)(void *guest, uint64_t now_us);
	void (*on_keys_changed)(void *guest);
	void (*on_drain)(void *guest);
} Guest;

#endif
