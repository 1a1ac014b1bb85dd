/*
 * progress: shows the progress of some work on stderr, with its rate and the time left. Nothing is allocated.
 */
#include "progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 30
#define BAR_EVERY_SECONDS 0.1
#define LINE_EVERY_SECONDS 5

double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static bool
on_terminal(void)
{
	return isatty(STDERR_FILENO) == 1;
}

/* Writes 1234567 as 1,234,567. */
static const char *
grouped(uint64_t number, char buffer[32])
{
	char *at = buffer + 31;
	int digits = 0;

	*at = '\0';
	do
	{
		if (digits > 0 && digits % 3 == 0)
			*--at = ',';
		*--at = (char) ('0' + number % 10);
		digits++;
	} while ((number /= 10) > 0);
	return at;
}

static void
show_bar(double share)
{
	char bar[BAR_WIDTH + 1];
	int filled = (int) (share * BAR_WIDTH);

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', (size_t) filled);
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r\033[K%s ", bar);
}

Progress
progress_start(const char *what, uint64_t total)
{
	double now = seconds_now();

	/* A bar is shown at once, a line only when there is something to report. */
	return (Progress){ what, total, now, on_terminal() ? 0 : now };
}

void
progress_show(Progress *progress, uint64_t done)
{
	bool terminal = on_terminal();
	double now = seconds_now();
	double elapsed = now - progress->started;
	double share = progress->total > 0 ? (double) done / (double) progress->total : 1;
	char done_text[32], total_text[32], rate_text[32];

	if (now - progress->shown < (terminal ? BAR_EVERY_SECONDS : LINE_EVERY_SECONDS) || elapsed <= 0)
		return;
	progress->shown = now;
	if (terminal)
		show_bar(share);
	fprintf(stderr, "%s: %s of %s (%.0f %%), %s/s", progress->what, grouped(done, done_text),
			grouped(progress->total, total_text), 100 * share,
			grouped((uint64_t) ((double) done / elapsed), rate_text));
	if (share > 0)
		fprintf(stderr, ", %.0f s left", elapsed / share - elapsed);
	fputs(terminal ? "" : "\n", stderr);
}

void
progress_say(const char *format, ...)
{
	va_list arguments;

	if (on_terminal())
		fputs("\r\033[K", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

void
progress_finish(const Progress *progress)
{
	char total_text[32], rate_text[32];
	double elapsed = seconds_now() - progress->started;
	uint64_t rate = elapsed > 0 ? (uint64_t) ((double) progress->total / elapsed) : 0;

	progress_say("%s: %s in %.1f s, %s/s", progress->what, grouped(progress->total, total_text), elapsed,
				 grouped(rate, rate_text));
}
