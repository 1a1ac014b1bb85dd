/*
 * utf8: what PostgreSQL calls valid UTF-8, so that no text it would refuse is ever sent to it.
 */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the bytes are UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, nothing above U+10FFFF. */
bool utf8_is_valid(const char *text, size_t length);

/* The number of characters of valid UTF-8. */
size_t utf8_count(const char *text, size_t length);

#endif
