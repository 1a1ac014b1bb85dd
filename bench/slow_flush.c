/*
 * slow_flush: preloaded into PostgreSQL, makes every flush of a file take FLUSH_US microseconds and leave the disk
 * alone, so that figures of one disk can be measured on another.
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

	/* Else a sleep is 50 us longer. */
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
