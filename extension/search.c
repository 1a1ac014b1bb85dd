/*
 * search.c: recent conversations, whole or as far as a term matches.
 *
 * Reads only; takes no lock beyond those of its queries. Rows and texts live in SPI's context until they are copied into
 * the caller's tuplestore.
 *
 * A page is the rows of one statement after a position: (time of the message, conversation), newest first. One row more
 * than the page is read, which tells whether there is a next one.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "statement.h"

PG_FUNCTION_INFO_V1(parley_recent_conversations);
PG_FUNCTION_INFO_V1(parley_explain_recent_conversations);

#define COLUMN_TOTAL_COUNT 9
#define COLUMN_NEXT_CURSOR 10
#define COLUMNS 10

/* The message at which a row points, its conversation c and its contact, in the order of parley.recent_conversation. */
#define ROW_COLUMNS \
	" SELECT c.id, m.number, m.content::text, m.created_at, co.id, co.name::text, co.phone::text, c.kind"
#define ROW_CONTACT " LEFT JOIN parley.contacts co ON co.id = coalesce(c.contact_id, m.sender_id)"

/* From the end of the conversation backwards: nearly always the first row looked at. */
#define NEWEST_MESSAGE \
	" CROSS JOIN LATERAL (SELECT * FROM parley.messages n" \
	"  WHERE n.conversation_id = c.id AND n.created_at = c.last_message_at AND n.deleted_at IS NULL" \
	"  ORDER BY n.number DESC LIMIT 1) m"

#define PAGE_PARAMETERS TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID

/* $1, $2: the position; $3: rows to skip; $4: rows to answer. */
static Statement list_all = {
	ROW_COLUMNS
	" FROM (SELECT * FROM parley.conversations"
	"  WHERE kind <> 'chat' AND last_message_at IS NOT NULL AND (last_message_at, id) < ($1, $2)"
	"  ORDER BY last_message_at DESC, id DESC OFFSET $3 LIMIT $4) c" NEWEST_MESSAGE ROW_CONTACT
	" ORDER BY c.last_message_at DESC, c.id DESC",
	{ PAGE_PARAMETERS },
};
static Statement count_all = {
	"SELECT count(*) FROM parley.conversations WHERE kind <> 'chat' AND last_message_at IS NOT NULL",
	{ InvalidOid },
};

/*
 * $5: the term as an ILIKE pattern. Matching contacts bring their conversations' newest message, matching messages
 * themselves; of each conversation the newest counts. A tombstone's content is null and matches nothing.
 */
#define MATCHES \
	"WITH contact AS MATERIALIZED (" \
	"  SELECT id FROM parley.contacts WHERE name ILIKE $5" \
	"  UNION SELECT id FROM parley.contacts WHERE phone ILIKE $5" \
	"  UNION SELECT id FROM parley.contacts WHERE phone_digits ILIKE $5)," \
	" of_contact AS (" \
	"  SELECT c.id, c.last_message_at FROM contact k JOIN parley.conversations c" \
	"   ON c.kind = 'contact' AND c.contact_id = k.id" \
	"  UNION SELECT c.id, c.last_message_at FROM contact k JOIN parley.conversations c" \
	"   ON c.kind = 'direct' AND c.low_contact_id = k.id" \
	"  UNION SELECT c.id, c.last_message_at FROM contact k JOIN parley.conversations c" \
	"   ON c.kind = 'direct' AND c.high_contact_id = k.id)," \
	" candidate AS (" \
	"  SELECT m.conversation_id, m.number, m.created_at FROM parley.messages m WHERE m.content ILIKE $5" \
	"  UNION ALL SELECT m.conversation_id, m.number, m.created_at FROM of_contact c" NEWEST_MESSAGE ")," \
	" hit AS (" \
	"  SELECT DISTINCT ON (conversation_id) conversation_id, number, created_at FROM candidate" \
	"   ORDER BY conversation_id, created_at DESC, number DESC)"

static Statement list_matching = {
	MATCHES ROW_COLUMNS
	" FROM (SELECT hit.* FROM hit JOIN parley.conversations c ON c.id = hit.conversation_id AND c.kind <> 'chat'"
	"  WHERE (hit.created_at, hit.conversation_id) < ($1, $2)"
	"  ORDER BY hit.created_at DESC, hit.conversation_id DESC OFFSET $3 LIMIT $4) h"
	" JOIN parley.conversations c ON c.id = h.conversation_id"
	" JOIN parley.messages m ON m.conversation_id = h.conversation_id AND m.number = h.number" ROW_CONTACT
	" ORDER BY h.created_at DESC, h.conversation_id DESC",
	{ PAGE_PARAMETERS, TEXTOID },
};
static Statement count_matching = {
	MATCHES
	" SELECT count(*) FROM hit JOIN parley.conversations c ON c.id = hit.conversation_id AND c.kind <> 'chat'",
	{ PAGE_PARAMETERS, TEXTOID },
};

/* What is asked for. */
typedef struct Listing
{
	text *pattern; /* NULL: no term */
	TimestampTz before;
	int64 before_id; /* rows strictly older than (before, before_id) */
	int64 skip;
	int64 page_size;
	bool by_cursor;
	bool counted;
} Listing;

/* %term%, with the characters that ILIKE treats specially made literal. */
static text *
pattern_of_term(const text *term)
{
	StringInfoData pattern;
	const char *at = VARDATA_ANY(term);
	const char *end = at + VARSIZE_ANY_EXHDR(term);

	initStringInfo(&pattern);
	appendStringInfoChar(&pattern, '%');
	for (; at < end; at++)
	{
		if (*at == '%' || *at == '_' || *at == '\\')
			appendStringInfoChar(&pattern, '\\');
		appendStringInfoChar(&pattern, *at);
	}
	appendStringInfoChar(&pattern, '%');
	return cstring_to_text_with_len(pattern.data, pattern.len);
}

/* A cursor is the position of the row that it follows, two numbers in hexadecimal; opaque to clients. */
static text *
cursor_form(TimestampTz at, int64 conversation_id)
{
	return cstring_to_text(psprintf("%016llx%016llx", (unsigned long long) at, (unsigned long long) conversation_id));
}

static void
cursor_parse(const text *cursor, TimestampTz *at, int64 *conversation_id)
{
	char *string = text_to_cstring(cursor);
	unsigned long long parts[2];

	if (strlen(string) != 32 || strspn(string, "0123456789abcdef") != 32 ||
		sscanf(string, "%16llx%16llx", &parts[0], &parts[1]) != 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cursor is not one of this list"),
						errhint("Use the cursor of a \"next\" link as it is."), errargument("cursor")));
	*at = (TimestampTz) parts[0];
	*conversation_id = (int64) parts[1];
}

static Listing
listing_of_arguments(FunctionCallInfo fcinfo)
{
	Listing listing = { .before = DT_NOEND, .before_id = PG_INT64_MAX, .page_size = 50 };

	if (!PG_ARGISNULL(0) && VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0)) > 0)
		listing.pattern = pattern_of_term(PG_GETARG_TEXT_PP(0));
	if (!PG_ARGISNULL(2))
		listing.page_size = PG_GETARG_INT32(2);
	listing.by_cursor = !PG_ARGISNULL(3);
	if (listing.by_cursor)
		cursor_parse(PG_GETARG_TEXT_PP(3), &listing.before, &listing.before_id);
	if (!PG_ARGISNULL(1))
	{
		if (listing.by_cursor)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("either page or cursor can be given, not both"),
							errargument("page")));
		listing.skip = (PG_GETARG_INT32(1) - 1) * listing.page_size;
	}
	listing.counted = !PG_ARGISNULL(4);
	return listing;
}

static uint64
listing_run(const Listing *listing, Statement *all, Statement *matching, bool read_only)
{
	Datum values[] = { TimestampTzGetDatum(listing->before), Int64GetDatum(listing->before_id), Int64GetDatum(listing->skip),
					   Int64GetDatum(listing->page_size + 1), PointerGetDatum(listing->pattern) };

	return parley_statement_run(listing->pattern == NULL ? all : matching, values, NULL, read_only, 0);
}

/* The whole list's length, whatever page is asked for. */
static int64
listing_count(const Listing *listing)
{
	listing_run(listing, &count_all, &count_matching, true);
	return DatumGetInt64(parley_statement_value(0, 1, NULL));
}

/* Copies a row of the statement to the answer; next_cursor wherever another row follows. */
static void
listing_put_row(ReturnSetInfo *answer, uint64 row, bool is_followed, const Datum *total)
{
	Datum values[COLUMNS] = { 0 };
	bool nulls[COLUMNS];

	for (int i = 0; i < COLUMN_TOTAL_COUNT - 1; i++)
		values[i] = parley_statement_value(row, i + 1, &nulls[i]);
	nulls[COLUMN_TOTAL_COUNT - 1] = total == NULL;
	values[COLUMN_TOTAL_COUNT - 1] = total == NULL ? 0 : *total;
	nulls[COLUMN_NEXT_CURSOR - 1] = !is_followed;
	if (is_followed)
		values[COLUMN_NEXT_CURSOR - 1] =
			PointerGetDatum(cursor_form(DatumGetTimestampTz(values[3]), DatumGetInt64(values[0])));
	tuplestore_putvalues(answer->setResult, answer->setDesc, values, nulls);
}

/* A page without rows still says how many there are. */
static void
listing_put_count(ReturnSetInfo *answer, Datum total)
{
	Datum values[COLUMNS] = { 0 };
	bool nulls[COLUMNS];

	memset(nulls, true, sizeof(nulls));
	nulls[COLUMN_TOTAL_COUNT - 1] = false;
	values[COLUMN_TOTAL_COUNT - 1] = total;
	tuplestore_putvalues(answer->setResult, answer->setDesc, values, nulls);
}

Datum
parley_recent_conversations(PG_FUNCTION_ARGS)
{
	Listing listing = listing_of_arguments(fcinfo);
	ReturnSetInfo *answer = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum total = 0;
	uint64 found;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	if (listing.counted)
		total = Int64GetDatum(listing_count(&listing));
	found = listing_run(&listing, &list_all, &list_matching, true);
	for (uint64 row = 0; row < Min(found, (uint64) listing.page_size); row++)
		listing_put_row(answer, row, row + 1 < found, listing.counted ? &total : NULL);
	if (found == 0 && listing.counted)
		listing_put_count(answer, total);
	SPI_finish();
	return (Datum) 0;
}

Datum
parley_explain_recent_conversations(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *answer = (ReturnSetInfo *) fcinfo->resultinfo;
	Listing listing = { .before = DT_NOEND, .before_id = PG_INT64_MAX, .page_size = 50 };
	Statement explain = { 0 };
	Statement *explained = &list_all;

	if (!PG_ARGISNULL(0) && VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0)) > 0)
	{
		listing.pattern = pattern_of_term(PG_GETARG_TEXT_PP(0));
		explained = &list_matching;
	}
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	SPI_connect();
	memcpy(explain.parameters, explained->parameters, sizeof(explain.parameters));
	explain.sql = psprintf("EXPLAIN (COSTS OFF) %s", explained->sql);
	for (uint64 row = 0, found = listing_run(&listing, &explain, &explain, false); row < found; row++)
	{
		bool isnull;
		Datum line = parley_statement_value(row, 1, &isnull);

		tuplestore_putvalues(answer->setResult, answer->setDesc, &line, &isnull);
	}
	SPI_finish();
	return (Datum) 0;
}
