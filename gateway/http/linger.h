/*
 * linger: closing a connection whose client is still sending. Closed at once, the client's unread bytes make TCP reset
 * the connection, and the answer that it was refused is lost; so the writing side is shut, and what comes is read away
 * for a while.
 */
#ifndef LINGER_H
#define LINGER_H

#include <h2o.h>

/* Takes over a connected descriptor that the client must still read an answer from, and closes it in time. */
void linger_close(h2o_loop_t *loop, h2o_timeout_t *timeout, int descriptor);

/* Closes all that linger on the timeout. */
void linger_end_all(h2o_timeout_t *timeout);

#endif
