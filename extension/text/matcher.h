/*
 * matcher.h: tests whether a text contains a term, ignoring case. The result is that of text ILIKE '%term%' in the
 * given collation, except that no character of the term has a special meaning.
 */
#ifndef PARLEY_MATCHER_H
#define PARLEY_MATCHER_H

#include "postgres.h"

/* How to fold in a collation. */
typedef enum FoldKind
{
	FOLD_ASCII,   /* locale C */
	FOLD_UTF8,    /* libc's towlower, character by character */
	FOLD_BY_LOWER /* anything else: call lower() */
} FoldKind;

/* A folded text in a buffer that is reused. The buffer grows in the memory context `owner`. */
typedef struct Folded
{
	char *data;
	size_t length;
	size_t size;
	MemoryContext owner;
} Folded;

typedef struct Matcher
{
	FoldKind kind;
	Oid collation;
	Folded term;
	bool is_stable; /* a text that contains the folded term as it is written contains the term */
	bool is_usual;  /* the last text contained it, so look for it as it is written before folding the next one */
	Folded scratch;
} Matcher;

extern FoldKind parley_fold_kind(Oid collation);

/* Folds `length` bytes into `folded`, replacing its content. folded->owner must be set. */
extern void parley_fold(Folded *folded, const char *data, size_t length, FoldKind kind, Oid collation);

/* Allocates in the current memory context, in which the matcher lives. */
extern void parley_matcher_init(Matcher *matcher, const text *term, Oid collation);

/* `value` is a text, toasted or not. Leaks nothing into the current memory context. */
extern bool parley_matcher_test(Matcher *matcher, Datum value);

/* Same, but also returns the place of the first match: where it begins, counted from 1, and its length, both in
 * characters of the original text. */
extern bool parley_matcher_find(Matcher *matcher, Datum value, int *begin, int *length);

#endif
