/*
 * fold.h: letters without their case, as PostgreSQL 15 has it for ILIKE and lower() in a libc locale: every character
 * by itself, by towlower(). Pure C, no PostgreSQL in it.
 */
#ifndef PARLEY_FOLD_H
#define PARLEY_FOLD_H

#include <stddef.h>
#include <stdint.h>

/* A character takes at most so many times its bytes once folded. */
#define FOLD_GROWTH 4

/*
 * Folds valid UTF-8 into `to`, which has room for FOLD_GROWTH * length bytes, and returns how many it wrote. Follows
 * the process's LC_CTYPE as it is at the first call.
 */
extern size_t parley_fold_utf8(char *to, const char *from, size_t length);

/* The same where only A to Z have another case: locale C. */
extern size_t parley_fold_ascii(char *to, const char *from, size_t length);

/* Reads the character at *at, which is moved behind it. Valid UTF-8 only. */
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
