/*
 * gram_ops.c: the operator class parley.gram_ops, which indexes the grams of a text (grams.h) with GIN.
 *
 * A query is a bytea that contains an array of GramClue. It is made by parley.term_clues() or by C code, and is never
 * stored. Results are palloc'd in the current context, which GIN resets. No locks are taken.
 */
#include "postgres.h"

#include "access/gin.h"
#include "access/stratnum.h"
#include "catalog/pg_collation.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "compat.h"
#include "text/gram_ops.h"
#include "text/matcher.h"

PG_FUNCTION_INFO_V1(parley_gram_extract_value);
PG_FUNCTION_INFO_V1(parley_gram_extract_query);
PG_FUNCTION_INFO_V1(parley_gram_consistent);
PG_FUNCTION_INFO_V1(parley_gram_compare_partial);
PG_FUNCTION_INFO_V1(parley_term_clues);
PG_FUNCTION_INFO_V1(parley_has_clues);

#define ST_SORT grams_sort
#define ST_ELEMENT_TYPE Gram
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static Gram *
grams_of_datum(Datum value, Oid collation, size_t *count)
{
	text *plain = DatumGetTextPP(value);
	Folded folded = { .owner = CurrentMemoryContext };
	uint32_t *characters;
	Gram *grams;

	parley_fold(&folded, VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain), parley_fold_kind(collation), collation);
	characters = palloc(folded.length * sizeof(uint32_t) + 1);
	grams = palloc(GRAMS_MAX(folded.length) * sizeof(Gram) + 1);
	*count = parley_grams_of_text(folded.data, folded.length, GetDatabaseEncoding() == PG_UTF8, characters, grams);
	return grams;
}

bytea *
parley_clues_form(const GramClue *clues, size_t count)
{
	Size size = VARHDRSZ + count * sizeof(GramClue);
	bytea *query = palloc0(size);

	SET_VARSIZE(query, size);
	memcpy(VARDATA(query), clues, count * sizeof(GramClue));
	return query;
}

/* Returns an aligned copy of a query's clues. Fails with 22023 if they do not form an array of at most CLUES_MAX clues.
 */
static GramClue *
clues_read(bytea *query, size_t *count)
{
	Size size = VARSIZE_ANY_EXHDR(query);
	GramClue *clues = palloc(size + 1);

	bool is_valid = size % sizeof(GramClue) == 0 && size / sizeof(GramClue) <= CLUES_MAX;

	*count = size / sizeof(GramClue);
	memcpy(clues, VARDATA_ANY(query), size);
	for (size_t i = 0; i < *count && is_valid; i++)
		is_valid = clues[i].range_count >= 1 && clues[i].range_count <= GRAM_ALTERNATIVES_MAX;
	if (!is_valid)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("query was not made by parley.term_clues()")));
	return clues;
}

size_t
parley_clues_of_folded(const Folded *term, GramClue *clues, size_t clues_max)
{
	uint32_t *characters = palloc(term->length * sizeof(uint32_t) + 1);
	size_t count =
		parley_clues_of_term(term->data, term->length, GetDatabaseEncoding() == PG_UTF8, characters, clues, clues_max);

	pfree(characters);
	return count;
}

Datum
parley_term_clues(PG_FUNCTION_ARGS)
{
	text *term = PG_GETARG_TEXT_PP(0);
	Folded folded = { .owner = CurrentMemoryContext };
	GramClue clues[CLUES_MAX];

	parley_fold(&folded, VARDATA_ANY(term), VARSIZE_ANY_EXHDR(term), parley_fold_kind(PG_GET_COLLATION()),
				PG_GET_COLLATION());
	PG_RETURN_BYTEA_P(parley_clues_form(clues, parley_clues_of_folded(&folded, clues, CLUES_MAX)));
}

static bool
clue_is_among(const GramClue *clue, const Gram *grams, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (int j = 0; j < clue->range_count; j++)
			if (parley_gram_in_range(grams[i], &clue->ranges[j]))
				return true;
	return false;
}

Datum
parley_has_clues(PG_FUNCTION_ARGS)
{
	size_t gram_count, clue_count;
	Gram *grams = grams_of_datum(PG_GETARG_DATUM(0), PG_GET_COLLATION(), &gram_count);
	GramClue *clues = clues_read(PG_GETARG_BYTEA_PP(1), &clue_count);

	for (size_t i = 0; i < clue_count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!clue_is_among(&clues[i], grams, gram_count))
			PG_RETURN_BOOL(false);
	}
	PG_RETURN_BOOL(true);
}

Datum
parley_gram_extract_value(PG_FUNCTION_ARGS)
{
	int32 *key_count = (int32 *) PG_GETARG_POINTER(1);
	size_t count;
	size_t unique = 0;
	Gram *grams = grams_of_datum(PG_GETARG_DATUM(0), PG_GET_COLLATION(), &count);

	StaticAssertStmt(sizeof(Gram) == sizeof(Datum), "a gram is a Datum as it is");
	/* GIN sorts the keys too, with a function call per comparison. That is cheap if they are sorted and unique. */
	grams_sort(grams, count);
	for (size_t i = 0; i < count; i++)
		if (unique == 0 || grams[unique - 1] != grams[i])
			grams[unique++] = grams[i];
	*key_count = (int32) unique;
	PG_RETURN_POINTER(grams);
}

/* Returns one key per range, in order. A range of more than one gram is a partial match that starts at its low end. */
Datum
parley_gram_extract_query(PG_FUNCTION_ARGS)
{
	int32 *key_count = (int32 *) PG_GETARG_POINTER(1);
	bool **partial_matches = (bool **) PG_GETARG_POINTER(3);
	Pointer **extra_data = (Pointer **) PG_GETARG_POINTER(4);
	int32 *search_mode = (int32 *) PG_GETARG_POINTER(6);
	size_t clue_count;
	GramClue *clues = clues_read(PG_GETARG_BYTEA_PP(0), &clue_count);
	Datum *keys = palloc(clue_count * GRAM_ALTERNATIVES_MAX * sizeof(Datum) + 1);

	*partial_matches = palloc0(clue_count * GRAM_ALTERNATIVES_MAX * sizeof(bool) + 1);
	*extra_data = palloc0(clue_count * GRAM_ALTERNATIVES_MAX * sizeof(Pointer) + 1);
	*key_count = 0;
	for (size_t i = 0; i < clue_count; i++)
		for (int j = 0; j < clues[i].range_count; j++)
		{
			GramRange *range = &clues[i].ranges[j];

			keys[*key_count] = Int64GetDatum(range->low);
			(*partial_matches)[*key_count] = range->low != range->high;
			(*extra_data)[*key_count] = (Pointer) range;
			(*key_count)++;
		}
	if (clue_count == 0)
		*search_mode = GIN_SEARCH_MODE_ALL;
	PG_RETURN_POINTER(keys);
}

/* At least one range of each clue must be present. That does not prove that the text contains the term: the caller
 * checks it. */
Datum
parley_gram_consistent(PG_FUNCTION_ARGS)
{
	GinTernaryValue *checks = (GinTernaryValue *) PG_GETARG_POINTER(0);
	bytea *query = PG_GETARG_BYTEA_PP(2);
	int32 key_count = PG_GETARG_INT32(3);
	const char *clue = VARDATA_ANY(query);

	for (int32 key = 0; key < key_count; clue += sizeof(GramClue))
	{
		int32 range_count;
		bool any = false;

		memcpy(&range_count, clue + offsetof(GramClue, range_count), sizeof(range_count));
		for (int32 last = key + range_count; key < last; key++)
			any |= checks[key] != GIN_FALSE;
		if (!any)
			PG_RETURN_GIN_TERNARY_VALUE(GIN_FALSE);
	}
	PG_RETURN_GIN_TERNARY_VALUE(GIN_MAYBE);
}

Datum
parley_gram_compare_partial(PG_FUNCTION_ARGS)
{
	Gram key = PG_GETARG_INT64(1);
	const GramRange *range = (const GramRange *) PG_GETARG_POINTER(3);

	if (key > range->high)
		PG_RETURN_INT32(1);
	PG_RETURN_INT32(parley_gram_in_range(key, range) ? 0 : -1);
}
