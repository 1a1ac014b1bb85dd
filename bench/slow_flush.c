/*
 * slow_flush: a library to preload into PostgreSQL. Every flush of a file then takes FLUSH_US microseconds and does not
 * use the disk, so that we can simulate disks of other speeds.
 */
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static int
flush(void)
{
	const char *text = getenv("FLUSH_US");
	long us = text == NULL ? 0 : atol(text);
	struct timespec pause = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	/* Otherwise the sleep would take 50 us longer. */
	prctl(PR_SET_TIMERSLACK, 1);
	nanosleep(&pause, NULL);
	return 0;
}

int
fsync(int descriptor)
{
	(void) descriptor;
	return flush();
}

int
fdatasync(int descriptor)
{
	(void) descriptor;
	return flush();
}
