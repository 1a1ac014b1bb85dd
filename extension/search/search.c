/*
 * search.c: recent conversations, whole or as far as a term matches: the SQL functions, and the rows that they answer.
 *
 * Reads only; takes no lock beyond those of its queries. Rows and texts live in SPI's context until they are copied
 * into the caller's tuplestore.
 *
 * A page is the rows after a position: (time of the message, conversation), newest first. One row more than the page is
 * read, which tells whether there is a next one. Without a term, one statement reads them. With one, a Search
 * (search.h) finds which conversations they are and which message each shows, and a statement reads those.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "search/search.h"
#include "statement.h"

PG_FUNCTION_INFO_V1(parley_recent_conversations);
PG_FUNCTION_INFO_V1(parley_list_user_conversations);
PG_FUNCTION_INFO_V1(parley_explain_search);

int parley_search_method = SEARCH_AUTO;
int parley_search_walk_budget = 20000;
int parley_search_user_conversations = 2000;

static const struct config_enum_entry search_methods[] = {
	{ "auto", SEARCH_AUTO, false },
	{ "walk", SEARCH_BY_WALK, false },
	{ "index", SEARCH_BY_INDEX, false },
	{ NULL, 0, false },
};

/* A row opens with columns of its own; total_count and next_cursor follow. */
#define ROW_COLUMNS_MAX 9
#define COLUMNS_MAX (ROW_COLUMNS_MAX + 2)

/* The message m that a row shows, its conversation c and its contact co, in the order of parley.recent_conversation. */
#define ROW_COLUMNS \
	" SELECT c.id, m.number, m.content::text, m.created_at, co.id, co.name::text, co.phone::text, c.kind"
#define UNREAD ", c.last_number - u.read_number"
#define AUTHOR " LEFT JOIN parley.contacts co ON co.id = coalesce(c.contact_id, m.sender_id)"
#define OTHER_SIDE                                                                                        \
	" LEFT JOIN parley.contacts co ON co.id = CASE"                                                       \
	"  WHEN c.kind = 'contact' THEN c.contact_id WHEN c.low_contact_id = $1 THEN c.high_contact_id ELSE " \
	"c.low_contact_id END"

/* From the end of the conversation backwards: nearly always the first row looked at. */
#define NEWEST_NUMBER                                                                                \
	"(SELECT n.number FROM parley.messages n"                                                        \
	"  WHERE n.conversation_id = c.id AND n.created_at = c.last_message_at AND n.deleted_at IS NULL" \
	"  ORDER BY n.number DESC LIMIT 1)"

/* $1: the user; $2, $3: the position; $4: rows to skip; $5: rows to answer. */
#define OF_OPERATOR " FROM parley.conversations c WHERE c.kind <> 'chat' AND c.last_message_at IS NOT NULL"
#define OF_USER                                                                      \
	" FROM parley.members u JOIN parley.conversations c ON c.id = u.conversation_id" \
	" WHERE u.contact_id = $1 AND c.kind <> 'chat' AND c.last_message_at IS NOT NULL"
#define PAGE                                                                                                     \
	" AND (c.last_message_at, c.id) < ($2, $3) ORDER BY c.last_message_at DESC, c.id DESC OFFSET $4 LIMIT $5) c" \
	" JOIN parley.messages m ON m.conversation_id = c.id AND m.number = " NEWEST_NUMBER
#define IN_ORDER " ORDER BY c.last_message_at DESC, c.id DESC"
#define LIST_PARAMETERS                                    \
	{                                                      \
		INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID \
	}

static Statement list_all = { ROW_COLUMNS " FROM (SELECT c.*" OF_OPERATOR PAGE AUTHOR IN_ORDER, LIST_PARAMETERS };
static Statement count_all = { "SELECT count(*)" OF_OPERATOR, LIST_PARAMETERS };
static Statement list_user_all = {
	ROW_COLUMNS ", c.last_number - c.read_number FROM (SELECT c.*, u.read_number" OF_USER PAGE OTHER_SIDE IN_ORDER,
	LIST_PARAMETERS
};
static Statement count_user_all = { "SELECT count(*)" OF_USER, LIST_PARAMETERS };

/* $1: the user; $2, $3: conversations in the order of the list, and the message that each shows, 0 where that is its
 * newest. */
#define SHOWN                                                                   \
	" FROM unnest($2, $3) WITH ORDINALITY AS h(conversation_id, number, place)" \
	" JOIN parley.conversations c ON c.id = h.conversation_id"                  \
	" JOIN parley.messages m ON m.conversation_id = c.id"                       \
	"  AND m.number = CASE WHEN h.number > 0 THEN h.number ELSE " NEWEST_NUMBER " END"
#define SHOW_PARAMETERS                     \
	{                                       \
		INT8OID, INT8ARRAYOID, INT8ARRAYOID \
	}

static Statement show = { ROW_COLUMNS SHOWN AUTHOR " ORDER BY h.place", SHOW_PARAMETERS };
static Statement show_user = { ROW_COLUMNS UNREAD SHOWN
							   " JOIN parley.members u ON u.conversation_id = c.id AND u.contact_id = $1" OTHER_SIDE
							   " ORDER BY h.place",
							   SHOW_PARAMETERS };
static Statement find_contact = { "SELECT FROM parley.contacts WHERE id = $1", { INT8OID } };

/* What is asked for. */
typedef struct Listing
{
	const int64 *user_id; /* NULL: the operator's list */
	text *term;           /* NULL: no term */
	Position before;      /* rows strictly older than this */
	int64 skip;
	int64 page_size;
	bool by_cursor;
	bool counted;
} Listing;

/* A cursor is the position of the row that it follows, two numbers in hexadecimal; opaque to clients. */
static text *
cursor_form(Position position)
{
	return cstring_to_text(
		psprintf("%016llx%016llx", (unsigned long long) position.at, (unsigned long long) position.conversation_id));
}

static Position
cursor_parse(const text *cursor)
{
	char *string = text_to_cstring(cursor);
	unsigned long long parts[2];

	if (strlen(string) != 32 || strspn(string, "0123456789abcdef") != 32 ||
		sscanf(string, "%16llx%16llx", &parts[0], &parts[1]) != 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cursor is not one of this list"),
						errhint("Use the cursor of a \"next\" link as it is."), errargument("cursor")));
	return (Position){ (TimestampTz) parts[0], (int64) parts[1] };
}

/* The arguments that every list has, from the first on: term, page, page size, cursor, count. */
static Listing
listing_of_arguments(FunctionCallInfo fcinfo, int first)
{
	Listing listing = { .before = { DT_NOEND, PG_INT64_MAX }, .page_size = 50 };

	if (!PG_ARGISNULL(first) && VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(first)) > 0)
		listing.term = PG_GETARG_TEXT_PP(first);
	if (!PG_ARGISNULL(first + 2))
		listing.page_size = PG_GETARG_INT32(first + 2);
	listing.by_cursor = !PG_ARGISNULL(first + 3);
	if (listing.by_cursor)
		listing.before = cursor_parse(PG_GETARG_TEXT_PP(first + 3));
	if (!PG_ARGISNULL(first + 1))
	{
		if (listing.by_cursor)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("either page or cursor can be given, not both"), errargument("page")));
		listing.skip = (PG_GETARG_INT32(first + 1) - 1) * listing.page_size;
	}
	listing.counted = !PG_ARGISNULL(first + 4);
	return listing;
}

static Datum
listing_user(const Listing *listing)
{
	return Int64GetDatum(listing->user_id == NULL ? 0 : *listing->user_id);
}

/* Leaves the rows of a list without a term in SPI_tuptable, one more than the page where there is one; answers how
 * many. */
static uint64
listing_all(const Listing *listing, int64 *total)
{
	Datum values[] = { listing_user(listing), TimestampTzGetDatum(listing->before.at),
					   Int64GetDatum(listing->before.conversation_id), Int64GetDatum(listing->skip),
					   Int64GetDatum(listing->page_size + 1) };

	if (listing->counted)
	{
		parley_statement_run(listing->user_id ? &count_user_all : &count_all, values, NULL, true, 0);
		*total = DatumGetInt64(parley_statement_value(0, 1, NULL));
	}
	return parley_statement_run(listing->user_id ? &list_user_all : &list_all, values, NULL, true, 0);
}

/*
 * Runs the two streams, the cheaper first, since what it finds bounds the other. A conversation that a message leads to
 * need not be asked for its contact: contacts are looked through as far as matters before or after, and then make what
 * messages found newer. After a cursor it must, since a contact that has the term may have put it on an earlier page.
 */
static void
search_run(Search *search)
{
	StreamPlan messages = parley_search_plan_messages(search);
	StreamPlan contacts = parley_search_plan_contacts(search);

	search->asks_contacts = parley_search_has_cursor(search);
	if (messages.cost < contacts.cost)
	{
		parley_search_messages(search, &messages);
		parley_search_contacts(search, &contacts);
	}
	else
	{
		parley_search_contacts(search, &contacts);
		parley_search_messages(search, &messages);
	}
}

/* Shows so many hits, as listing_all() leaves rows. */
static uint64
hits_show(const Listing *listing, const Hit *hits, int count)
{
	Datum *conversations = palloc(sizeof(Datum) * (count + 1));
	Datum *numbers = palloc(sizeof(Datum) * (count + 1));
	Datum values[3] = { listing_user(listing) };

	for (int i = 0; i < count; i++)
	{
		conversations[i] = Int64GetDatum(hits[i].conversation_id);
		numbers[i] = Int64GetDatum(hits[i].state == HIT_NAMED ? 0 : hits[i].number);
	}
	values[1] = parley_int64_array(conversations, count);
	values[2] = parley_int64_array(numbers, count);
	return parley_statement_run(listing->user_id ? &show_user : &show, values, NULL, true, 0);
}

/* The same as listing_all() for a list with a term. */
static uint64
listing_matching(const Listing *listing, int64 *total, Search *search)
{
	int64 wanted = listing->skip + listing->page_size + 1;
	int64 count;
	Hit *hits;

	parley_search_open(search, listing->term, listing->user_id, listing->before,
					   listing->counted ? PG_INT64_MAX : wanted);
	search_run(search);
	if (listing->counted)
		parley_hits_sorted(&search->hits, true, total);
	hits = parley_hits_sorted(&search->hits, false, &count);
	parley_search_close(search);
	count = Min(count, wanted) - listing->skip;
	return count <= 0 ? 0 : hits_show(listing, hits + listing->skip, (int) count);
}

/* Copies a row of the statement to the answer; next_cursor wherever another row follows. */
static void
listing_put_row(ReturnSetInfo *answer, uint64 row, bool is_followed, const int64 *total)
{
	Datum values[COLUMNS_MAX] = { 0 };
	bool nulls[COLUMNS_MAX];
	int row_columns = answer->setDesc->natts - 2;

	for (int i = 0; i < row_columns; i++)
		values[i] = parley_statement_value(row, i + 1, &nulls[i]);
	nulls[row_columns] = total == NULL;
	values[row_columns] = total == NULL ? 0 : Int64GetDatum(*total);
	nulls[row_columns + 1] = !is_followed;
	if (is_followed)
		values[row_columns + 1] =
			PointerGetDatum(cursor_form((Position){ DatumGetTimestampTz(values[3]), DatumGetInt64(values[0]) }));
	tuplestore_putvalues(answer->setResult, answer->setDesc, values, nulls);
}

/* A page without rows still says how many there are. */
static void
listing_put_count(ReturnSetInfo *answer, int64 total)
{
	Datum values[COLUMNS_MAX] = { 0 };
	bool nulls[COLUMNS_MAX];
	int row_columns = answer->setDesc->natts - 2;

	memset(nulls, true, sizeof(nulls));
	nulls[row_columns] = false;
	values[row_columns] = Int64GetDatum(total);
	tuplestore_putvalues(answer->setResult, answer->setDesc, values, nulls);
}

/* Within SPI_connect() … SPI_finish(). */
static void
listing_answer(const Listing *listing, ReturnSetInfo *answer)
{
	int64 total = 0;
	Search search;
	uint64 found = listing->term == NULL ? listing_all(listing, &total) : listing_matching(listing, &total, &search);

	for (uint64 row = 0; row < Min(found, (uint64) listing->page_size); row++)
		listing_put_row(answer, row, row + 1 < found, listing->counted ? &total : NULL);
	if (found == 0 && listing->counted)
		listing_put_count(answer, total);
}

Datum
parley_recent_conversations(PG_FUNCTION_ARGS)
{
	Listing listing = listing_of_arguments(fcinfo, 0);

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	listing_answer(&listing, (ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	return (Datum) 0;
}

static void
require_contact(int64 id)
{
	Datum value = Int64GetDatum(id);

	if (parley_statement_run(&find_contact, &value, NULL, true, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND), errmsg("no contact %lld", (long long) id), errargument("user_id")));
}

Datum
parley_list_user_conversations(PG_FUNCTION_ARGS)
{
	Listing listing;
	int64 user_id;

	parley_require_argument(fcinfo, 0, "user_id");
	user_id = PG_GETARG_INT64(0);
	listing = listing_of_arguments(fcinfo, 1);
	listing.user_id = &user_id;
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	require_contact(user_id);
	listing_answer(&listing, (ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	return (Datum) 0;
}

static void
explain_put(ReturnSetInfo *answer, const char *stream, const StreamTrace *trace)
{
	Datum values[] = {
		CStringGetTextDatum(stream),        CStringGetTextDatum(trace->path), Int64GetDatum((int64) trace->estimate),
		Int64GetDatum(trace->walked),       Int64GetDatum(trace->candidates), Int64GetDatum(trace->visited),
		Float8GetDatum(trace->milliseconds)
	};
	bool nulls[lengthof(values)] = { false, false, trace->estimate < 0 };

	tuplestore_putvalues(answer->setResult, answer->setDesc, values, nulls);
}

Datum
parley_explain_search(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *answer = (ReturnSetInfo *) fcinfo->resultinfo;
	Listing listing = listing_of_arguments(fcinfo, 0);
	int64 user_id = PG_ARGISNULL(5) ? 0 : PG_GETARG_INT64(5);
	int64 total = 0;
	Search search;

	listing.user_id = PG_ARGISNULL(5) ? NULL : &user_id;
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	if (listing.term != NULL)
	{
		listing_matching(&listing, &total, &search);
		explain_put(answer, "messages", &search.message_trace);
		explain_put(answer, "contacts", &search.contact_trace);
	}
	SPI_finish();
	return (Datum) 0;
}

void
parley_search_init(void)
{
	DefineCustomEnumVariable("parley.search_method", "How a search finds its matches.",
							 "auto decides by what the index knows of the term; the others are for tests.",
							 &parley_search_method, SEARCH_AUTO, search_methods, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("parley.search_walk_budget",
							"How many of the newest messages a search passes before it asks the index.", NULL,
							&parley_search_walk_budget, 20000, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("parley.search_user_conversations",
							"Up to how many conversations of a user a search looks at before it begins.",
							"Who has more is searched for among everyone's conversations.",
							&parley_search_user_conversations, 2000, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
}
