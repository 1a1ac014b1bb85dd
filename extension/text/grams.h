/*
 * grams.h: what of a text the index knows, and what of a term it can be asked for. Pure C, no PostgreSQL in it.
 *
 * A single blank separates tokens; everything else, two blanks in a row too, is part of one. Of a text, folded, the
 * index knows
 *   - every three characters in a row of a token: a trigram;
 *   - of every token, its last two characters and the first two of the token that follows: a bridge;
 *   - every character that is not one of a to z, or is j, q, x or z: a single.
 * So every occurrence of three characters is a trigram, one of two begins a trigram or ends a token, and one of one
 * begins a trigram, ends a token, is the last but one, or is a single. A phrase of common words has bridges that are
 * not common.
 *
 * A gram is a 64-bit integer. A trigram or single is its characters, 21 bits each, the first highest, so that those
 * which begin with given characters are one range of integers. A bridge is negative: 15 bits a character (beyond U+3FFF
 * a hash), from the last outwards, then from the first inwards, so that those after a given end are one range too.
 */
#ifndef PARLEY_GRAMS_H
#define PARLEY_GRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t Gram;

/* Grams from low to high whose bits in mask are those of low. */
typedef struct GramRange
{
	Gram low, high;
	uint64_t mask;
} GramRange;

#define GRAM_ALTERNATIVES_MAX 3

/* A text that contains the term has a gram of one of these ranges. */
typedef struct GramClue
{
	int32_t range_count;
	GramRange ranges[GRAM_ALTERNATIVES_MAX];
} GramClue;

/* A text of so many bytes has at most so many grams. */
#define GRAMS_MAX(length) (3 * (length))

/*
 * The grams of a folded text, unsorted, some more than once, into `grams`, which has room for GRAMS_MAX(length);
 * returns how many. characters: room for length. utf8: whether the text is valid UTF-8; otherwise every byte is a
 * character.
 */
extern size_t parley_grams_of_text(const char *text, size_t length, bool utf8, uint32_t *characters, Gram *grams);

/*
 * What a text that contains the folded term must have: all of the clues, at most `clues_max` (at least 3) of
 * them. None where the index cannot tell: for a single blank.
 */
extern size_t parley_clues_of_term(const char *term, size_t length, bool utf8, uint32_t *characters, GramClue *clues,
								   size_t clues_max);

static inline bool
parley_gram_in_range(Gram gram, const GramRange *range)
{
	return gram >= range->low && gram <= range->high && (((uint64_t) gram ^ (uint64_t) range->low) & range->mask) == 0;
}

static inline bool
parley_clue_is_exact(const GramClue *clue)
{
	return clue->range_count == 1 && clue->ranges[0].low == clue->ranges[0].high;
}

#endif
