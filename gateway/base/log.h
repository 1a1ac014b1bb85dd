/*
 * log: one line per event on standard error, in logfmt. A line is written by a single non-blocking write(2), or not at
 * all. So a slow reader of the log never blocks an event loop. It loses lines, which are counted.
 */
#ifndef LOG_H
#define LOG_H

#include <stddef.h>
#include <stdint.h>

/* Writes a line: time, level and the rest, which consists of key=value pairs. A line longer than 2,000 bytes is
 * truncated. Any thread may call this. */
void log_line(const char *level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_info(...) log_line("info", __VA_ARGS__)
#define log_warning(...) log_line("warning", __VA_ARGS__)
#define log_error(...) log_line("error", __VA_ARGS__)

/* Returns how many lines were lost. */
uint64_t log_dropped_count(void);

/*
 * Copies a text as a quoted logfmt value, truncated to `size` bytes, and returns `out`. Control characters and quotes
 * are escaped, so that no text can forge a line.
 */
const char *log_quote(const char *text, char *out, size_t size);

#endif
