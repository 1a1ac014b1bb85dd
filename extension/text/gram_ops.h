/*
 * gram_ops.h: builds queries of parley.gram_ops, for index scans from C.
 */
#ifndef PARLEY_GRAM_OPS_H
#define PARLEY_GRAM_OPS_H

#include "postgres.h"

#include "text/grams.h"
#include "text/matcher.h"

/* The strategy number of parley.@~: the text has all clues of the query. */
#define GRAM_HAS_CLUES 1

/* A query has at most this many clues. More would hardly narrow it down. */
#define CLUES_MAX 64

/* Same as parley_clues_of_term(), for a folded term. */
extern size_t parley_clues_of_folded(const Folded *term, GramClue *clues, size_t clues_max);

/* Returns a query made of these clues, palloc'd. */
extern bytea *parley_clues_form(const GramClue *clues, size_t count);

#endif
