/*
 * grams.h: the grams by which a text is indexed, and the clues by which a term is looked up. This is pure C and does
 * not depend on PostgreSQL.
 *
 * A single blank separates tokens. Any other character is part of a token, and so are two or more blanks in a row. The
 * grams of a folded text are
 *   - trigrams: every three consecutive characters of a token;
 *   - bridges: the last two characters of each token together with the first two of the next;
 *   - singles: every character that is not one of a to z, or is one of j, q, x and z.
 * So any three characters within a token are a trigram. Any two begin a trigram or end a token. A character by itself
 * begins a trigram, is one of the last two of a token, or is a single. Bridges make phrases of common words selective,
 * because the bridges between common words are rarer than the words.
 *
 * A gram is a 64-bit integer. Trigrams and singles hold 21 bits per character, the first one highest, so that all grams
 * that begin with given characters form one range of integers. Bridges are negative and hold 15 bits per character,
 * with a hash for characters beyond U+3FFF: first the end of the token, starting with its last character, then the
 * start of the next one. So all bridges after a given end form one range too.
 */
#ifndef PARLEY_GRAMS_H
#define PARLEY_GRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t Gram;

/* The grams from low to high whose bits under mask equal those of low. */
typedef struct GramRange
{
	Gram low, high;
	uint64_t mask;
} GramRange;

#define GRAM_ALTERNATIVES_MAX 3

/* Every text that contains the term has a gram in one of these ranges. */
typedef struct GramClue
{
	int32_t range_count;
	GramRange ranges[GRAM_ALTERNATIVES_MAX];
} GramClue;

/* The largest number of grams that a text of this many bytes can have. */
#define GRAMS_MAX(length) (3 * (length))

/*
 * Stores the grams of a folded text in `grams`, unsorted and with duplicates, and returns their number. `grams` must
 * have room for GRAMS_MAX(length), and `characters`, which is scratch space, for `length`. If not `utf8`, each byte is
 * taken as a character; otherwise the text must be valid UTF-8.
 */
extern size_t parley_grams_of_text(const char *text, size_t length, bool utf8, uint32_t *characters, Gram *grams);

/*
 * Stores the clues of a folded term in `clues`, at most `clues_max` of them (which must be at least 3), and returns
 * their number. A text that contains the term has all of them. A single blank has no clues: the index cannot help.
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
