/*
 * live: the streams of all workers: what they share, and the guest (http/guest.h) of each worker.
 */
#ifndef LIVE_H
#define LIVE_H

#include <stdbool.h>

#include "http/guest.h"

typedef struct Live Live;

Live *live_create(void);
void live_dispose(Live *live);

/* The guest to give to the workers. */
const Guest *live_guest(const Live *live);

/* Sets whether PostgreSQL reports wake-ups. If it does not, or until it is known, streams are refused. Any thread may
 * call this. */
void live_set_available(Live *live, bool available);

/* Notes that PostgreSQL has responded with who was woken, even if nobody was. Any thread may call this. */
void live_note_answer(Live *live);

#endif
