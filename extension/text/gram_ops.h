/*
 * gram_ops.h: queries of parley.gram_ops, for scans of its indexes from C.
 */
#ifndef PARLEY_GRAM_OPS_H
#define PARLEY_GRAM_OPS_H

#include "postgres.h"

#include "text/grams.h"
#include "text/matcher.h"

/* The strategy of a text that has all of a query's clues. */
#define GRAM_HAS_CLUES 1

/* More than this many tell no more. */
#define CLUES_MAX 64

/* The clues of a folded term, as parley_clues_of_term() has them. */
extern size_t parley_clues_of_folded(const Folded *term, GramClue *clues, size_t clues_max);

/* A query of these clues, in the current context. */
extern bytea *parley_clues_form(const GramClue *clues, size_t count);

#endif
