/*
 * list.c: see list.h. The SQL functions, and the rows that they return.
 *
 * This only reads, and takes no locks except those of its queries. Rows and texts are in SPI's memory context until
 * they are copied to the caller's tuplestore. Without a term, one statement reads a page. With a term, two streams find
 * which conversations are on the page and which message each of them shows, and a statement reads those.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "errors.h"
#include "schema.h"
#include "search/chosen.h"
#include "search/list.h"
#include "search/settings.h"
#include "statement.h"

PG_FUNCTION_INFO_V1(parley_recent_conversations);
PG_FUNCTION_INFO_V1(parley_list_user_conversations);
/* The symbols of version 1.1. A library of version 1.0 does not have them, because it has no filters. */
PG_FUNCTION_INFO_V1(parley_recent_conversations_1_1);
PG_FUNCTION_INFO_V1(parley_list_user_conversations_1_1);

/* A row starts with these columns, and a user's also with unread. They are followed by total_count and next_cursor and,
 * since 1.1, by the place of the term in the content, and further columns. */
#define FIRST_COLUMNS 8
#define COLUMNS_MAX 20

/* The message and the contact of each row are looked up individually. We use LATERAL with a LIMIT to force this,
 * because the planner might join with all messages or contacts instead, if it believes that there are few of these, or
 * that a page, whose size it does not know, is large. */

/* The columns come from the message m that a row shows, its conversation c and its contact co, in the order of
 * parley.recent_conversation. */
#define ROW_COLUMNS_WITH(phone) \
	" SELECT c.id, m.number, m.content::text, m.created_at, co.id, co.name::text, " phone ", c.kind"
#define ROW_COLUMNS ROW_COLUMNS_WITH("co.phone::text")
#define OPERATOR_COLUMNS                                                                                 \
	ROW_COLUMNS ", CASE WHEN NOT c.is_settled THEN 'open'"                                               \
				"  WHEN k.status = 'snoozed' AND k.snoozed_until <= now() THEN 'open' ELSE k.status END" \
				", k.assignee_id, coalesce(k.labels, '{}')"                                              \
				", CASE WHEN c.last_number > c.operator_read_number"                                     \
				"  THEN parley.count_unread(c.id, NULL, c.operator_read_number) ELSE 0 END"              \
				", m.sender_id, m.agent_id, NULL::boolean"
#define CASE " LEFT JOIN LATERAL (SELECT s.* FROM parley.cases s WHERE s.conversation_id = c.id LIMIT 1) k ON true"
/* Users are shown the phones of those who have written, and those that they gave. `hidden` is true if a user asks, and
 * not the operator. */
#define USER_COLUMNS(member, hidden)                                                                         \
	ROW_COLUMNS_WITH("CASE WHEN NOT " hidden " OR co.id = $1 OR " member ".gave_phone"                       \
					 "  OR (SELECT o.has_written FROM parley.members o"                                      \
					 "    WHERE o.conversation_id = c.id AND o.contact_id = co.id) THEN co.phone::text END") \
	", CASE WHEN c.last_number > " member ".read_number"                                                     \
	"  THEN parley.count_unread(c.id, $1, " member ".read_number) ELSE 0 END"                                \
	", CASE c.kind WHEN 'contact' THEN c.operator_read_number"                                               \
	"  ELSE (SELECT o.read_number FROM parley.members o"                                                     \
	"   WHERE o.conversation_id = c.id AND o.contact_id = co.id) END"                                        \
	", m.sender_id, m.agent_id, NULL::boolean"
#define USER_COLUMNS_OF_1_0(member) ROW_COLUMNS ", c.last_number - " member ".read_number"
#define CONTACT_OF(id) " LEFT JOIN LATERAL (SELECT k.* FROM parley.contacts k WHERE k.id = " id " LIMIT 1) co ON true"
#define AUTHOR CONTACT_OF("coalesce(c.contact_id, m.sender_id)")
#define OTHER_SIDE                                                  \
	CONTACT_OF("CASE WHEN c.kind = 'contact' THEN c.contact_id"     \
			   " WHEN c.low_contact_id = $1 THEN c.high_contact_id" \
			   " ELSE c.low_contact_id END")

#define NEWEST " FROM parley.messages n WHERE n.conversation_id = c.id AND n.number = c.newest_number LIMIT 1"
/* The tables of version 1.0 do not store this number. We read from the end of the conversation; nearly always the first
 * row is the one. */
#define NEWEST_OF_1_0                                                                               \
	" FROM parley.messages n"                                                                       \
	" WHERE n.conversation_id = c.id AND n.created_at = c.last_message_at AND n.deleted_at IS NULL" \
	" ORDER BY n.number DESC LIMIT 1"

/* $1 is the user, $2 and $3 are the position, $4 is the number of rows to skip, $5 the number of rows to return, $6
 * whether phones are hidden. */
#define OF_OPERATOR " FROM parley.conversations c WHERE c.kind <> 'chat' AND c.last_message_at IS NOT NULL"
#define OF_USER                                                                      \
	" FROM parley.members u JOIN parley.conversations c ON c.id = u.conversation_id" \
	" WHERE u.contact_id = $1 AND c.kind <> 'chat' AND c.last_message_at IS NOT NULL"
#define PAGE(newest)                                                                                             \
	" AND (c.last_message_at, c.id) < ($2, $3) ORDER BY c.last_message_at DESC, c.id DESC OFFSET $4 LIMIT $5) c" \
	" CROSS JOIN LATERAL (SELECT n.*" newest ") m"
#define IN_ORDER " ORDER BY c.last_message_at DESC, c.id DESC"
#define LIST_PARAMETERS                                             \
	{                                                               \
		INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID, BOOLOID \
	}

static Statement count_all = { "SELECT count(*)" OF_OPERATOR, LIST_PARAMETERS };
static Statement count_user_all = { "SELECT count(*)" OF_USER, LIST_PARAMETERS };

/* $1 is the user, $2 are conversations in the order of the list, $3 the message that each of them shows (0 for its
 * newest), $4 whether phones are hidden. */
#define SHOWN(newest)                                                           \
	" FROM unnest($2, $3) WITH ORDINALITY AS h(conversation_id, number, place)" \
	" JOIN parley.conversations c ON c.id = h.conversation_id"                  \
	" CROSS JOIN LATERAL (SELECT s.* FROM parley.messages s"                    \
	"  WHERE s.conversation_id = c.id"                                          \
	"   AND s.number = CASE WHEN h.number > 0 THEN h.number ELSE (SELECT n.number" newest ") END LIMIT 1) m"
#define SHOW_PARAMETERS                              \
	{                                                \
		INT8OID, INT8ARRAYOID, INT8ARRAYOID, BOOLOID \
	}
#define MEMBER " JOIN parley.members u ON u.conversation_id = c.id AND u.contact_id = $1"
#define BY_PLACE " ORDER BY h.place"

/* One of each for the operator, and one for a user. */
typedef struct ListStatements
{
	Statement list[2];
	Statement show[2];
} ListStatements;

static ListStatements current_statements = {
	{ { OPERATOR_COLUMNS " FROM (SELECT c.*" OF_OPERATOR PAGE(NEWEST) AUTHOR CASE IN_ORDER, LIST_PARAMETERS,
		.is_generic = true },
	  { USER_COLUMNS("c", "$6") " FROM (SELECT c.*, u.read_number, u.gave_phone" OF_USER PAGE(NEWEST)
			OTHER_SIDE IN_ORDER,
		LIST_PARAMETERS } },
	{ { OPERATOR_COLUMNS SHOWN(NEWEST) AUTHOR CASE BY_PLACE, SHOW_PARAMETERS, .is_generic = true },
	  { USER_COLUMNS("u", "$4") SHOWN(NEWEST) MEMBER OTHER_SIDE BY_PLACE, SHOW_PARAMETERS, .is_generic = true } },
};
static ListStatements statements_of_1_0 = {
	{ { ROW_COLUMNS " FROM (SELECT c.*" OF_OPERATOR PAGE(NEWEST_OF_1_0) AUTHOR IN_ORDER, LIST_PARAMETERS,
		.is_generic = true },
	  { USER_COLUMNS_OF_1_0("c") " FROM (SELECT c.*, u.read_number" OF_USER PAGE(NEWEST_OF_1_0) OTHER_SIDE IN_ORDER,
		LIST_PARAMETERS } },
	{ { ROW_COLUMNS SHOWN(NEWEST_OF_1_0) AUTHOR BY_PLACE, SHOW_PARAMETERS, .is_generic = true },
	  { USER_COLUMNS_OF_1_0("u") SHOWN(NEWEST_OF_1_0) MEMBER OTHER_SIDE BY_PLACE, SHOW_PARAMETERS,
		.is_generic = true } },
};
static Statement find_contact = { "SELECT FROM parley.contacts WHERE id = $1", { INT8OID }, .is_generic = true };

static ListStatements *
list_statements(void)
{
	return parley_schema_is_1_0() ? &statements_of_1_0 : &current_statements;
}

/* A cursor is the position of the row before it, and the hash of the list's filter, in hexadecimal. It is opaque to
 * clients. Cursors of version 1.0 have no hash. */
#define CURSOR_LENGTH 40
#define CURSOR_LENGTH_1_0 32

static text *
cursor_form(const Listing *listing, Position position)
{
	return cstring_to_text(psprintf("%016llx%016llx%08x", (unsigned long long) position.at,
									(unsigned long long) position.conversation_id,
									parley_filter_hash(&listing->filter)));
}

static Position
cursor_parse(const Listing *listing, const text *cursor)
{
	char *string = text_to_cstring(cursor);
	size_t length = strspn(string, "0123456789abcdef");
	uint32 hash = parley_filter_hash(&listing->filter);
	unsigned long long parts[2];

	if (string[length] != '\0' || (length != CURSOR_LENGTH && length != CURSOR_LENGTH_1_0) ||
		sscanf(string, "%16llx%16llx%8x", &parts[0], &parts[1], &hash) < 2 ||
		hash != parley_filter_hash(&listing->filter))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid cursor"),
						errdetail("It does not belong to this list."),
						errhint("Use the cursor of a \"next\" link unchanged."), errargument("cursor")));
	return (Position){ (TimestampTz) parts[0], (int64) parts[1] };
}

Listing
parley_listing_read(FunctionCallInfo fcinfo, int first, int first_condition, const int64 *user_id)
{
	Listing listing = { .before = { DT_NOEND, PG_INT64_MAX }, .page_size = 50 };

	if (user_id != NULL)
		listing.filter = (Filter){ .of_user = true, .user_id = *user_id };
	parley_filter_read(&listing.filter, fcinfo, first_condition);
	if (!PG_ARGISNULL(first) && VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(first)) > 0)
		listing.filter.term = PG_GETARG_TEXT_PP(first);
	if (!PG_ARGISNULL(first + 2))
		listing.page_size = PG_GETARG_INT32(first + 2);
	if (!PG_ARGISNULL(first + 1) && !PG_ARGISNULL(first + 3))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("either page or cursor can be given, not both"), errargument("page")));
	if (!PG_ARGISNULL(first + 1))
		listing.skip = (PG_GETARG_INT32(first + 1) - 1) * listing.page_size;
	if (!PG_ARGISNULL(first + 3))
		listing.before = cursor_parse(&listing, PG_GETARG_TEXT_PP(first + 3));
	listing.counted = !PG_ARGISNULL(first + 4);
	return listing;
}

/* Leaves the rows of a list without a term in SPI_tuptable, one more than the page has if there is a next page. Returns
 * their number. */
static uint64
listing_read_all(const Listing *listing, int64 *total)
{
	bool of_user = listing->filter.of_user;
	Datum values[] = { Int64GetDatum(listing->filter.user_id),         TimestampTzGetDatum(listing->before.at),
					   Int64GetDatum(listing->before.conversation_id), Int64GetDatum(listing->skip),
					   Int64GetDatum(listing->page_size + 1),          BoolGetDatum(listing->filter.hides_phones) };

	if (listing->counted)
	{
		parley_statement_run(of_user ? &count_user_all : &count_all, values, NULL, true, 0);
		*total = DatumGetInt64(parley_statement_value(0, 1, INT8OID, NULL));
	}
	return parley_statement_run(&list_statements()->list[of_user], values, NULL, true, 0);
}

/*
 * If only some messages may match, a conversation whose contact contains the term shows the newest of those. Either the
 * index finds the contacts, and their conversations are read. Or a walk of the messages checks each conversation that
 * it meets, which finds everything.
 */
static void
listing_find_narrowed(MessageStream *messages, ContactStream *contacts)
{
	bool can_name = contacts->clues.count > 0 && contacts->matches >= 0;

	if (messages->hits->is_closed || !can_name ||
		(messages->prefers_walk && messages->walk_rows < contacts->matches * COST_CONTACT_READ))
	{
		parley_contact_stream_end(contacts);
		parley_message_stream_run(messages, false);
	}
	else
	{
		parley_contact_stream_run(contacts, -1);
		parley_message_stream_run(messages, true);
	}
}

Hit *
parley_listing_find(const Listing *listing, MessageStream *messages, ContactStream *contacts, int64 *count,
					int64 *total)
{
	int64 wanted = listing->skip + listing->page_size + 1;
	Scope scope;
	Hits hits;
	Hit *sorted;

	parley_scope_open(&scope, &listing->filter, listing->before, listing->counted ? PG_INT64_MAX : wanted);
	parley_hits_create(&hits, &scope);
	parley_chosen_meet(&hits, parley_search_user_conversations);
	parley_message_stream_plan(messages, &hits);
	parley_contact_stream_plan(contacts, &hits);
	if (parley_filter_narrows(&listing->filter))
		listing_find_narrowed(messages, contacts);
	else if (listing->filter.term == NULL)
		parley_contact_stream_run(contacts, -1);
	/* The cheaper one first, because what it finds bounds the other. */
	else if (messages->cost < contacts->cost)
		parley_contact_stream_run(contacts, parley_message_stream_run(messages, false));
	else
		parley_message_stream_run(messages, parley_contact_stream_run(contacts, -1));
	if (listing->counted)
		parley_hits_sorted(&hits, true, total);
	sorted = parley_hits_sorted(&hits, false, count);
	parley_scope_close(&scope);
	*count = Max(Min(*count, wanted) - listing->skip, 0);
	return sorted + listing->skip;
}

/* Same as listing_read_all(), for a list with a term. */
static uint64
listing_read_matching(const Listing *listing, int64 *total)
{
	MessageStream messages;
	ContactStream contacts;
	int64 count;
	const Hit *hits = parley_listing_find(listing, &messages, &contacts, &count, total);
	Datum *conversations = palloc(sizeof(Datum) * (count + 1));
	Datum *numbers = palloc(sizeof(Datum) * (count + 1));
	Datum values[4] = { Int64GetDatum(listing->filter.user_id) };

	for (int64 i = 0; i < count; i++)
	{
		conversations[i] = Int64GetDatum(hits[i].conversation_id);
		numbers[i] = Int64GetDatum(hits[i].state == HIT_NAMED ? 0 : hits[i].number);
	}
	values[1] = parley_int64_array(conversations, (int) count);
	values[2] = parley_int64_array(numbers, (int) count);
	values[3] = BoolGetDatum(listing->filter.hides_phones);
	return count == 0 ? 0
					  : parley_statement_run(&list_statements()->show[listing->filter.of_user], values, NULL, true, 0);
}

/* Returns the number of columns before total_count. */
static int
listing_first_columns(const Listing *listing)
{
	return FIRST_COLUMNS + listing->filter.of_user;
}

/* Sets the place of the term in the content of a row, or nulls if it is the contact that contains the term. */
static void
listing_put_match(const Listing *listing, Matcher *matcher, Datum content, Datum *values, bool *nulls)
{
	int begin, length;

	nulls[0] = nulls[1] = listing->filter.term == NULL || !parley_matcher_find(matcher, content, &begin, &length);
	if (nulls[0])
		return;
	values[0] = Int32GetDatum(begin);
	values[1] = Int32GetDatum(length);
}

/* Copies a row of the statement to the result. Sets next_cursor if another row follows. */
static void
listing_put_row(const Listing *listing, Matcher *matcher, ReturnSetInfo *result, uint64 row, bool is_followed,
				int64 total)
{
	Datum values[COLUMNS_MAX] = { 0 };
	bool nulls[COLUMNS_MAX];
	int count = listing_first_columns(listing);

	for (int i = 0; i < count; i++)
		values[i] = parley_statement_value(row, i + 1, TupleDescAttr(result->setDesc, i)->atttypid, &nulls[i]);
	nulls[count] = !listing->counted;
	values[count] = Int64GetDatum(total);
	nulls[count + 1] = !is_followed;
	if (is_followed)
		values[count + 1] = PointerGetDatum(
			cursor_form(listing, (Position){ DatumGetTimestampTz(values[3]), DatumGetInt64(values[0]) }));
	/* The columns of version 1.0 end here. */
	if (result->setDesc->natts > count + 2)
		listing_put_match(listing, matcher, values[2], &values[count + 2], &nulls[count + 2]);
	for (int i = count + 4; i < result->setDesc->natts; i++)
		values[i] = parley_statement_value(row, i - 3, TupleDescAttr(result->setDesc, i)->atttypid, &nulls[i]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* A page without rows still returns the total. */
static void
listing_put_count(const Listing *listing, ReturnSetInfo *result, int64 total)
{
	Datum values[COLUMNS_MAX] = { 0 };
	bool nulls[COLUMNS_MAX];
	int count = listing_first_columns(listing);

	memset(nulls, true, sizeof(nulls));
	nulls[count] = false;
	values[count] = Int64GetDatum(total);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Must be called within SPI_connect() … SPI_finish(). */
static void
listing_put(const Listing *listing, ReturnSetInfo *result)
{
	int64 total = 0;
	Matcher matcher;
	uint64 found = parley_filter_is_empty(&listing->filter) ? listing_read_all(listing, &total)
															: listing_read_matching(listing, &total);

	if (listing->filter.term != NULL)
		parley_matcher_init(&matcher, listing->filter.term, DEFAULT_COLLATION_OID);
	for (uint64 row = 0; row < Min(found, (uint64) listing->page_size); row++)
		listing_put_row(listing, &matcher, result, row, row + 1 < found, total);
	if (found == 0 && listing->counted)
		listing_put_count(listing, result, total);
}

Datum
parley_recent_conversations(PG_FUNCTION_ARGS)
{
	Listing listing = parley_listing_read(fcinfo, 0, 5, NULL);

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	listing_put(&listing, (ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	return (Datum) 0;
}

#define CALLER_ROLE 6 /* position of the argument of list_user_conversations(); its conditions follow */

Datum
parley_list_user_conversations(PG_FUNCTION_ARGS)
{
	Listing listing;
	int64 user_id;

	parley_require_argument(fcinfo, 0, "user_id");
	user_id = PG_GETARG_INT64(0);
	listing = parley_listing_read(fcinfo, 1, CALLER_ROLE + 1, &user_id);
	/* Version 1.0 did not have this argument. */
	listing.filter.hides_phones = PG_NARGS() > CALLER_ROLE && !PG_ARGISNULL(CALLER_ROLE) &&
								  strcmp(text_to_cstring(PG_GETARG_TEXT_PP(CALLER_ROLE)), "user") == 0;
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	if (parley_statement_run(&find_contact, (Datum[]){ Int64GetDatum(user_id) }, NULL, true, 1) == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("contact %lld does not exist", (long long) user_id),
						errargument("user_id")));
	listing_put(&listing, (ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	return (Datum) 0;
}

Datum
parley_recent_conversations_1_1(PG_FUNCTION_ARGS)
{
	return parley_recent_conversations(fcinfo);
}

Datum
parley_list_user_conversations_1_1(PG_FUNCTION_ARGS)
{
	return parley_list_user_conversations(fcinfo);
}
