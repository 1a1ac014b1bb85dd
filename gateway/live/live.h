/*
 * live: the streams of all workers: what they share, and the guest (http/guest.h) that each worker has.
 */
#ifndef LIVE_H
#define LIVE_H

#include <stdbool.h>

#include "http/guest.h"

typedef struct Live Live;

Live *live_create(void);
void live_dispose(Live *live);

/* What the workers are given. */
const Guest *live_guest(const Live *live);

/* Whether PostgreSQL tells of wake-ups; until it is known, and without, streams are refused. Any thread. */
void live_set_available(Live *live, bool available);

/* That PostgreSQL has answered who was woken, if anybody. Any thread. */
void live_note_answer(Live *live);

#endif
