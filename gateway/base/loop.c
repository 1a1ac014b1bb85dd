/*
 * loop: h2o's, whose failures h2o reports by -1 alone. A debugger, or a stop and go on, interrupts a wait and harms
 * nothing.
 */
#include "base/loop.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

void
loop_run(h2o_loop_t *loop, int32_t wait_ms)
{
	errno = 0;
	if (h2o_evloop_run(loop, wait_ms) == 0 || errno == EINTR)
		return;
	log_error("event=loop_broken reason=\"%s\"", strerror(errno));
	h2o_fatal("the event loop is broken");
}
