/*
 * matcher.h: does a text contain a term, whatever the case of either? The same answer as
 * text ILIKE '%term%', with no character of the term special, in the collation given.
 */
#ifndef PARLEY_MATCHER_H
#define PARLEY_MATCHER_H

#include "postgres.h"

/* How a collation folds. */
typedef enum FoldKind
{
	FOLD_ASCII,   /* locale C */
	FOLD_UTF8,    /* libc's towlower, character by character */
	FOLD_BY_LOWER /* anything else: ask lower() */
} FoldKind;

/* A text folded in a buffer that is used again and again, so none is freed; grows in the context of its owner. */
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
	Folded scratch;
} Matcher;

extern FoldKind parley_fold_kind(Oid collation);

/* Folds `length` bytes into `folded`, whose owner must be set. */
extern void parley_fold(Folded *folded, const char *data, size_t length, FoldKind kind, Oid collation);

/* The matcher lives in the current memory context. */
extern void parley_matcher_init(Matcher *matcher, const text *term, Oid collation);

/* value is a text, toasted or not. Leaves nothing behind in the current context. */
extern bool parley_matcher_test(Matcher *matcher, Datum value);

#endif
