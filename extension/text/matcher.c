/*
 * matcher.c: see matcher.h.
 *
 * Reads only its arguments and takes no locks.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/formatting.h"
#include "utils/memutils.h"

#include "compat.h"
#include "text/fold.h"
#include "text/matcher.h"

PG_FUNCTION_INFO_V1(parley_contains);

/* The matcher of a call site, kept in fn_extra for as long as the term stays the same. */
typedef struct KeptMatcher
{
	Matcher matcher;
	text *term;
} KeptMatcher;

/* An unusual collation falls back to lower() itself, so it costs time but never a row. */
FoldKind
parley_fold_kind(Oid collation)
{
	if (compat_collation_is_c(collation))
		return FOLD_ASCII;
	if (GetDatabaseEncoding() == PG_UTF8 && compat_collation_is_process_locale(collation))
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

void
parley_fold(Folded *folded, const char *data, size_t length, FoldKind kind, Oid collation)
{
	if (kind == FOLD_BY_LOWER)
	{
		char *lower = str_tolower(data, length, collation);

		folded->length = strlen(lower);
		folded_reserve(folded, folded->length + 1);
		memcpy(folded->data, lower, folded->length);
		pfree(lower);
		return;
	}
	folded_reserve(folded, length * FOLD_GROWTH + 1);
	folded->length = kind == FOLD_ASCII ? parley_fold_ascii(folded->data, data, length)
										: parley_fold_utf8(folded->data, data, length);
}

/* Returns whether folding the folded term again would not change it, character by character. */
static bool
matcher_term_is_stable(Matcher *matcher)
{
	const Folded *term = &matcher->term;

	if (matcher->kind == FOLD_BY_LOWER)
		return false;
	parley_fold(&matcher->scratch, term->data, term->length, matcher->kind, matcher->collation);
	return matcher->scratch.length == term->length && memcmp(matcher->scratch.data, term->data, term->length) == 0;
}

void
parley_matcher_init(Matcher *matcher, const text *term, Oid collation)
{
	memset(matcher, 0, sizeof(*matcher));
	matcher->kind = parley_fold_kind(collation);
	matcher->collation = collation;
	matcher->term.owner = matcher->scratch.owner = CurrentMemoryContext;
	parley_fold(&matcher->term, VARDATA_ANY(term), VARSIZE_ANY_EXHDR(term), matcher->kind, collation);
	matcher->is_stable = matcher_term_is_stable(matcher);
}

bool
parley_matcher_test(Matcher *matcher, Datum value)
{
	text *plain = DatumGetTextPP(value);
	const Folded *term = &matcher->term;
	bool found = matcher->is_usual && memmem(VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain), term->data, term->length);

	if (!found)
	{
		parley_fold(&matcher->scratch, VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain), matcher->kind, matcher->collation);
		found = memmem(matcher->scratch.data, matcher->scratch.length, term->data, term->length) != NULL;
	}
	matcher->is_usual = matcher->is_stable && found;
	if (plain != (text *) DatumGetPointer(value))
		pfree(plain);
	return found;
}

/*
 * Returns how many characters of the text begin before an offset in its folded form. This folds each character by
 * itself, so that we know the folded lengths. If lower() depends on neighbours, as ICU's does for a final sigma, the
 * character changes but not its length.
 */
static int
characters_before(Matcher *matcher, const char *data, size_t length, size_t offset)
{
	const char *at = data, *end = data + length;
	size_t folded = 0;
	int count = 0;

	while (at < end && folded < offset)
	{
		int size = Min(pg_mblen(at), end - at);

		parley_fold(&matcher->scratch, at, size, matcher->kind, matcher->collation);
		folded += matcher->scratch.length;
		at += size;
		count++;
	}
	return count;
}

bool
parley_matcher_find(Matcher *matcher, Datum value, int *begin, int *length)
{
	text *plain = DatumGetTextPP(value);
	const char *data = VARDATA_ANY(plain);
	size_t size = VARSIZE_ANY_EXHDR(plain);
	const char *found;
	size_t offset;

	parley_fold(&matcher->scratch, data, size, matcher->kind, matcher->collation);
	found = memmem(matcher->scratch.data, matcher->scratch.length, matcher->term.data, matcher->term.length);
	if (found == NULL)
		return false;
	offset = found - matcher->scratch.data;
	/* A character that begins within the match ends with it, but for one that folds to several. */
	*begin = 1 + characters_before(matcher, data, size, offset);
	*length = characters_before(matcher, data, size, offset + matcher->term.length) - (*begin - 1);
	return true;
}

static Matcher *
matcher_keep(FmgrInfo *call_site, text *term, Oid collation)
{
	KeptMatcher *kept = call_site->fn_extra;
	MemoryContext outer;

	if (kept != NULL && VARSIZE_ANY_EXHDR(kept->term) == VARSIZE_ANY_EXHDR(term) &&
		memcmp(VARDATA_ANY(kept->term), VARDATA_ANY(term), VARSIZE_ANY_EXHDR(term)) == 0)
		return &kept->matcher;
	if (kept != NULL)
	{
		pfree(kept->matcher.term.data);
		if (kept->matcher.scratch.data != NULL)
			pfree(kept->matcher.scratch.data);
		pfree(kept->term);
		pfree(kept);
	}
	call_site->fn_extra = NULL;
	outer = MemoryContextSwitchTo(call_site->fn_mcxt);
	kept = palloc(sizeof(KeptMatcher));
	kept->term = (text *) DatumGetPointer(datumCopy(PointerGetDatum(term), false, -1));
	parley_matcher_init(&kept->matcher, kept->term, collation);
	call_site->fn_extra = kept;
	MemoryContextSwitchTo(outer);
	return &kept->matcher;
}

Datum
parley_contains(PG_FUNCTION_ARGS)
{
	Matcher *matcher = matcher_keep(fcinfo->flinfo, PG_GETARG_TEXT_PP(1), PG_GET_COLLATION());

	PG_RETURN_BOOL(parley_matcher_test(matcher, PG_GETARG_DATUM(0)));
}
