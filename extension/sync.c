/*
 * sync.c: what is new to a user since a cursor.
 *
 * Nothing is stored for it. A row's xmin says which transaction wrote it; every message, edit and deletion also updates
 * its conversation's row. So a conversation has something new if its row's xmin is not older than the cursor's, and in
 * it the messages are numbered in commit order: from the last one backwards, the first written by an older transaction
 * ends the new ones. Messages edited or deleted are found through an index of those alone.
 *
 * The cursor's transaction id ("since") is one below which no transaction can still deliver anything:
 * - not above the oldest transaction that was running when the rows were read: late committers are at or above it;
 * - not above the newest that wrote one of the rows read, plus one: that one's commit is on disk, which is waited for
 * if need be (synchronous_commit = off, early_release.c), whereas ids handed out after it may be handed out again after
 *   a crash.
 * Rows keep 32 bits of it, which tells the last 2^32 transactions apart: of older rows a message may be repeated, and a
 * cursor older than 2^30 transactions is refused.
 *
 * A cursor also names the cluster, and the place in its write-ahead log. After a promotion it is good if the new
 * timeline contains that place; what lies beyond was lost with the old primary, and its transaction ids are given out
 * anew. A standby may lag behind the server that issued the cursor: it has nothing new to tell until it has caught up.
 *
 * Reads only. Memory: SPI's context, but for what the answer is formed of.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/timeline.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "ledger/early_release.h"
#include "errors.h"
#include "statement.h"

PG_FUNCTION_INFO_V1(parley_sync);
PG_FUNCTION_INFO_V1(parley_xid_reached);

#define CURSOR_FORMAT "1.%llx.%x.%llx.%llx.%llx.%llx.%llx.%llx.%llx"
#define CURSOR_AGE_MAX (UINT64CONST(1) << 30)

typedef struct SyncCursor
{
	uint64 system_identifier;
	TimeLineID timeline;
	XLogRecPtr lsn;
	uint64 since; /* what earlier transactions wrote has been delivered; 0: nothing has */
	/* Of a backlog that comes in pages; next_since 0: the next round starts from "since". */
	uint64 next_since;     /* "since" of the cursor that ends the round */
	int64 conversation_id; /* where the last page ended: this message of this conversation */
	int64 number;
	int64 delivered_number; /* in that conversation, the last message of the rounds before */
	int64 user_id;          /* what has been delivered to one user, another has not seen */
} SyncCursor;

typedef struct SyncConversation
{
	int64 id;
	TransactionId stamp;
} SyncConversation;

/* The answer in the making. */
typedef struct SyncPage
{
	SyncCursor cursor;
	int64 room; /* rows that still fit */
	StringInfoData messages;
	bool more;
} SyncPage;

static Statement find_user = {
	"SELECT FROM parley.contacts WHERE id = $1",
	{ INT8OID },
};
static Statement list_conversations = {
	"SELECT c.id, c.xmin FROM parley.members m JOIN parley.conversations c ON c.id = m.conversation_id"
	" WHERE m.contact_id = $1 ORDER BY c.id",
	{ INT8OID },
};
static Statement find_delivered = {
	"SELECT number FROM parley.messages"
	" WHERE conversation_id = $1 AND NOT parley.xid_reached(xmin, $2) ORDER BY number DESC LIMIT 1",
	{ INT8OID, INT8OID },
};
/* $1 conversation, $2 last number delivered before, $3 last number of the page before, $4 since, $5 limit. */
static Statement list_new = {
	"SELECT n.number, parley.message_json((n.conversation_id, n.number, n.sender_id, n.content,"
	"  n.created_at, n.edited_at, n.deleted_at))::text"
	" FROM ((SELECT * FROM parley.messages"
	"   WHERE conversation_id = $1 AND number <= $2 AND number > $3 AND (edited_at IS NOT NULL OR deleted_at IS NOT "
	"NULL)"
	"    AND parley.xid_reached(xmin, $4) ORDER BY number LIMIT $5)"
	"  UNION ALL (SELECT * FROM parley.messages"
	"   WHERE conversation_id = $1 AND number > greatest($2, $3) ORDER BY number LIMIT $5)) n"
	" ORDER BY n.number LIMIT $5",
	{ INT8OID, INT8OID, INT8OID, INT8OID, INT8OID },
};

/* The 64-bit form of a row's transaction id, right for one that began at most 2^32 transactions ago. */
static uint64
xid_widen(TransactionId xid)
{
	uint64 next = U64FromFullTransactionId(ReadNextFullTransactionId());

	return next - (uint32) ((uint32) next - xid);
}

/* Whether the transaction is not older than the given one. Ids that are not normal are from before PostgreSQL 9.4. */
static bool
xid_reached(TransactionId xid, uint64 since)
{
	return since == 0 || (TransactionIdIsNormal(xid) && xid_widen(xid) >= since);
}

Datum
parley_xid_reached(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(xid_reached(PG_GETARG_TRANSACTIONID(0), (uint64) PG_GETARG_INT64(1)));
}

static text *
cursor_form(const SyncCursor *cursor)
{
	return cstring_to_text(psprintf(
		CURSOR_FORMAT, (unsigned long long) cursor->system_identifier, cursor->timeline,
		(unsigned long long) cursor->lsn, (unsigned long long) cursor->since, (unsigned long long) cursor->next_since,
		(unsigned long long) cursor->conversation_id, (unsigned long long) cursor->number,
		(unsigned long long) cursor->delivered_number, (unsigned long long) cursor->user_id));
}

static void
fail_no_cursor(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", message),
			 errhint("Use the cursor of an earlier answer as it is, or none to start over."), errargument("cursor")));
}

static SyncCursor
cursor_parse(const text *given, int64 user_id)
{
	SyncCursor cursor;
	unsigned long long part[8];
	char *string = text_to_cstring(given);

	if (sscanf(string, CURSOR_FORMAT, &part[0], &cursor.timeline, &part[1], &part[2], &part[3], &part[4], &part[5],
			   &part[6], &part[7]) != 9)
		fail_no_cursor("cursor is not one of sync's");
	cursor.system_identifier = part[0];
	cursor.lsn = part[1];
	cursor.since = part[2];
	cursor.next_since = part[3];
	cursor.conversation_id = (int64) part[4];
	cursor.number = (int64) part[5];
	cursor.delivered_number = (int64) part[6];
	cursor.user_id = (int64) part[7];
	if (strcmp(string, text_to_cstring(cursor_form(&cursor))) != 0)
		fail_no_cursor("cursor is not one of sync's");
	if (cursor.user_id != user_id)
		fail_no_cursor("cursor is another user's");
	return cursor;
}

/* Where this server is in its write-ahead log: all that a snapshot taken before can see lies before it. */
static void
cursor_locate(SyncCursor *cursor)
{
	cursor->system_identifier = GetSystemIdentifier();
	parley_await_durable_log();
	cursor->lsn = RecoveryInProgress() ? GetXLogReplayRecPtr(&cursor->timeline) : GetFlushRecPtr(&cursor->timeline);
}

/* Whether this server's history contains the place where the cursor was issued. */
static bool
cursor_is_of_this_history(const SyncCursor *cursor, const SyncCursor *here)
{
	List *history;

	if (cursor->system_identifier != here->system_identifier || cursor->timeline > here->timeline)
		return false;
	if (cursor->timeline == here->timeline)
		return true;
	history = readTimeLineHistory(here->timeline);
	return tliInHistory(cursor->timeline, history) && cursor->lsn <= tliSwitchPoint(cursor->timeline, history, NULL);
}

/* Whether the transaction ids of rows can be compared with the cursor's; none of a standby's are beyond what it
 * replayed. */
static bool
cursor_is_comparable(const SyncCursor *cursor)
{
	uint64 next = U64FromFullTransactionId(ReadNextFullTransactionId());

	if (cursor->since > next)
		return RecoveryInProgress();
	return cursor->since == 0 || next - cursor->since <= CURSOR_AGE_MAX;
}

static void
cursor_require_resumable(const SyncCursor *cursor, const SyncCursor *here)
{
	if (!cursor_is_of_this_history(cursor, here) || !cursor_is_comparable(cursor))
		ereport(ERROR, (errcode(ERRCODE_PARLEY_GONE), errmsg("cursor can no longer be resumed"),
						errhint("Start over without a cursor."), errargument("cursor")));
}

static SyncConversation *
conversations_of_user(int64 user_id, uint64 *count)
{
	Datum values[] = { Int64GetDatum(user_id) };
	SyncConversation *conversations;

	if (parley_statement_run(&find_user, values, NULL, true, 1) == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("no contact %lld", (long long) user_id),
						errargument("user_id")));
	*count = parley_statement_run(&list_conversations, values, NULL, true, 0);
	conversations = palloc(sizeof(SyncConversation) * (*count + 1));
	for (uint64 i = 0; i < *count; i++)
	{
		conversations[i].id = DatumGetInt64(parley_statement_value(i, 1, NULL));
		conversations[i].stamp = DatumGetTransactionId(parley_statement_value(i, 2, NULL));
	}
	return conversations;
}

/*
 * Where the next round will start: see the head of this file. Every page of a round has its say, since a standby that
 * lags may read one of them.
 */
static uint64
next_since(const SyncConversation *conversations, uint64 count, const SyncCursor *cursor)
{
	bool begins = cursor->next_since == 0;
	uint64 newest = begins ? cursor->since : cursor->next_since;

	for (uint64 i = 0; i < count && begins; i++)
		if (TransactionIdIsNormal(conversations[i].stamp))
			newest = Max(newest, xid_widen(conversations[i].stamp) + 1);
	return Min(newest, xid_widen(GetActiveSnapshot()->xmin));
}

static int64
delivered_number(int64 conversation_id, uint64 since)
{
	Datum values[] = { Int64GetDatum(conversation_id), Int64GetDatum((int64) since) };

	if (since == 0 || parley_statement_run(&find_delivered, values, NULL, true, 1) == 0)
		return 0;
	return DatumGetInt64(parley_statement_value(0, 1, NULL));
}

/* Adds the conversation's new messages after cursor.number, as far as there is room. */
static void
page_add_messages(SyncPage *page)
{
	SyncCursor *cursor = &page->cursor;
	Datum values[] = { Int64GetDatum(cursor->conversation_id), Int64GetDatum(cursor->delivered_number),
					   Int64GetDatum(cursor->number), Int64GetDatum((int64) cursor->since),
					   Int64GetDatum(page->room + 1) };
	uint64 found = parley_statement_run(&list_new, values, NULL, true, 0);

	page->more = found > (uint64) page->room;
	for (uint64 row = 0; row < Min(found, (uint64) page->room); row++)
	{
		cursor->number = DatumGetInt64(parley_statement_value(row, 1, NULL));
		appendStringInfoString(&page->messages, page->messages.len > 1 ? "," : "");
		appendStringInfoString(&page->messages, TextDatumGetCString(parley_statement_value(row, 2, NULL)));
	}
	page->room -= Min(found, (uint64) page->room);
}

/* Goes on where the last page ended, conversation by conversation, until the page is full or the round is over. */
static void
page_fill(SyncPage *page, const SyncConversation *conversations, uint64 count)
{
	SyncCursor *cursor = &page->cursor;

	for (uint64 i = 0; i < count && !page->more; i++)
	{
		if (conversations[i].id < cursor->conversation_id || !xid_reached(conversations[i].stamp, cursor->since))
			continue;
		if (conversations[i].id > cursor->conversation_id)
		{
			cursor->conversation_id = conversations[i].id;
			cursor->number = 0;
			cursor->delivered_number = delivered_number(conversations[i].id, cursor->since);
		}
		page_add_messages(page);
	}
	if (!page->more)
	{
		cursor->since = cursor->next_since;
		cursor->next_since = 0;
		cursor->conversation_id = cursor->number = cursor->delivered_number = 0;
	}
}

static Datum
page_form(FunctionCallInfo fcinfo, SyncPage *page)
{
	TupleDesc desc;
	Datum values[3];
	bool nulls[3] = { false, false, false };

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "sync must return a row");
	values[0] = PointerGetDatum(cursor_form(&page->cursor));
	values[1] = PointerGetDatum(cstring_to_text_with_len(page->messages.data, page->messages.len));
	values[2] = BoolGetDatum(page->more);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

Datum
parley_sync(PG_FUNCTION_ARGS)
{
	SyncPage page = { .room = PG_ARGISNULL(2) ? 50 : PG_GETARG_INT32(2) };
	SyncCursor here;
	SyncConversation *conversations;
	uint64 count;
	Datum result;

	parley_require_argument(fcinfo, 0, "user_id");
	cursor_locate(&here);
	if (!PG_ARGISNULL(1))
	{
		page.cursor = cursor_parse(PG_GETARG_TEXT_PP(1), PG_GETARG_INT64(0));
		cursor_require_resumable(&page.cursor, &here);
	}
	page.cursor.system_identifier = here.system_identifier;
	page.cursor.timeline = here.timeline;
	page.cursor.lsn = here.lsn;
	page.cursor.user_id = PG_GETARG_INT64(0);
	initStringInfo(&page.messages);
	appendStringInfoChar(&page.messages, '[');

	SPI_connect();
	conversations = conversations_of_user(PG_GETARG_INT64(0), &count);
	page.cursor.next_since = next_since(conversations, count, &page.cursor);
	page_fill(&page, conversations, count);
	SPI_finish();

	appendStringInfoChar(&page.messages, ']');
	result = page_form(fcinfo, &page);
	PG_RETURN_DATUM(result);
}
