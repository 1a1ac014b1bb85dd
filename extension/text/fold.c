/*
 * fold.c: see fold.h.
 *
 * The results of towlower() are cached in pages of 256 characters. A page is filled when one of its characters is first
 * needed, and never freed: a process has one locale, so one set of pages is enough. ASCII is folded eight bytes at a
 * time.
 */
#include "text/fold.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#define PAGE_BITS 8
#define PAGE_SIZE (1u << PAGE_BITS)
#define PAGES (0x110000u >> PAGE_BITS)

#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

static uint32_t *pages[PAGES];

/* In some locales (Turkish) I folds to a letter outside ASCII, so we cannot fold eight bytes at a time. */
static bool ascii_is_plain;
static bool ascii_is_known;

static uint32_t
fold_character(uint32_t character)
{
	uint32_t **page = &pages[character >> PAGE_BITS];

	if (*page == NULL)
	{
		uint32_t first = character & ~(PAGE_SIZE - 1);
		uint32_t *filled = malloc(PAGE_SIZE * sizeof(uint32_t));

		if (filled == NULL)
			return (uint32_t) towlower((wint_t) character);
		for (uint32_t i = 0; i < PAGE_SIZE; i++)
			filled[i] = (uint32_t) towlower((wint_t) (first + i));
		*page = filled;
	}
	return (*page)[character & (PAGE_SIZE - 1)];
}

/* Folds A to Z eight bytes at a time by setting bit 0x20, up to the first non-ASCII byte, or past it if `through`. */
static size_t
fold_eights(char *to, const char *from, size_t length, bool through)
{
	size_t done = 0;

	for (; done + 8 <= length; done += 8)
	{
		uint64_t bytes, low, from_a, past_z;

		memcpy(&bytes, from + done, 8);
		if (!through && (bytes & EVERY_BYTE(0x80)))
			break;
		low = bytes & EVERY_BYTE(0x7F);
		from_a = low + EVERY_BYTE(0x80 - 'A');
		past_z = low + EVERY_BYTE(0x7F - 'Z');
		/* Bytes from 0x80 up are left alone. */
		bytes |= ((from_a & ~past_z) & ~bytes & EVERY_BYTE(0x80)) >> 2;
		memcpy(to + done, &bytes, 8);
	}
	return done;
}

static size_t
utf8_put(char *to, uint32_t c)
{
	if (c < 0x80)
		return to[0] = (char) c, 1;
	if (c < 0x800)
		return to[0] = (char) (0xC0 | c >> 6), to[1] = (char) (0x80 | (c & 0x3F)), 2;
	if (c < 0x10000)
		return to[0] = (char) (0xE0 | c >> 12), to[1] = (char) (0x80 | (c >> 6 & 0x3F)),
			   to[2] = (char) (0x80 | (c & 0x3F)), 3;
	return to[0] = (char) (0xF0 | c >> 18), to[1] = (char) (0x80 | (c >> 12 & 0x3F)),
		   to[2] = (char) (0x80 | (c >> 6 & 0x3F)), to[3] = (char) (0x80 | (c & 0x3F)), 4;
}

size_t
parley_fold_utf8(char *to, const char *from, size_t length)
{
	const unsigned char *at = (const unsigned char *) from;
	const unsigned char *end = at + length;
	char *out = to;

	if (!ascii_is_known)
	{
		ascii_is_plain = true;
		for (uint32_t c = 0; c < 0x80; c++)
			if (fold_character(c) != (c >= 'A' && c <= 'Z' ? c + 32 : c))
				ascii_is_plain = false;
		ascii_is_known = true;
	}
	while (at < end)
	{
		if (ascii_is_plain && *at < 0x80)
		{
			size_t done = fold_eights(out, (const char *) at, (size_t) (end - at), false);

			at += done;
			out += done;
			for (; at < end && *at < 0x80; at++)
				*out++ = (char) (*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
		}
		else
			out += utf8_put(out, fold_character(parley_utf8_next(&at)));
	}
	return (size_t) (out - to);
}

size_t
parley_fold_ascii(char *to, const char *from, size_t length)
{
	for (size_t done = fold_eights(to, from, length, true); done < length; done++)
		to[done] = (char) (from[done] >= 'A' && from[done] <= 'Z' ? from[done] + 32 : from[done]);
	return length;
}
