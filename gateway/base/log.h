/*
 * log: one line an event on standard error, in logfmt. A line is one write(2), made at once or not at all: a reader of
 * the log that is too slow never stops an event loop, and loses lines, which are counted.
 */
#ifndef LOG_H
#define LOG_H

#include <stddef.h>
#include <stdint.h>

/* A line: time, level and the rest, which is key=value pairs. A line longer than 2,000 bytes is cut. Any thread. */
void log_line(const char *level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_info(...) log_line("info", __VA_ARGS__)
#define log_warning(...) log_line("warning", __VA_ARGS__)
#define log_error(...) log_line("error", __VA_ARGS__)

/* How many lines were lost. */
uint64_t log_dropped_count(void);

/*
 * Copies text as a quoted logfmt value, cut to fit size bytes; returns out. Control characters and quotes are escaped,
 * so that no text can forge a line.
 */
const char *log_quote(const char *text, char *out, size_t size);

#endif
