/*
 * sync.c: what is new to a user since a cursor.
 *
 * Nothing is stored for it. A row's xmin says which transaction wrote it, and the cursor which transactions it has told
 * of (horizon.h). What a user follows are sources: their conversations, and their accounts. Every message, edit and
 * deletion also updates its conversation's row, and every transaction its account's, so that a source has something new
 * if its row is new. In it the entries are numbered in commit order: from the last one backwards, the first that is
 * told ends the new ones. Messages edited or deleted are found through an index of those alone. How far somebody has
 * read is a row of its own.
 *
 * Which sources changed is known from the log of changes (live/wakeups.h); where that has forgotten the cursor's place,
 * all of them are read.
 *
 * What is told must survive a crash, or the ids of transactions that are lost would be given out anew, and taken to be
 * told. A commit that was visible before it was on disk is waited for; "since" is not above the newest transaction that
 * is told, plus one. Only where a backlog comes in pages the whole log is flushed, once.
 *
 * Rows keep 32 bits of their transaction's id, which tells the last 2^32 apart: of older rows a message may be
 * repeated, and a cursor older than 2^30 transactions is refused. A cursor of which nothing became new is kept from
 * getting that old: ids below the last checkpoint's next one are not given out again.
 *
 * Reads only. Memory: SPI's context, but for what the answer is formed of.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_control.h"
#include "catalog/pg_type.h"
#include "common/controldata_utils.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "errors.h"
#include "ledger/early_release.h"
#include "live/wakeups.h"
#include "statement.h"
#include "sync/cursor.h"
#include "sync/horizon.h"

PG_FUNCTION_INFO_V1(parley_sync);

/* How far "since" may fall behind before the last checkpoint is looked up. */
#define YOUNG_MAX (UINT64CONST(1) << 20)

/* A conversation, or the account whose negated id it has, so that accounts come first. */
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

/* The answer in the making. */
typedef struct SyncPage
{
	SyncCursor cursor;
	uint64 place;    /* in the log of changes, before the snapshot */
	Horizon horizon; /* what the snapshot shows */
	int64 room;      /* entries that still fit */
	StringInfoData messages;
	StringInfoData reads;
	StringInfoData transactions;
	bool more;
	bool reached;        /* something has changed, whether there is anything to tell of it or not */
	uint64 newest;       /* transaction that is told of, plus one */
	XLogRecPtr told_end; /* of what was visible before it was on disk, where the last ends in the log */
} SyncPage;

static Statement find_user = {
	"SELECT FROM parley.contacts WHERE id = $1",
	{ INT8OID },
};
#define LIST_SOURCES \
	"SELECT m.conversation_id, c.xmin, o.xmin, o.contact_id, o.read_number" \
	" FROM parley.members m JOIN parley.conversations c ON c.id = m.conversation_id" \
	"  JOIN parley.members o ON o.conversation_id = m.conversation_id" \
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
static Statement find_told_message = {
	"SELECT number FROM parley.messages"
	" WHERE conversation_id = $1 AND NOT parley.xid_reached(xmin, $2, $3) ORDER BY number DESC LIMIT 1",
	{ INT8OID, INT8OID, INT8ARRAYOID },
};
static Statement find_told_transaction = {
	"SELECT number FROM parley.transactions"
	" WHERE user_id = $4 AND account_id = -$1 AND NOT parley.xid_reached(xmin, $2, $3) ORDER BY number DESC LIMIT 1",
	{ INT8OID, INT8OID, INT8ARRAYOID, INT8OID },
};
/* $1 source, $2 last number told by earlier rounds, $3 last number of the page before, $4 limit, $5 and $6 what is
 * told, $7 and $8 what this round does not tell, $9 user. */
static Statement list_messages = {
	"SELECT n.number, n.xmin, parley.message_json((n.conversation_id, n.number, n.sender_id, n.content,"
	"  n.created_at, n.edited_at, n.deleted_at))::text"
	" FROM ((SELECT *, xmin FROM parley.messages"
	"   WHERE conversation_id = $1 AND number <= $2 AND number > $3"
	"    AND (edited_at IS NOT NULL OR deleted_at IS NOT NULL)"
	"    AND parley.xid_reached(xmin, $5, $6) AND NOT parley.xid_reached(xmin, $7, $8) ORDER BY number LIMIT $4)"
	"  UNION ALL (SELECT *, xmin FROM parley.messages"
	"   WHERE conversation_id = $1 AND number > greatest($2, $3) AND NOT parley.xid_reached(xmin, $7, $8)"
	"   ORDER BY number LIMIT $4)) n"
	" ORDER BY n.number LIMIT $4",
	{ INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8ARRAYOID, INT8OID, INT8ARRAYOID },
};
static Statement list_transactions = {
	"SELECT t.number, t.xmin, row_to_json((SELECT j FROM (SELECT t.number AS id, t.account_id, t.amount, t.balance,"
	"  t.memo, parley.rfc3339(t.created_at) AS created_at) j))::text"
	" FROM parley.transactions t"
	" WHERE t.user_id = $9 AND t.account_id = -$1 AND t.number > greatest($2, $3)"
	"  AND NOT parley.xid_reached(t.xmin, $7, $8) ORDER BY t.number LIMIT $4",
	{ INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8ARRAYOID, INT8OID, INT8ARRAYOID, INT8OID },
};

static void
require_user(int64 user_id)
{
	Datum value = Int64GetDatum(user_id);

	if (parley_statement_run(&find_user, &value, NULL, true, 1) == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("no contact %lld", (long long) user_id),
						errargument("user_id")));
}

/* Adds the rows of the last statement: one for each reader of a source, or one for a source without any. */
static void
sources_add(Sources *sources, uint64 count, bool have_readers)
{
	int reader_count = 0;

	sources->list = sources->list == NULL
						? palloc(sizeof(Source) * (count + 1))
						: repalloc(sources->list, sizeof(Source) * (sources->count + count + 1));
	if (have_readers)
		sources->readers = palloc(sizeof(Reader) * (count + 1));
	for (uint64 i = 0; i < count; i++)
	{
		int64 id = DatumGetInt64(parley_statement_value(i, 1, NULL));
		Source *source = &sources->list[sources->count];

		if (sources->count > 0 && source[-1].id == id)
			source--;
		else
		{
			*source = (Source){ .id = id,
								.stamp = DatumGetTransactionId(parley_statement_value(i, 2, NULL)),
								.first_reader = reader_count };
			sources->count++;
		}
		if (!have_readers)
			continue;
		source->reader_count++;
		sources->readers[reader_count++] =
			(Reader){ .stamp = DatumGetTransactionId(parley_statement_value(i, 3, NULL)),
					  .contact_id = DatumGetInt64(parley_statement_value(i, 4, NULL)),
					  .read_number = DatumGetInt64(parley_statement_value(i, 5, NULL)) };
	}
}

/* The user's sources, accounts first, in the order of their ids; those alone that may have changed, if that is known.
 */
static Sources
sources_read(const SyncPage *page)
{
	const SyncCursor *cursor = &page->cursor;
	Datum values[2] = { Int64GetDatum(cursor->user_id) };
	Sources sources = { 0 };
	int64 *changed;
	int changed_count;
	bool is_known = page->place != 0 && !cursor->in_round &&
					parley_changes_since(cursor->changes, cursor->user_id, &changed, &changed_count);

	if (!is_known || (changed_count > 0 && changed[0] < 0))
		sources_add(&sources, parley_statement_run(&list_accounts, values, NULL, true, 0), false);
	if (!is_known)
		sources_add(&sources, parley_statement_run(&list_conversations, values, NULL, true, 0), true);
	else if (changed_count > 0 && changed[changed_count - 1] > 0)
	{
		values[1] = parley_int64_array((Datum *) changed, changed_count);
		sources_add(&sources, parley_statement_run(&list_changed_conversations, values, NULL, true, 0), true);
	}
	return sources;
}

/*
 * Where the commit ends in the log, if the transaction may have become visible before it was on disk. Of one so old
 * that its status is forgotten, the commit is on disk.
 */
static XLogRecPtr
commit_end(TransactionId xid)
{
	XLogRecPtr end = InvalidXLogRecPtr;

	if (RecoveryInProgress() || !TransactionIdIsNormal(xid))
		return end;
	LWLockAcquire(XactTruncationLock, LW_SHARED);
	if (TransactionIdFollowsOrEquals(xid, ShmemVariableCache->oldestClogXid))
		end = TransactionIdGetCommitLSN(xid);
	LWLockRelease(XactTruncationLock);
	return end;
}

/* Whether a row of the transaction is to be told by this round. */
static bool
page_wants(const SyncPage *page, TransactionId xid)
{
	const SyncCursor *cursor = &page->cursor;

	return parley_horizon_is_new(&cursor->told, xid) &&
		   !(cursor->in_round && cursor->round.is_exact && parley_horizon_is_new(&cursor->round, xid));
}

static void
page_tell_of(SyncPage *page, TransactionId xid)
{
	page->reached = true;
	page->told_end = Max(page->told_end, commit_end(xid));
	if (TransactionIdIsNormal(xid))
		page->newest = Max(page->newest, parley_xid_widen(xid) + 1);
}

static void
page_add_reads(SyncPage *page, const Sources *sources, const Source *source)
{
	for (int i = source->first_reader; i < source->first_reader + source->reader_count; i++)
	{
		const Reader *reader = &sources->readers[i];

		if (reader->read_number == 0 || !page_wants(page, reader->stamp))
			continue;
		page_tell_of(page, reader->stamp);
		appendStringInfo(&page->reads, "%s{\"conversation_id\":%lld,\"contact_id\":%lld,\"read_message_id\":%lld}",
						 page->reads.len > 1 ? "," : "", (long long) source->id, (long long) reader->contact_id,
						 (long long) reader->read_number);
	}
}

static int64
told_number(const SyncPage *page, int64 source_id)
{
	const Horizon *told = &page->cursor.told;
	Datum values[] = { Int64GetDatum(source_id), Int64GetDatum((int64) told->since), parley_horizon_running(told),
					   Int64GetDatum(page->cursor.user_id) };
	Statement *statement = source_id < 0 ? &find_told_transaction : &find_told_message;

	if (told->since == 0 || parley_statement_run(statement, values, NULL, true, 1) == 0)
		return 0;
	return DatumGetInt64(parley_statement_value(0, 1, NULL));
}

/* Adds the source's new entries after cursor.number, as far as there is room. */
static void
page_add_entries(SyncPage *page)
{
	SyncCursor *cursor = &page->cursor;
	bool is_account = cursor->source_id < 0;
	StringInfo answer = is_account ? &page->transactions : &page->messages;
	Horizon untold = cursor->in_round && cursor->round.is_exact ? cursor->round : (Horizon){ .since = PG_INT64_MAX };
	Datum values[] = { Int64GetDatum(cursor->source_id),
					   Int64GetDatum(cursor->told_number),
					   Int64GetDatum(cursor->number),
					   Int64GetDatum(page->room + 1),
					   Int64GetDatum((int64) cursor->told.since),
					   parley_horizon_running(&cursor->told),
					   Int64GetDatum((int64) untold.since),
					   parley_horizon_running(&untold),
					   Int64GetDatum(cursor->user_id) };
	uint64 found = parley_statement_run(is_account ? &list_transactions : &list_messages, values, NULL, true, 0);

	page->more = found > (uint64) page->room;
	for (uint64 row = 0; row < Min(found, (uint64) page->room); row++)
	{
		TransactionId xid = DatumGetTransactionId(parley_statement_value(row, 2, NULL));

		cursor->number = DatumGetInt64(parley_statement_value(row, 1, NULL));
		if (TransactionIdIsNormal(xid))
			page->newest = Max(page->newest, parley_xid_widen(xid) + 1);
		appendStringInfoString(answer, answer->len > 1 ? "," : "");
		appendStringInfoString(answer, TextDatumGetCString(parley_statement_value(row, 3, NULL)));
	}
	page->room -= Min(found, (uint64) page->room);
}

/* Goes on where the last page ended, source by source, until the page is full or the round is over. */
static void
page_fill(SyncPage *page, const Sources *sources)
{
	SyncCursor *cursor = &page->cursor;

	if (!cursor->in_round)
		cursor->source_id = PG_INT64_MIN;
	for (int i = 0; i < sources->count && !page->more; i++)
	{
		const Source *source = &sources->list[i];

		if (source->id < cursor->source_id)
			continue;
		if (source->id > cursor->source_id)
		{
			page_add_reads(page, sources, source);
			if (!parley_horizon_is_new(&cursor->told, source->stamp))
				continue;
			cursor->source_id = source->id;
			cursor->number = 0;
			cursor->told_number = told_number(page, source->id);
		}
		/* The row is locked from one commit to the next, so its last commit ends behind those of all its entries. */
		page_tell_of(page, source->stamp);
		page_add_entries(page);
	}
}

/*
 * Ids below the last checkpoint's next one are not given out again. Where its record is in the log counts as told.
 */
static uint64
checkpoint_since(XLogRecPtr *told_end)
{
	bool is_intact;
	ControlFileData *control;
	uint64 since = 0;

	LWLockAcquire(ControlFileLock, LW_SHARED);
	control = get_controlfile(DataDir, &is_intact);
	LWLockRelease(ControlFileLock);
	if (is_intact)
	{
		since = U64FromFullTransactionId(control->checkPointCopy.nextXid);
		*told_end = Max(*told_end, control->checkPoint + 1);
	}
	pfree(control);
	return since;
}

/* The cursor after a page that is not the last of its round: all that a snapshot of now shows has to be on disk. */
static void
page_continue_round(SyncPage *page)
{
	SyncCursor *cursor = &page->cursor;

	if (cursor->in_round)
		cursor->round = parley_horizon_merge(&cursor->round, &page->horizon);
	else
	{
		parley_await_durable_log();
		cursor->round = page->horizon;
		cursor->changes = page->place;
		cursor->in_round = true;
	}
	if (!RecoveryInProgress())
		page->told_end = GetFlushRecPtr(NULL);
	parley_cursor_locate(cursor, page->told_end);
}

static void
page_end_round(SyncPage *page)
{
	SyncCursor *cursor = &page->cursor;
	uint64 since = Max(cursor->told.since, page->newest);
	bool is_young = page->horizon.since < since + YOUNG_MAX;

	if (cursor->in_round)
	{
		cursor->told = parley_horizon_merge(&cursor->round, &page->horizon);
		cursor->in_round = false;
	}
	else
	{
		cursor->changes = page->place;
		/* Where there is nothing to tell of, the cursor stays as it was, and with it the place where it was issued. */
		if (!page->reached && cursor->told.is_exact && cursor->told.since != 0 && is_young)
			return;
		cursor->told = page->horizon;
		parley_horizon_lower(&cursor->told, is_young ? since : Max(since, checkpoint_since(&page->told_end)));
	}
	XLogFlush(page->told_end);
	parley_cursor_locate(cursor, page->told_end);
}

static Datum
page_form(FunctionCallInfo fcinfo, SyncPage *page)
{
	StringInfo lists[] = { &page->messages, &page->reads, &page->transactions };
	TupleDesc desc;
	Datum values[6];
	bool nulls[6] = { false };
	bool changed = false;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "sync must return a row");
	values[0] = PointerGetDatum(parley_cursor_form(&page->cursor));
	for (int i = 0; i < (int) lengthof(lists); i++)
	{
		changed = changed || lists[i]->len > 1;
		appendStringInfoChar(lists[i], ']');
		values[1 + i] = PointerGetDatum(cstring_to_text_with_len(lists[i]->data, lists[i]->len));
	}
	values[4] = BoolGetDatum(page->more);
	values[5] = BoolGetDatum(changed);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

static void
list_begin(StringInfo list)
{
	initStringInfo(list);
	appendStringInfoChar(list, '[');
}

/*
 * The log of changes says what a snapshot taken after its place shows. So the caller's is not used where it may be
 * newer, and the log is not where it must be older, or shows what is not in the log yet: the transaction's own writes.
 */
static void
page_take_snapshot(SyncPage *page)
{
	if (!IsolationUsesXactSnapshot() && !TransactionIdIsValid(GetTopTransactionIdIfAny()))
		page->place = parley_changes_place();
	PushActiveSnapshot(page->place == 0 ? GetActiveSnapshot() : GetLatestSnapshot());
	page->horizon = parley_horizon_of_snapshot(GetActiveSnapshot());
}

Datum
parley_sync(PG_FUNCTION_ARGS)
{
	SyncPage page = { .room = PG_ARGISNULL(2) ? 50 : PG_GETARG_INT32(2) };
	Sources sources;

	parley_require_argument(fcinfo, 0, "user_id");
	if (PG_ARGISNULL(1))
		page.cursor.user_id = PG_GETARG_INT64(0);
	else
	{
		page.cursor = parley_cursor_parse(PG_GETARG_TEXT_PP(1), PG_GETARG_INT64(0));
		parley_cursor_require_resumable(&page.cursor);
	}
	list_begin(&page.messages);
	list_begin(&page.reads);
	list_begin(&page.transactions);

	page_take_snapshot(&page);
	SPI_connect();
	require_user(page.cursor.user_id);
	sources = sources_read(&page);
	page_fill(&page, &sources);
	SPI_finish();
	PopActiveSnapshot();

	if (page.more)
		page_continue_round(&page);
	else
		page_end_round(&page);
	PG_RETURN_DATUM(page_form(fcinfo, &page));
}
