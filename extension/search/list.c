/*
 * list.c: the SQL functions of the lists of recent conversations, and the rows that they return.
 *
 * This only reads, and takes no locks except those of its queries. Rows and texts are in SPI's memory context until
 * they are copied to the caller's tuplestore. Without a term, a page is read in order. With a term, two streams find
 * which conversations are on the page and which message each of them shows, and then those are read. The operator's
 * rows are read directly (shown.h). A user's are read by a statement, and so are the operator's if the tables are those
 * of version 1.0, or cannot be read directly.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "errors.h"
#include "schema.h"
#include "search/latest.h"
#include "search/listing.h"
#include "search/shown.h"
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
#define LISTED " c.listed_at IS NOT NULL"
#define LISTED_OF_1_0 " c.kind <> 'chat' AND c.last_message_at IS NOT NULL"
#define OF_OPERATOR " FROM parley.conversations c WHERE"
#define OF_USER                                                                      \
	" FROM parley.members u JOIN parley.conversations c ON c.id = u.conversation_id" \
	" WHERE u.contact_id = $1 AND"
#define PAGE(at, newest)                                                     \
	" AND (c." at ", c.id) < ($2, $3)" IN_ORDER(at) " OFFSET $4 LIMIT $5) c" \
													" CROSS JOIN LATERAL (SELECT n.*" newest ") m"
#define IN_ORDER(at) " ORDER BY c." at " DESC, c.id DESC"
#define LIST_PARAMETERS                                             \
	{                                                               \
		INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID, BOOLOID \
	}

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
	Statement count[2];
	Statement list[2];
	Statement show[2];
} ListStatements;

static ListStatements current_statements = {
	{ { "SELECT count(*)" OF_OPERATOR LISTED, LIST_PARAMETERS },
	  { "SELECT count(*)" OF_USER LISTED, LIST_PARAMETERS } },
	{ { OPERATOR_COLUMNS " FROM (SELECT c.*" OF_OPERATOR LISTED PAGE("listed_at", NEWEST)
			AUTHOR CASE IN_ORDER("listed_at"),
		LIST_PARAMETERS, .is_generic = true },
	  { USER_COLUMNS("c", "$6") " FROM (SELECT c.*, u.read_number, u.gave_phone" OF_USER LISTED PAGE(
			"listed_at", NEWEST) OTHER_SIDE IN_ORDER("listed_at"),
		LIST_PARAMETERS } },
	{ { OPERATOR_COLUMNS SHOWN(NEWEST) AUTHOR CASE BY_PLACE, SHOW_PARAMETERS, .is_generic = true },
	  { USER_COLUMNS("u", "$4") SHOWN(NEWEST) MEMBER OTHER_SIDE BY_PLACE, SHOW_PARAMETERS, .is_generic = true } },
};
static ListStatements statements_of_1_0 = {
	{ { "SELECT count(*)" OF_OPERATOR LISTED_OF_1_0, LIST_PARAMETERS },
	  { "SELECT count(*)" OF_USER LISTED_OF_1_0, LIST_PARAMETERS } },
	{ { ROW_COLUMNS " FROM (SELECT c.*" OF_OPERATOR LISTED_OF_1_0 PAGE("last_message_at", NEWEST_OF_1_0)
			AUTHOR IN_ORDER("last_message_at"),
		LIST_PARAMETERS, .is_generic = true },
	  { USER_COLUMNS_OF_1_0("c") " FROM (SELECT c.*, u.read_number" OF_USER LISTED_OF_1_0 PAGE(
			"last_message_at", NEWEST_OF_1_0) OTHER_SIDE IN_ORDER("last_message_at"),
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

/* The rows of a page, on their way to the caller. */
typedef struct ListOutput
{
	const Listing *listing;
	ReturnSetInfo *result;
	Matcher matcher; /* if there is a term */
	int64 total;     /* if it is counted */
	int64 rows;      /* so far */
} ListOutput;

/* Returns the number of columns before total_count. */
static int
listing_first_columns(const Listing *listing)
{
	return FIRST_COLUMNS + listing->filter.of_user;
}

/* Sets the place of the term in the content of a row, or nulls if it is the contact that contains the term. */
static void
output_set_match(ListOutput *output, Datum content, Datum *values, bool *nulls)
{
	int begin, length;

	nulls[0] = nulls[1] =
		output->listing->filter.term == NULL || !parley_matcher_find(&output->matcher, content, &begin, &length);
	if (nulls[0])
		return;
	values[0] = Int32GetDatum(begin);
	values[1] = Int32GetDatum(length);
}

/* Adds a row. Its columns are those of a statement; what the list adds is put between them. Sets next_cursor if another
 * row follows. */
static void
output_put(ListOutput *output, const Datum *columns, const bool *are_null, bool is_followed)
{
	TupleDesc desc = output->result->setDesc;
	int count = listing_first_columns(output->listing);
	Datum values[COLUMNS_MAX];
	bool nulls[COLUMNS_MAX];

	memcpy(values, columns, count * sizeof(Datum));
	memcpy(nulls, are_null, count * sizeof(bool));
	nulls[count] = !output->listing->counted;
	values[count] = Int64GetDatum(output->total);
	nulls[count + 1] = !is_followed;
	if (is_followed)
		values[count + 1] = PointerGetDatum(parley_listing_cursor(
			output->listing, (Position){ DatumGetTimestampTz(columns[3]), DatumGetInt64(columns[0]) }));
	/* The columns of version 1.0 end here. */
	if (desc->natts > count + 2)
	{
		output_set_match(output, columns[2], &values[count + 2], &nulls[count + 2]);
		memcpy(&values[count + 4], &columns[count], (desc->natts - count - 4) * sizeof(Datum));
		memcpy(&nulls[count + 4], &are_null[count], (desc->natts - count - 4) * sizeof(bool));
	}
	tuplestore_putvalues(output->result->setResult, desc, values, nulls);
	output->rows++;
}

/* A page without rows still returns the total. */
static void
output_put_count(ListOutput *output)
{
	Datum values[COLUMNS_MAX] = { 0 };
	bool nulls[COLUMNS_MAX];
	int count = listing_first_columns(output->listing);

	memset(nulls, true, sizeof(nulls));
	nulls[count] = false;
	values[count] = Int64GetDatum(output->total);
	tuplestore_putvalues(output->result->setResult, output->result->setDesc, values, nulls);
}

/* Adds the rows that a statement has found, which are one more than the page has if there is a next page. */
static void
output_put_found(ListOutput *output, uint64 found)
{
	TupleDesc desc = output->result->setDesc;
	int count = listing_first_columns(output->listing);
	int added = desc->natts > count + 2 ? 4 : 2;

	for (uint64 row = 0; row < Min(found, (uint64) output->listing->page_size); row++)
	{
		Datum columns[COLUMNS_MAX];
		bool are_null[COLUMNS_MAX];

		for (int i = 0; i < desc->natts - added; i++)
			columns[i] = parley_statement_value(row, i + 1, TupleDescAttr(desc, i < count ? i : i + added)->atttypid,
												&are_null[i]);
		output_put(output, columns, are_null, row + 1 < found);
	}
}

/* Adds a row for the conversation in the slot, if there is one; number 0 is its newest message. */
static void
output_put_shown(ListOutput *output, Shown *shown, TupleTableSlot *conversation, int64 number, bool is_followed)
{
	Datum columns[COLUMNS_MAX];
	bool are_null[COLUMNS_MAX];

	/* The last column, incomplete, is not read: one database has everything. */
	memset(are_null, true, sizeof(are_null));
	if (!TupIsNull(conversation) && parley_shown_read(shown, conversation, number, columns, are_null))
		output_put(output, columns, are_null, is_followed);
}

static bool
listing_reads_directly(const Listing *listing)
{
	return !listing->filter.of_user && !parley_schema_is_1_0() && parley_shown_is_possible();
}

/* Adds the rows of the operator's list without conditions. A row waits until we know whether another one follows. */
static void
output_walk_all(ListOutput *output)
{
	const Listing *listing = output->listing;
	int64 to_skip = listing->skip;
	TupleTableSlot *conversation, *waiting;
	Scope scope;
	Shown shown;
	Latest latest;

	parley_scope_open(&scope, &listing->filter, listing->before, listing->page_size + 1);
	parley_shown_open(&shown, &scope, TupleDescAttr(output->result->setDesc, SHOWN_KIND)->atttypid);
	parley_latest_open(&latest, &scope, parley_scope_has_cursor(&scope));
	waiting = table_slot_create(scope.conversations, NULL);
	while (output->rows < listing->page_size && (conversation = parley_latest_next(&latest)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (to_skip-- > 0)
			continue;
		output_put_shown(output, &shown, waiting, 0, true);
		ExecCopySlot(waiting, conversation);
	}
	if (output->rows < listing->page_size)
		output_put_shown(output, &shown, waiting, 0, false);
	ExecDropSingleTupleTableSlot(waiting);
	parley_latest_close(&latest);
	parley_shown_close(&shown);
	parley_scope_close(&scope);
}

static void
output_read_all(ListOutput *output)
{
	const Listing *listing = output->listing;
	bool of_user = listing->filter.of_user;
	Datum values[] = { Int64GetDatum(listing->filter.user_id),         TimestampTzGetDatum(listing->before.at),
					   Int64GetDatum(listing->before.conversation_id), Int64GetDatum(listing->skip),
					   Int64GetDatum(listing->page_size + 1),          BoolGetDatum(listing->filter.hides_phones) };

	if (listing->counted)
	{
		parley_statement_run(&list_statements()->count[of_user], values, NULL, true, 0);
		output->total = DatumGetInt64(parley_statement_value(0, 1, INT8OID, NULL));
	}
	if (listing_reads_directly(listing))
		output_walk_all(output);
	else
		output_put_found(output, parley_statement_run(&list_statements()->list[of_user], values, NULL, true, 0));
}

static void
output_put_hits(ListOutput *output, Scope *scope, const Hit *hits, int64 count)
{
	Lookup *by_id = &scope->conversation_by_id;
	Shown shown;

	parley_shown_open(&shown, scope, TupleDescAttr(output->result->setDesc, SHOWN_KIND)->atttypid);
	for (int64 i = 0; i < Min(count, output->listing->page_size); i++)
		if (parley_lookup_one(by_id, hits[i].conversation_id))
			output_put_shown(output, &shown, by_id->slot, hits[i].state == HIT_NAMED ? 0 : hits[i].number,
							 i + 1 < count);
	parley_shown_close(&shown);
}

static uint64
listing_show_hits(const Listing *listing, const Hit *hits, int64 count)
{
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
	return parley_statement_run(&list_statements()->show[listing->filter.of_user], values, NULL, true, 0);
}

/* Same as output_read_all(), for a list with conditions. */
static void
output_read_matching(ListOutput *output)
{
	const Listing *listing = output->listing;
	Scope scope;
	MessageStream messages;
	ContactStream contacts;
	int64 count;
	const Hit *hits = parley_listing_find(listing, &scope, &messages, &contacts, &count, &output->total);

	if (listing->filter.term != NULL)
		parley_matcher_init(&output->matcher, listing->filter.term, DEFAULT_COLLATION_OID);
	if (count > 0 && listing_reads_directly(listing))
		output_put_hits(output, &scope, hits, count);
	else if (count > 0)
		output_put_found(output, listing_show_hits(listing, hits, count));
	parley_scope_close(&scope);
}

/* Must be called within SPI_connect() … SPI_finish(). */
static void
listing_put(const Listing *listing, ReturnSetInfo *result)
{
	ListOutput output = { .listing = listing, .result = result };

	if (parley_filter_is_empty(&listing->filter))
		output_read_all(&output);
	else
		output_read_matching(&output);
	if (output.rows == 0 && listing->counted)
		output_put_count(&output);
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
