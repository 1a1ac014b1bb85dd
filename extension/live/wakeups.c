/*
 * wakeups.c: see wakeups.h.
 *
 * A place in the log is the number of all entries before it, counted from a random start. So a place from before a
 * restart is far from all current ones, and recognized as unknown. Entries of users whose ids have the same remainder
 * are chained, newest first.
 *
 * Why sync misses nothing: if a transaction is invisible to one snapshot and visible to a later one, then when the
 * place was taken, the transaction either had not entered the log yet, or was between its two sets of entries. In the
 * latter case the place is not after the first of them.
 *
 * Takes only its own lock, and no other lock while holding it. Nothing may fail here after the commit, so the memory
 * for notes is allocated beforehand, in TopMemoryContext, and kept from one transaction to the next.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/condition_variable.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "errors.h"
#include "index/lookup.h"
#include "live/wakeups.h"
#include "shared_memory.h"
#include "statement.h"

PG_FUNCTION_INFO_V1(parley_await_wakeups);
PG_FUNCTION_INFO_V1(parley_wake_conversation);
PG_FUNCTION_INFO_V1(parley_wake_reader);

/* Enough for half a minute of 1,000 messages per second in conversations of two. */
#define LOG_ENTRIES (UINT64CONST(1) << 18)
#define LOG_CHAINS 16384
/* If a transaction notes more than this, everything counts as changed. */
#define NOTED_MAX 4096
/* If a user has more changes than this, sync reads all sources. */
#define FOUND_MAX 4096
#define PATIENCE_MAX_MS 1000
/* A session that waits is woken at most every 2 ms: with many commits, it would otherwise be woken by each of them. */
#define PAUSE_US 2000

typedef struct LogEntry
{
	int64 user_id;
	int64 source_id;
	uint64 previous; /* in the same chain */
	TimestampTz written_at;
	Oid database;
	bool is_visible;
} LogEntry;

/* A transaction that is between its two sets of entries. */
typedef struct Committing
{
	uint64 place; /* the first of its entries; 0 if there is no such transaction */
	TransactionId xid;
} Committing;

typedef struct ChangeLog
{
	LWLock *lock;
	ConditionVariable filled;
	XLogRecPtr commit_end;     /* the end of the last commit with entries that was durable before it was visible */
	uint64 head;               /* the place of the next entry */
	uint64 newest[LOG_CHAINS]; /* the place of the newest entry of each chain */
	LogEntry entries[LOG_ENTRIES];
	Committing committing[FLEXIBLE_ARRAY_MEMBER]; /* one per backend */
} ChangeLog;

typedef struct Note
{
	int64 user_id;
	int64 source_id;
} Note;

static ChangeLog *change_log; /* NULL if the library is not preloaded */

static Note *noted;
static int noted_count;
static int noted_room;
static bool noted_everything;

static Size
log_size(void)
{
	return offsetof(ChangeLog, committing) + sizeof(Committing) * MaxBackends;
}

static void
log_attach(void *memory, bool is_new, LWLock *lock)
{
	uint64 start;

	change_log = memory;
	if (!is_new)
		return;
	change_log->lock = lock;
	ConditionVariableInit(&change_log->filled);
	if (!pg_strong_random(&start, sizeof(start)))
		elog(FATAL, "could not generate a random number");
	change_log->head = 2 * LOG_ENTRIES + (start >> 2);
}

/* Returns whether the log has all entries from the place on. */
static bool
log_knows(uint64 place)
{
	return place <= change_log->head && change_log->head - place <= LOG_ENTRIES;
}

static uint64 *
chain_of(int64 user_id)
{
	return &change_log->newest[(uint64) user_id % LOG_CHAINS];
}

static void
log_write(bool is_visible)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < noted_count; i++)
	{
		uint64 *newest = chain_of(noted[i].user_id);

		change_log->entries[change_log->head % LOG_ENTRIES] = (LogEntry){ .user_id = noted[i].user_id,
																		  .source_id = noted[i].source_id,
																		  .previous = *newest,
																		  .written_at = now,
																		  .database = MyDatabaseId,
																		  .is_visible = is_visible };
		*newest = change_log->head++;
	}
	/* Make all places unknown. */
	if (noted_everything)
		change_log->head += LOG_ENTRIES + 1;
}

static void
on_transaction_event(XactEvent event, void *arg)
{
	bool has_noted = noted_count > 0 || noted_everything;
	Committing *committing;

	if (change_log == NULL || !has_noted)
		return;
	committing = &change_log->committing[MyProc - ProcGlobal->allProcs];
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("cannot PREPARE a transaction that has changed conversations or accounts")));
			break;
		case XACT_EVENT_PRE_COMMIT:
			LWLockAcquire(change_log->lock, LW_EXCLUSIVE);
			*committing = (Committing){ .place = change_log->head, .xid = GetTopTransactionIdIfAny() };
			log_write(false);
			LWLockRelease(change_log->lock);
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
			LWLockAcquire(change_log->lock, LW_EXCLUSIVE);
			if (event == XACT_EVENT_COMMIT)
			{
				log_write(true);
				if (synchronous_commit > SYNCHRONOUS_COMMIT_OFF)
					change_log->commit_end = Max(change_log->commit_end, XactLastCommitEnd);
			}
			committing->place = 0;
			LWLockRelease(change_log->lock);
			ConditionVariableBroadcast(&change_log->filled);
			noted_count = 0;
			noted_everything = false;
			break;
		default:
			break;
	}
}

void
parley_wakeups_init(void)
{
	static const SharedMemory memory = { "parley wake-ups", "parley_wakeups", log_size, log_attach };

	parley_shared_memory_request(&memory);
	RegisterXactCallback(on_transaction_event, NULL);
}

static bool
is_noted(int64 user_id, int64 source_id)
{
	/* Most transactions change one thing only. Looking at the latest notes is enough to avoid most duplicates. */
	for (int i = noted_count - 1; i >= 0 && i >= noted_count - 8; i--)
		if (noted[i].user_id == user_id && noted[i].source_id == source_id)
			return true;
	return false;
}

void
parley_wake(int64 user_id, int64 source_id)
{
	if (change_log == NULL || noted_everything || is_noted(user_id, source_id))
		return;
	if (noted_count == NOTED_MAX)
	{
		noted_everything = true;
		noted_count = 0;
		return;
	}
	if (noted_count == noted_room)
	{
		int room = noted_room == 0 ? 16 : 2 * noted_room;

		noted = noted == NULL ? MemoryContextAlloc(TopMemoryContext, sizeof(Note) * room)
							  : repalloc(noted, sizeof(Note) * room);
		noted_room = room;
	}
	noted[noted_count++] = (Note){ .user_id = user_id, .source_id = source_id };
}

uint64
parley_changes_place(void)
{
	uint64 place;

	if (change_log == NULL || RecoveryInProgress())
		return 0;
	LWLockAcquire(change_log->lock, LW_SHARED);
	place = change_log->head;
	for (int i = 0; i < MaxBackends; i++)
		if (change_log->committing[i].place != 0)
			place = Min(place, change_log->committing[i].place);
	LWLockRelease(change_log->lock);
	return place;
}

/* Reads the end of the last commit. Returns false if a transaction is already visible and has not set it yet. */
static bool
log_read_commit_end(Snapshot snapshot, XLogRecPtr *end)
{
	bool is_complete = true;

	LWLockAcquire(change_log->lock, LW_SHARED);
	*end = change_log->commit_end;
	for (int i = 0; i < MaxBackends; i++)
		if (change_log->committing[i].place != 0 && !XidInMVCCSnapshot(change_log->committing[i].xid, snapshot))
			is_complete = false;
	LWLockRelease(change_log->lock);
	return is_complete;
}

XLogRecPtr
parley_changes_commit_end(Snapshot snapshot)
{
	XLogRecPtr end;
	bool is_complete;
	TimestampTz deadline;
	long left_ms;

	if (change_log == NULL || RecoveryInProgress())
		return InvalidXLogRecPtr;
	if (log_read_commit_end(snapshot, &end))
		return end;
	deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), PATIENCE_MAX_MS);
	ConditionVariablePrepareToSleep(&change_log->filled);
	while (!(is_complete = log_read_commit_end(snapshot, &end)) &&
		   (left_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline)) > 0)
		ConditionVariableTimedSleep(&change_log->filled, left_ms, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
	return is_complete ? end : InvalidXLogRecPtr;
}

static int
by_id(const void *a, const void *b)
{
	int64 x = *(const int64 *) a, y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

bool
parley_changes_since(uint64 place, int64 user_id, int64 **sources, int *count)
{
	int64 *found;
	int found_count = 0;
	bool known;

	if (change_log == NULL || RecoveryInProgress())
		return false;
	found = palloc(sizeof(int64) * FOUND_MAX);
	LWLockAcquire(change_log->lock, LW_SHARED);
	known = log_knows(place);
	for (uint64 at = *chain_of(user_id); known && at >= place;)
	{
		const LogEntry *entry = &change_log->entries[at % LOG_ENTRIES];

		at = entry->previous;
		if (entry->user_id != user_id || entry->database != MyDatabaseId ||
			(found_count > 0 && found[found_count - 1] == entry->source_id))
			continue;
		if (found_count == FOUND_MAX)
			known = false;
		else
			found[found_count++] = entry->source_id;
	}
	LWLockRelease(change_log->lock);
	if (!known)
		return false;
	qsort(found, found_count, sizeof(int64), by_id);
	*count = 0;
	for (int i = 0; i < found_count; i++)
		if (i == 0 || found[i] != found[i - 1])
			found[(*count)++] = found[i];
	*sources = found;
	return true;
}

/* Sleeps until there is an entry at the place, or until the time is up. */
static void
log_await(uint64 place, int patience_ms)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), patience_ms);
	long left_ms;

	ConditionVariablePrepareToSleep(&change_log->filled);
	for (;;)
	{
		uint64 head;

		LWLockAcquire(change_log->lock, LW_SHARED);
		head = change_log->head;
		LWLockRelease(change_log->lock);
		left_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (head != place || left_ms <= 0 ||
			ConditionVariableTimedSleep(&change_log->filled, left_ms, PG_WAIT_EXTENSION))
			break;
	}
	ConditionVariableCancelSleep();
}

static void
pause_between_answers(void)
{
	static TimestampTz answered_at;
	TimestampTz since = GetCurrentTimestamp() - answered_at;

	if (since >= 0 && since < PAUSE_US)
		pg_usleep(PAUSE_US - since);
	answered_at = GetCurrentTimestamp();
}

static void
require_log(void)
{
	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION), errmsg("cannot wait for wake-ups during recovery"),
						errhint("Use the primary.")));
	parley_shared_memory_require(change_log);
}

Datum
parley_await_wakeups(PG_FUNCTION_ARGS)
{
	uint64 place = PG_ARGISNULL(0) ? 0 : (uint64) PG_GETARG_INT64(0), head;
	int patience_ms = PG_ARGISNULL(1) ? 0 : Min(Max(PG_GETARG_INT32(1), 0), PATIENCE_MAX_MS);
	bool is_complete;
	Datum *user_ids;
	int count = 0;
	TimestampTz oldest_at = 0;
	TupleDesc desc;
	Datum values[5];
	bool nulls[5] = { false };

	require_log();
	log_await(place, patience_ms);
	pause_between_answers();
	LWLockAcquire(change_log->lock, LW_SHARED);
	head = change_log->head;
	is_complete = log_knows(place);
	LWLockRelease(change_log->lock);
	user_ids = palloc(sizeof(Datum) * (is_complete ? head - place + 1 : 1));
	LWLockAcquire(change_log->lock, LW_SHARED);
	/* The ring may have wrapped around meanwhile. */
	is_complete = is_complete && log_knows(place);
	for (uint64 at = place; is_complete && at < head; at++)
	{
		const LogEntry *entry = &change_log->entries[at % LOG_ENTRIES];

		if (!entry->is_visible || entry->database != MyDatabaseId)
			continue;
		if (count == 0)
			oldest_at = entry->written_at;
		user_ids[count++] = Int64GetDatum(entry->user_id);
	}
	LWLockRelease(change_log->lock);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "await_wakeups must return a row");
	values[0] = Int64GetDatum((int64) head);
	values[1] = parley_int64_array(user_ids, count);
	values[2] = BoolGetDatum(is_complete);
	values[3] = Int64GetDatum(count == 0 ? 0 : Max(GetCurrentTimestamp() - oldest_at, 0));
	values[4] = Int32GetDatum(1);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

static void
require_row_trigger(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(((TriggerData *) fcinfo->context)->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED), errmsg("must be called as a row trigger")));
}

/* Returns a bigint column of the row for which the trigger was fired, or 0 if it is null. */
static int64
trigger_column(const TriggerData *trigger, const char *name)
{
	HeapTuple row = trigger->tg_newtuple != NULL ? trigger->tg_newtuple : trigger->tg_trigtuple;
	int column = parley_column(trigger->tg_relation, name, INT8OID);
	bool isnull;
	Datum value = heap_getattr(row, column, RelationGetDescr(trigger->tg_relation), &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* Any change of a conversation's row wakes its members and the operator. Chats have neither. */
Datum
parley_wake_conversation(PG_FUNCTION_ARGS)
{
	static const char *const members[] = { "contact_id", "low_contact_id", "high_contact_id" };
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	int64 conversation_id;

	require_row_trigger(fcinfo);
	if (change_log == NULL)
		return PointerGetDatum(NULL);
	conversation_id = trigger_column(trigger, "id");
	for (int i = 0; i < (int) lengthof(members); i++)
	{
		int64 contact_id = trigger_column(trigger, members[i]);

		if (contact_id == 0)
			continue;
		parley_wake(contact_id, conversation_id);
		parley_wake(WAKEUPS_OPERATOR, conversation_id);
	}
	return PointerGetDatum(NULL);
}

/* A change of a read horizon wakes all members. */
Datum
parley_wake_reader(PG_FUNCTION_ARGS)
{
	static Statement list_members = {
		"SELECT contact_id FROM parley.members WHERE conversation_id OPERATOR(pg_catalog.=) $1",
		{ INT8OID },
	};
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Datum conversation_id;
	uint64 count;

	require_row_trigger(fcinfo);
	if (change_log == NULL)
		return PointerGetDatum(NULL);
	conversation_id = Int64GetDatum(trigger_column(trigger, "conversation_id"));
	/* If the member has just posted, all members have been woken already. */
	if (is_noted(trigger_column(trigger, "contact_id"), DatumGetInt64(conversation_id)))
		return PointerGetDatum(NULL);
	SPI_connect();
	count = parley_statement_run(&list_members, &conversation_id, NULL, true, 0);
	for (uint64 i = 0; i < count; i++)
		parley_wake(DatumGetInt64(parley_statement_value(i, 1, INT8OID, NULL)), DatumGetInt64(conversation_id));
	SPI_finish();
	return PointerGetDatum(NULL);
}
