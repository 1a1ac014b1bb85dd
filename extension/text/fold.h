/*
 * fold.h: case folding as PostgreSQL's ILIKE and lower() do it in a libc locale: towlower() on each character by
 * itself. This is pure C and does not depend on PostgreSQL.
 */
#ifndef PARLEY_FOLD_H
#define PARLEY_FOLD_H

#include <stddef.h>
#include <stdint.h>

/* Folding makes a character at most this many times as long. */
#define FOLD_GROWTH 4

/*
 * Folds valid UTF-8 into `to`, which must have room for FOLD_GROWTH * length bytes, and returns the number of bytes
 * written. Uses the LC_CTYPE that the process has at the first call.
 */
extern size_t parley_fold_utf8(char *to, const char *from, size_t length);

/* Same for locale C, where only A to Z are folded. */
extern size_t parley_fold_ascii(char *to, const char *from, size_t length);

/* Returns the character at *at and advances *at past it. The input must be valid UTF-8. */
static inline uint32_t
parley_utf8_next(const unsigned char **at)
{
	const unsigned char *c = *at;

	if (c[0] < 0x80)
		return *at += 1, c[0];
	if (c[0] < 0xE0)
		return *at += 2, (c[0] & 0x1Fu) << 6 | (c[1] & 0x3Fu);
	if (c[0] < 0xF0)
		return *at += 3, (c[0] & 0x0Fu) << 12 | (c[1] & 0x3Fu) << 6 | (c[2] & 0x3Fu);
	return *at += 4, (c[0] & 0x07u) << 18 | (c[1] & 0x3Fu) << 12 | (c[2] & 0x3Fu) << 6 | (c[3] & 0x3Fu);
}

#endif
