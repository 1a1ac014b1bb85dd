/*
 * loop: h2o reports failures of its event loop only by returning -1. Being interrupted by a debugger or by SIGSTOP is
 * not a failure.
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
