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
PG_FUNCTION_INFO_V1(parley_list_user_conversations);
PG_FUNCTION_INFO_V1(parley_explain_recent_conversations);

/* A row opens with columns of its own; total_count and next_cursor follow. */
#define ROW_COLUMNS_MAX 9
#define COLUMNS_MAX (ROW_COLUMNS_MAX + 2)

/* The message at which a row points, its conversation c and its contact, in the order of parley.recent_conversation. */
#define ROW_COLUMNS \
	" SELECT c.id, m.number, m.content::text, m.created_at, co.id, co.name::text, co.phone::text, c.kind"
#define ROW_CONTACT " LEFT JOIN parley.contacts co ON co.id = coalesce(c.contact_id, m.sender_id)"

/* From the end of the conversation backwards: nearly always the first row looked at. */
#define NEWEST_MESSAGE \
	" CROSS JOIN LATERAL (SELECT * FROM parley.messages n" \
	"  WHERE n.conversation_id = c.id AND n.created_at = c.last_message_at AND n.deleted_at IS NULL" \
	"  ORDER BY n.number DESC LIMIT 1) m"

/* Every list's: $1, $2: the position; $3: rows to skip; $4: rows to answer; $5: the term as an ILIKE pattern; $6: the user. */
#define LIST_PARAMETERS TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID, TEXTOID, INT8OID

static Statement list_all = {
	ROW_COLUMNS
	" FROM (SELECT * FROM parley.conversations"
	"  WHERE kind <> 'chat' AND last_message_at IS NOT NULL AND (last_message_at, id) < ($1, $2)"
	"  ORDER BY last_message_at DESC, id DESC OFFSET $3 LIMIT $4) c" NEWEST_MESSAGE ROW_CONTACT
	" ORDER BY c.last_message_at DESC, c.id DESC",
	{ LIST_PARAMETERS },
};
static Statement count_all = {
	"SELECT count(*) FROM parley.conversations WHERE kind <> 'chat' AND last_message_at IS NOT NULL",
	{ LIST_PARAMETERS },
};

/*
 * Matching contacts bring their conversations' newest message, matching messages
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
	{ LIST_PARAMETERS },
};
static Statement count_matching = {
	MATCHES
	" SELECT count(*) FROM hit JOIN parley.conversations c ON c.id = hit.conversation_id AND c.kind <> 'chat'",
	{ LIST_PARAMETERS },
};

/*
 * The same of the user's conversations alone, each with its other side: the contact of a contact's, the
 * other contact of a direct one.
 */
#define OF_USER \
	" FROM parley.members u JOIN parley.conversations c ON c.id = u.conversation_id" \
	" WHERE u.contact_id = $6 AND c.kind <> 'chat' AND c.last_message_at IS NOT NULL"
#define OTHER_SIDE \
	" LEFT JOIN parley.contacts co ON co.id = CASE" \
	"  WHEN c.kind = 'contact' THEN c.contact_id WHEN c.low_contact_id = $6 THEN c.high_contact_id ELSE c.low_contact_id END"
#define UNREAD ", c.last_number - c.read_number"

static Statement list_user_all = {
	ROW_COLUMNS UNREAD
	" FROM (SELECT c.*, u.read_number" OF_USER " AND (c.last_message_at, c.id) < ($1, $2)"
	"  ORDER BY c.last_message_at DESC, c.id DESC OFFSET $3 LIMIT $4) c" NEWEST_MESSAGE OTHER_SIDE
	" ORDER BY c.last_message_at DESC, c.id DESC",
	{ LIST_PARAMETERS },
};
static Statement count_user_all = {
	"SELECT count(*)" OF_USER,
	{ LIST_PARAMETERS },
};

#define USER_MATCHES \
	"WITH own AS MATERIALIZED (" \
	"  SELECT c.*, u.read_number, EXISTS (SELECT FROM parley.contacts k" \
	"    WHERE k.id IN (c.contact_id, c.low_contact_id, c.high_contact_id)" \
	"     AND (k.name ILIKE $5 OR k.phone ILIKE $5 OR k.phone_digits ILIKE $5)) AS is_named" OF_USER ")," \
	" hit AS (" \
	"  SELECT c.*, m.number AS hit_number, m.content, m.created_at AS hit_at FROM own c" \
	"   CROSS JOIN LATERAL (SELECT * FROM parley.messages n WHERE n.conversation_id = c.id AND n.deleted_at IS NULL" \
	"    AND (c.is_named OR n.content ILIKE $5) ORDER BY n.created_at DESC, n.number DESC LIMIT 1) m)"

static Statement list_user_matching = {
	USER_MATCHES
	" SELECT c.id, c.hit_number, c.content::text, c.hit_at, co.id, co.name::text, co.phone::text, c.kind" UNREAD
	" FROM (SELECT * FROM hit WHERE (hit_at, id) < ($1, $2) ORDER BY hit_at DESC, id DESC OFFSET $3 LIMIT $4) c"
	OTHER_SIDE " ORDER BY c.hit_at DESC, c.id DESC",
	{ LIST_PARAMETERS },
};
static Statement count_user_matching = {
	USER_MATCHES " SELECT count(*) FROM hit",
	{ LIST_PARAMETERS },
};
static Statement find_contact = {
	"SELECT FROM parley.contacts WHERE id = $1",
	{ INT8OID },
};

/* The statements that answer one kind of list. */
typedef struct Statements
{
	Statement *all, *all_count, *matching, *matching_count;
} Statements;

static const Statements operator_statements = { &list_all, &count_all, &list_matching, &count_matching };
static const Statements user_statements = { &list_user_all, &count_user_all, &list_user_matching, &count_user_matching };

/* What is asked for. */
typedef struct Listing
{
	const Statements *statements;
	int64 user_id; /* of the user's list */
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

/* The arguments that every list has, from the first on: term, page, page size, cursor, count. */
static Listing
listing_of_arguments(FunctionCallInfo fcinfo, int first)
{
	Listing listing = { .before = DT_NOEND, .before_id = PG_INT64_MAX, .page_size = 50 };

	if (!PG_ARGISNULL(first) && VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(first)) > 0)
		listing.pattern = pattern_of_term(PG_GETARG_TEXT_PP(first));
	if (!PG_ARGISNULL(first + 2))
		listing.page_size = PG_GETARG_INT32(first + 2);
	listing.by_cursor = !PG_ARGISNULL(first + 3);
	if (listing.by_cursor)
		cursor_parse(PG_GETARG_TEXT_PP(first + 3), &listing.before, &listing.before_id);
	if (!PG_ARGISNULL(first + 1))
	{
		if (listing.by_cursor)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("either page or cursor can be given, not both"),
							errargument("page")));
		listing.skip = (PG_GETARG_INT32(first + 1) - 1) * listing.page_size;
	}
	listing.counted = !PG_ARGISNULL(first + 4);
	return listing;
}

static uint64
listing_run(const Listing *listing, Statement *statement, bool read_only)
{
	Datum values[] = { TimestampTzGetDatum(listing->before), Int64GetDatum(listing->before_id),
					   Int64GetDatum(listing->skip), Int64GetDatum(listing->page_size + 1),
					   PointerGetDatum(listing->pattern), Int64GetDatum(listing->user_id) };

	return parley_statement_run(statement, values, listing->pattern == NULL ? "    n " : NULL, read_only, 0);
}

/* The whole list's length, whatever page is asked for. */
static int64
listing_count(const Listing *listing)
{
	const Statements *statements = listing->statements;

	listing_run(listing, listing->pattern == NULL ? statements->all_count : statements->matching_count, true);
	return DatumGetInt64(parley_statement_value(0, 1, NULL));
}

/* Copies a row of the statement to the answer; next_cursor wherever another row follows. */
static void
listing_put_row(ReturnSetInfo *answer, uint64 row, bool is_followed, const Datum *total)
{
	Datum values[COLUMNS_MAX] = { 0 };
	bool nulls[COLUMNS_MAX];
	int row_columns = answer->setDesc->natts - 2;

	for (int i = 0; i < row_columns; i++)
		values[i] = parley_statement_value(row, i + 1, &nulls[i]);
	nulls[row_columns] = total == NULL;
	values[row_columns] = total == NULL ? 0 : *total;
	nulls[row_columns + 1] = !is_followed;
	if (is_followed)
		values[row_columns + 1] =
			PointerGetDatum(cursor_form(DatumGetTimestampTz(values[3]), DatumGetInt64(values[0])));
	tuplestore_putvalues(answer->setResult, answer->setDesc, values, nulls);
}

/* A page without rows still says how many there are. */
static void
listing_put_count(ReturnSetInfo *answer, Datum total)
{
	Datum values[COLUMNS_MAX] = { 0 };
	bool nulls[COLUMNS_MAX];
	int row_columns = answer->setDesc->natts - 2;

	memset(nulls, true, sizeof(nulls));
	nulls[row_columns] = false;
	values[row_columns] = total;
	tuplestore_putvalues(answer->setResult, answer->setDesc, values, nulls);
}

/* Within SPI_connect() … SPI_finish(). */
static void
listing_answer(const Listing *listing, ReturnSetInfo *answer)
{
	Datum total = 0;
	uint64 found;

	if (listing->counted)
		total = Int64GetDatum(listing_count(listing));
	found = listing_run(listing, listing->pattern == NULL ? listing->statements->all : listing->statements->matching, true);
	for (uint64 row = 0; row < Min(found, (uint64) listing->page_size); row++)
		listing_put_row(answer, row, row + 1 < found, listing->counted ? &total : NULL);
	if (found == 0 && listing->counted)
		listing_put_count(answer, total);
}

Datum
parley_recent_conversations(PG_FUNCTION_ARGS)
{
	Listing listing = listing_of_arguments(fcinfo, 0);

	listing.statements = &operator_statements;
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	listing_answer(&listing, (ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	return (Datum) 0;
}

Datum
parley_list_user_conversations(PG_FUNCTION_ARGS)
{
	Listing listing;
	Datum user_id = PG_GETARG_DATUM(0);

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a user is needed"), errargument("user_id")));
	listing = listing_of_arguments(fcinfo, 1);
	listing.statements = &user_statements;
	listing.user_id = DatumGetInt64(user_id);
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	if (parley_statement_run(&find_contact, &user_id, NULL, true, 1) == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("no contact %lld", (long long) listing.user_id),
						errargument("user_id")));
	listing_answer(&listing, (ReturnSetInfo *) fcinfo->resultinfo);
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
	for (uint64 row = 0, found = listing_run(&listing, &explain, false); row < found; row++)
	{
		bool isnull;
		Datum line = parley_statement_value(row, 1, &isnull);

		tuplestore_putvalues(answer->setResult, answer->setDesc, &line, &isnull);
	}
	SPI_finish();
	return (Datum) 0;
}
