/*
 * matcher.c: see matcher.h.
 *
 * Reads nothing but its arguments; takes no lock.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/memutils.h"
#include "utils/pg_locale.h"

#include "fold.h"
#include "matcher.h"

/* What is folded by lower() is whatever lower() says, so an unusual collation costs time and never a row. */
FoldKind
parley_fold_kind(Oid collation)
{
	pg_locale_t locale;

	if (lc_ctype_is_c(collation))
		return FOLD_ASCII;
	locale = pg_newlocale_from_collation(collation);
	if (locale == 0 && GetDatabaseEncoding() == PG_UTF8)
		return FOLD_UTF8;
	return FOLD_BY_LOWER;
}

static void
folded_reserve(Folded *folded, size_t size)
{
	if (folded->size >= size)
		return;
	if (folded->data != NULL)
		pfree(folded->data);
	folded->data = MemoryContextAlloc(folded->owner, size);
	folded->size = size;
}

static void
fold_by_lower(Folded *folded, const char *data, size_t length, Oid collation)
{
	char *lower = str_tolower(data, length, collation);

	folded->length = strlen(lower);
	folded_reserve(folded, folded->length + 1);
	memcpy(folded->data, lower, folded->length);
	pfree(lower);
}

void
parley_fold(Folded *folded, const char *data, size_t length, FoldKind kind, Oid collation)
{
	if (kind == FOLD_BY_LOWER)
	{
		fold_by_lower(folded, data, length, collation);
		return;
	}
	folded_reserve(folded, length * FOLD_GROWTH + 1);
	folded->length = kind == FOLD_ASCII ? parley_fold_ascii(folded->data, data, length)
										: parley_fold_utf8(folded->data, data, length);
}

void
parley_matcher_init(Matcher *matcher, const text *term, Oid collation)
{
	memset(matcher, 0, sizeof(*matcher));
	matcher->kind = parley_fold_kind(collation);
	matcher->collation = collation;
	matcher->term.owner = matcher->scratch.owner = CurrentMemoryContext;
	parley_fold(&matcher->term, VARDATA_ANY(term), VARSIZE_ANY_EXHDR(term), matcher->kind, collation);
}

bool
parley_matcher_test(Matcher *matcher, Datum value)
{
	text *plain = DatumGetTextPP(value);
	const Folded *term = &matcher->term;
	bool found;

	parley_fold(&matcher->scratch, VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain), matcher->kind, matcher->collation);
	found = memmem(matcher->scratch.data, matcher->scratch.length, term->data, term->length) != NULL;
	if (plain != (text *) DatumGetPointer(value))
		pfree(plain);
	return found;
}
