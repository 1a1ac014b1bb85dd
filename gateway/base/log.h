/*
 * log: one line an event on standard error, in logfmt. Lines go through a bounded ring to a thread of their own, so
 * that a slow reader of the log never stops an event loop; what does not fit is counted and the count is logged.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stddef.h>

/* Starts the writing thread on the descriptor; before this and after log_stop, lines are written at once. */
void log_start(int descriptor);

/* Writes out what is in the ring and ends the thread. */
void log_stop(void);

/* A line: time, level and the rest, which is key=value pairs. A line longer than 2,000 bytes is cut. */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Copies text as a quoted logfmt value, cut to fit size bytes; returns out. Control characters and quotes are escaped,
 * so that no text can forge a line.
 */
const char *log_quote(const char *text, char *out, size_t size);

#endif
