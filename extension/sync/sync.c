/*
 * sync.c: what is new to a user since a cursor.
 *
 * Nothing is stored for this. A row's xmin is the transaction that wrote it, and the cursor knows which transactions
 * have been told (horizon.h). A user follows sources, which are their conversations and their accounts. Every message,
 * edit and deletion also updates the row of its conversation, and every transaction that of its account. So a source
 * has something new if its row is new. The entries of a source are numbered in commit order, so reading backwards, we
 * can stop at the first entry that is told. Edited and deleted messages are found through an index of just those. Each
 * read horizon is a row of its own.
 *
 * The change log (live/wakeups.h) knows which sources have changed. If it no longer contains the cursor's place, we
 * read all of them.
 *
 * This only reads. Memory is SPI's, except for what the result is made of.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "errors.h"
#include "schema.h"
#include "statement.h"
#include "sync/reading.h"

PG_FUNCTION_INFO_V1(parley_sync);
PG_FUNCTION_INFO_V1(parley_sync_1_1);

/* A conversation, or an account, whose id is negated. Compared as unsigned numbers, accounts come last. */
typedef struct Source
{
	int64 id;
	TransactionId stamp;
	int first_reader;
	int reader_count;
} Source;

typedef struct Reader
{
	TransactionId stamp;
	int64 contact_id;
	int64 read_number;
} Reader;

typedef struct Sources
{
	Source *list;
	int count;
	Reader *readers;
} Sources;

/* The result being built. */
typedef struct SyncPage
{
	Reading reading;
	int64 room; /* the number of entries that still fit */
	StringInfoData messages;
	StringInfoData reads;
	StringInfoData transactions;
	bool more;
} SyncPage;

static Statement find_user = {
	"SELECT FROM parley.contacts WHERE id = $1",
	{ INT8OID },
};
#define LIST_SOURCES                                                                 \
	"SELECT m.conversation_id, c.xmin, o.xmin, o.contact_id, o.read_number"          \
	" FROM parley.members m JOIN parley.conversations c ON c.id = m.conversation_id" \
	"  JOIN parley.members o ON o.conversation_id = m.conversation_id"               \
	" WHERE m.contact_id = $1"
static Statement list_conversations = {
	LIST_SOURCES " ORDER BY m.conversation_id",
	{ INT8OID },
};
static Statement list_changed_conversations = {
	LIST_SOURCES " AND m.conversation_id = ANY ($2) ORDER BY m.conversation_id",
	{ INT8OID, INT8ARRAYOID },
};
static Statement list_accounts = {
	"SELECT -id, xmin FROM parley.accounts WHERE user_id = $1 ORDER BY id DESC",
	{ INT8OID },
};
/* A horizon in SQL: rows that are not older than an age, and rows of transactions that were running. */
#define IS_NEW(row, age, running) "(age(" row "xmin) <= " age " OR " row "xmin = ANY (" running "))"
/* $1 is the source, $2 and $3 are what is told, $4 is the user. */
static Statement find_told_message = {
	"SELECT number FROM parley.messages"
	" WHERE conversation_id = $1 AND NOT " IS_NEW("", "$2", "$3") " ORDER BY number DESC LIMIT 1",
	{ INT8OID, INT4OID, XIDARRAYOID },
};
static Statement find_told_transaction = {
	"SELECT number FROM parley.transactions"
	" WHERE user_id = $4 AND account_id = -$1 AND NOT " IS_NEW("", "$2", "$3") " ORDER BY number DESC LIMIT 1",
	{ INT8OID, INT4OID, XIDARRAYOID, INT8OID },
};
/* $1 is the source, $2 the last number that earlier rounds told, $3 the last number of the previous page, $4 the limit,
 * $5 and $6 what is told, $7 and $8 what is told after this round, $9 the user. */
#define LIST_MESSAGES(last_columns)                                                                          \
	{                                                                                                        \
		"SELECT n.number, n.xmin, parley.message_json((n.conversation_id, n.number, n.sender_id, n.content," \
		"  n.created_at, n.edited_at, " last_columns "))::text"                                              \
		" FROM ((SELECT *, xmin FROM parley.messages"                                                        \
		"   WHERE conversation_id = $1 AND number <= $2 AND number > $3"                                     \
		"    AND (edited_at IS NOT NULL OR deleted_at IS NOT NULL)"                                          \
		"    AND " IS_NEW("", "$5", "$6") " AND NOT " IS_NEW(                                                \
			"", "$7", "$8") " ORDER BY number LIMIT $4)"                                                     \
							"  UNION ALL (SELECT *, xmin FROM parley.messages"                               \
							"   WHERE conversation_id = $1 AND number > greatest($2, $3) AND NOT " IS_NEW(   \
								"", "$7", "$8") "   ORDER BY number LIMIT $4)) n"                            \
												" ORDER BY n.number LIMIT $4",                               \
		{                                                                                                    \
			INT8OID, INT8OID, INT8OID, INT8OID, INT4OID, XIDARRAYOID, INT4OID, XIDARRAYOID                   \
		}                                                                                                    \
	}
static Statement list_messages = LIST_MESSAGES("n.deleted_at, n.agent_id, n.transfer_id");
static Statement list_messages_of_1_0 = LIST_MESSAGES("n.deleted_at");
static Statement list_transactions = {
	"SELECT t.number, t.xmin, row_to_json((SELECT j FROM (SELECT t.number AS id, t.account_id, t.amount, t.balance,"
	"  t.memo, parley.rfc3339(t.created_at) AS created_at) j))::text"
	" FROM parley.transactions t"
	" WHERE t.user_id = $9 AND t.account_id = -$1 AND t.number > greatest($2, $3)"
	"  AND NOT " IS_NEW("t.", "$7", "$8") " ORDER BY t.number LIMIT $4",
	{ INT8OID, INT8OID, INT8OID, INT8OID, INT4OID, XIDARRAYOID, INT4OID, XIDARRAYOID, INT8OID },
};

static void
require_user(int64 user_id)
{
	Datum value = Int64GetDatum(user_id);

	if (parley_statement_run(&find_user, &value, NULL, true, 1) == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("contact %lld does not exist", (long long) user_id),
						errargument("user_id")));
}

/* Adds the rows of the last statement: one per reader of a conversation, or one per account. */
static void
sources_add(Sources *sources, uint64 count, bool have_readers)
{
	int reader_count = 0;

	sources->list = sources->list == NULL ? palloc(sizeof(Source) * (count + 1))
										  : repalloc(sources->list, sizeof(Source) * (sources->count + count + 1));
	if (have_readers)
		sources->readers = palloc(sizeof(Reader) * (count + 1));
	for (uint64 i = 0; i < count; i++)
	{
		int64 id = DatumGetInt64(parley_statement_value(i, 1, INT8OID, NULL));
		Source *source = &sources->list[sources->count];

		if (sources->count > 0 && source[-1].id == id)
			source--;
		else
		{
			*source = (Source){ .id = id,
								.stamp = DatumGetTransactionId(parley_statement_value(i, 2, XIDOID, NULL)),
								.first_reader = reader_count };
			sources->count++;
		}
		if (!have_readers)
			continue;
		source->reader_count++;
		sources->readers[reader_count++] =
			(Reader){ .stamp = DatumGetTransactionId(parley_statement_value(i, 3, XIDOID, NULL)),
					  .contact_id = DatumGetInt64(parley_statement_value(i, 4, INT8OID, NULL)),
					  .read_number = DatumGetInt64(parley_statement_value(i, 5, INT8OID, NULL)) };
	}
}

/* Reads the user's sources, conversations first, ordered by id. If it is known which sources may have changed, reads
 * only those. */
static Sources
sources_read(const Reading *reading)
{
	Datum values[2] = { Int64GetDatum(reading->cursor.user_id) };
	Sources sources = { 0 };
	int64 *changed;
	int changed_count;
	bool is_known = parley_reading_changes(reading, &changed, &changed_count);

	if (!is_known)
		sources_add(&sources, parley_statement_run(&list_conversations, values, NULL, true, 0), true);
	else if (changed_count > 0 && changed[changed_count - 1] > 0)
	{
		values[1] = parley_int64_array((Datum *) changed, changed_count);
		sources_add(&sources, parley_statement_run(&list_changed_conversations, values, NULL, true, 0), true);
	}
	if (!is_known || (changed_count > 0 && changed[0] < 0))
		sources_add(&sources, parley_statement_run(&list_accounts, values, NULL, true, 0), false);
	return sources;
}

static void
page_add_reads(SyncPage *page, const Sources *sources, const Source *source)
{
	for (int i = source->first_reader; i < source->first_reader + source->reader_count; i++)
	{
		const Reader *reader = &sources->readers[i];

		if (reader->read_number == 0 || !parley_reading_wants(&page->reading, reader->stamp))
			continue;
		parley_reading_tell(&page->reading, reader->stamp);
		appendStringInfo(&page->reads, "%s{\"conversation_id\":%lld,\"contact_id\":%lld,\"read_message_id\":%lld}",
						 page->reads.len > 1 ? "," : "", (long long) source->id, (long long) reader->contact_id,
						 (long long) reader->read_number);
	}
}

/* Returns the two parameters of IS_NEW. */
static void
horizon_parameters(const Horizon *horizon, Datum *age, Datum *running)
{
	Datum xids[HORIZON_RUNNING_MAX];

	for (int i = 0; i < horizon->running_count; i++)
		xids[i] = TransactionIdGetDatum((TransactionId) horizon->running[i]);
	*running = PointerGetDatum(
		construct_array(xids, horizon->running_count, XIDOID, sizeof(TransactionId), true, TYPALIGN_INT));
	/* age() counts from the same ID. For rows from before PostgreSQL 9.4 it returns the maximum. */
	*age = Int32GetDatum(horizon->since == 0 ? PG_INT32_MAX
											 : (int32) (GetStableLatestTransactionId() - (uint32) horizon->since));
}

static int64
told_number(const Reading *reading, int64 source_id)
{
	Datum values[4] = { Int64GetDatum(source_id) };
	Statement *statement = source_id < 0 ? &find_told_transaction : &find_told_message;

	horizon_parameters(&reading->cursor.told, &values[1], &values[2]);
	values[3] = Int64GetDatum(reading->cursor.user_id);
	if (reading->cursor.told.since == 0 || parley_statement_run(statement, values, NULL, true, 1) == 0)
		return 0;
	return DatumGetInt64(parley_statement_value(0, 1, INT8OID, NULL));
}

/* Adds the source's new entries after cursor.number, as long as there is room. */
static void
page_add_entries(SyncPage *page)
{
	SyncCursor *cursor = &page->reading.cursor;
	bool is_account = cursor->source_id < 0;
	Statement *statement = is_account               ? &list_transactions
						   : parley_schema_is_1_0() ? &list_messages_of_1_0
													: &list_messages;
	StringInfo answer = is_account ? &page->transactions : &page->messages;
	Datum values[9] = { Int64GetDatum(cursor->source_id), Int64GetDatum(cursor->told_number),
						Int64GetDatum(cursor->number), Int64GetDatum(page->room + 1) };
	uint64 found;

	horizon_parameters(&cursor->told, &values[4], &values[5]);
	horizon_parameters(&cursor->round, &values[6], &values[7]);
	/* Deliver everything that we see if the end of the round is not exactly what a snapshot saw. */
	if (!cursor->in_round || !cursor->round.is_exact)
		values[6] = Int32GetDatum(PG_INT32_MIN);
	values[8] = Int64GetDatum(cursor->user_id);
	found = parley_statement_run(statement, values, NULL, true, 0);
	page->more = found > (uint64) page->room;
	for (uint64 row = 0; row < Min(found, (uint64) page->room); row++)
	{
		cursor->number = DatumGetInt64(parley_statement_value(row, 1, INT8OID, NULL));
		parley_reading_tell(&page->reading, DatumGetTransactionId(parley_statement_value(row, 2, XIDOID, NULL)));
		appendStringInfoString(answer, answer->len > 1 ? "," : "");
		appendStringInfoString(answer, TextDatumGetCString(parley_statement_value(row, 3, TEXTOID, NULL)));
	}
	page->room -= Min(found, (uint64) page->room);
}

/* Continues where the last page ended, source by source, until the page is full or the round is complete. */
static void
page_fill(SyncPage *page, const Sources *sources)
{
	SyncCursor *cursor = &page->reading.cursor;

	if (!cursor->in_round)
		cursor->source_id = 0;
	for (int i = 0; i < sources->count && !page->more; i++)
	{
		const Source *source = &sources->list[i];

		if ((uint64) source->id < (uint64) cursor->source_id)
			continue;
		if (source->id != cursor->source_id)
		{
			page_add_reads(page, sources, source);
			if (!parley_horizon_is_new(&cursor->told, source->stamp))
				continue;
			cursor->source_id = source->id;
			cursor->number = 0;
			cursor->told_number = told_number(&page->reading, source->id);
		}
		parley_reading_tell(&page->reading, source->stamp);
		page_add_entries(page);
	}
}

/* Returns cursor, messages, reads, transactions, more, changed, incomplete. Version 1.0 has only cursor, messages and
 * more. One database is never incomplete. */
static Datum
page_form(FunctionCallInfo fcinfo, SyncPage *page, bool is_1_0)
{
	StringInfo lists[] = { &page->messages, &page->reads, &page->transactions };
	TupleDesc desc;
	Datum values[7];
	bool nulls[7] = { false };
	bool changed = false;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "sync must return a row");
	values[0] = PointerGetDatum(parley_cursor_form(&page->reading.cursor));
	for (int i = 0; i < (int) lengthof(lists); i++)
	{
		changed = changed || lists[i]->len > 1;
		appendStringInfoChar(lists[i], ']');
		values[1 + i] = PointerGetDatum(cstring_to_text_with_len(lists[i]->data, lists[i]->len));
	}
	values[is_1_0 ? 2 : 4] = BoolGetDatum(page->more);
	values[5] = BoolGetDatum(changed);
	values[6] = BoolGetDatum(false);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

static void
list_begin(StringInfo list)
{
	initStringInfo(list);
	appendStringInfoChar(list, '[');
}

static SyncPage
page_make(FunctionCallInfo fcinfo, bool thorough)
{
	SyncPage page = { .room = PG_ARGISNULL(2) ? 50 : PG_GETARG_INT32(2) };
	Sources sources;

	parley_require_argument(fcinfo, 0, "user_id");
	list_begin(&page.messages);
	list_begin(&page.reads);
	list_begin(&page.transactions);
	page.reading = parley_reading_begin(PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1), PG_GETARG_INT64(0), thorough);
	SPI_connect();
	sources = sources_read(&page.reading);
	/* A user who has conversations or accounts exists. */
	if (sources.count == 0)
		require_user(PG_GETARG_INT64(0));
	page_fill(&page, &sources);
	SPI_finish();
	parley_reading_end(&page.reading, page.more);
	return page;
}

Datum
parley_sync(PG_FUNCTION_ARGS)
{
	SyncPage page = page_make(fcinfo, false);

	PG_RETURN_DATUM(page_form(fcinfo, &page, true));
}

Datum
parley_sync_1_1(PG_FUNCTION_ARGS)
{
	SyncPage page = page_make(fcinfo, !PG_ARGISNULL(3) && PG_GETARG_BOOL(3));

	PG_RETURN_DATUM(page_form(fcinfo, &page, false));
}
