/*
 * cursor.c: see cursor.h.
 *
 * A cursor identifies the cluster, and a place in its WAL. After a promotion it is valid if the new timeline contains
 * that place. Anything beyond that was lost with the old primary, and its transaction IDs are assigned again. A standby
 * may lag behind the server that issued the cursor. It then has nothing new to deliver until it has caught up.
 *
 * Format 2 consists of hexadecimal numbers separated by dots. A horizon is "since" and, in one field, the distance of
 * each running transaction below it. Format 1 had neither horizons nor the change log.
 *
 * Locks SyncRepLock briefly. Memory is allocated in the current context.
 */
#include "postgres.h"

#include "access/timeline.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "replication/syncrep.h"
#include "replication/walsender_private.h"
#include "storage/lwlock.h"
#include "utils/builtins.h"

#include "errors.h"
#include "sync/cursor.h"

#define FORMAT_1 "1.%llx.%x.%llx.%llx.%llx.%llx.%llx.%llx.%llx"
#define CURSOR_AGE_MAX (UINT64CONST(1) << 30)

static void
horizon_append(StringInfo cursor, const Horizon *horizon)
{
	appendStringInfo(cursor, ".%llx.%s", (unsigned long long) horizon->since, horizon->is_exact ? "" : "~");
	for (int i = 0; i < horizon->running_count; i++)
		appendStringInfo(cursor, "%s%llx", i == 0 ? "" : "-",
						 (unsigned long long) (horizon->since - horizon->running[i]));
}

text *
parley_cursor_form(const SyncCursor *cursor)
{
	StringInfoData formed;

	initStringInfo(&formed);
	appendStringInfo(&formed, "2.%llx.%x.%llx.%llx.%llx", (unsigned long long) cursor->system_identifier,
					 cursor->timeline, (unsigned long long) cursor->lsn, (unsigned long long) cursor->user_id,
					 (unsigned long long) cursor->changes);
	horizon_append(&formed, &cursor->told);
	if (cursor->in_round)
	{
		horizon_append(&formed, &cursor->round);
		appendStringInfo(&formed, ".%llx.%llx.%llx", (unsigned long long) cursor->source_id,
						 (unsigned long long) cursor->number, (unsigned long long) cursor->told_number);
	}
	return cstring_to_text_with_len(formed.data, formed.len);
}

static void
cursor_fail(const char *message)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", message),
					errhint("Use the cursor of an earlier response unchanged, or none to start over."),
					errargument("cursor")));
}

/* Returns the next field, up to a dot or the end, as a number. Invalid numbers are detected later, because the cursor
 * does not look the same when formed again. */
static uint64
field_number(char **rest)
{
	char *field = strsep(rest, ".");

	return field == NULL ? 0 : strtou64(field, NULL, 16);
}

static Horizon
field_horizon(char **rest)
{
	Horizon horizon = { .since = field_number(rest), .is_exact = true };
	char *field = strsep(rest, ".");

	if (field != NULL && *field == '~')
	{
		horizon.is_exact = false;
		field++;
	}
	while (field != NULL && *field != '\0' && horizon.running_count < HORIZON_RUNNING_MAX)
	{
		uint64 below = strtou64(strsep(&field, "-"), NULL, 16);

		if (below > 0 && below < horizon.since)
			horizon.running[horizon.running_count++] = horizon.since - below;
	}
	return horizon;
}

static SyncCursor
cursor_parse_2(char *rest)
{
	SyncCursor cursor = { 0 };

	strsep(&rest, ".");
	cursor.system_identifier = field_number(&rest);
	cursor.timeline = (TimeLineID) field_number(&rest);
	cursor.lsn = field_number(&rest);
	cursor.user_id = (int64) field_number(&rest);
	cursor.changes = field_number(&rest);
	cursor.told = field_horizon(&rest);
	cursor.in_round = rest != NULL;
	if (cursor.in_round)
	{
		cursor.round = field_horizon(&rest);
		cursor.source_id = (int64) field_number(&rest);
		cursor.number = (int64) field_number(&rest);
		cursor.told_number = (int64) field_number(&rest);
	}
	return cursor;
}

static bool
cursor_parse_1(const char *string, SyncCursor *cursor)
{
	unsigned long long part[8];

	if (sscanf(string, FORMAT_1, &part[0], &cursor->timeline, &part[1], &part[2], &part[3], &part[4], &part[5],
			   &part[6], &part[7]) != 9)
		return false;
	cursor->system_identifier = part[0];
	cursor->lsn = part[1];
	cursor->told.since = part[2];
	cursor->in_round = part[3] != 0;
	cursor->round.since = part[3];
	cursor->source_id = (int64) part[4];
	cursor->number = (int64) part[5];
	cursor->told_number = (int64) part[6];
	cursor->user_id = (int64) part[7];
	return strcmp(string, psprintf(FORMAT_1, part[0], cursor->timeline, part[1], part[2], part[3], part[4], part[5],
								   part[6], part[7])) == 0;
}

SyncCursor
parley_cursor_parse(const text *given, int64 user_id)
{
	SyncCursor cursor = { 0 };
	char *string = text_to_cstring(given);

	if (!cursor_parse_1(string, &cursor))
	{
		cursor = cursor_parse_2(pstrdup(string));
		if (strcmp(string, text_to_cstring(parley_cursor_form(&cursor))) != 0)
			cursor_fail("invalid cursor");
	}
	if (cursor.user_id != user_id)
		cursor_fail("cursor belongs to another user");
	return cursor;
}

void
parley_cursor_locate(SyncCursor *cursor, XLogRecPtr commit_end, XLogRecPtr told_end)
{
	XLogRecPtr confirmed = InvalidXLogRecPtr;

	told_end = Max(told_end, cursor->lsn);
	cursor->system_identifier = GetSystemIdentifier();
	if (RecoveryInProgress())
	{
		cursor->lsn = GetXLogReplayRecPtr(&cursor->timeline);
		return;
	}
	cursor->lsn = GetFlushRecPtr(&cursor->timeline);
	/* The synchronous standbys, if commits wait for any, have confirmed what a snapshot sees before it became visible.
	 */
	if (SyncRepStandbyNames != NULL && SyncRepStandbyNames[0] != '\0' &&
		synchronous_commit >= SYNCHRONOUS_COMMIT_REMOTE_FLUSH)
	{
		LWLockAcquire(SyncRepLock, LW_SHARED);
		confirmed = WalSndCtl->lsn[SYNC_REP_WAIT_FLUSH];
		LWLockRelease(SyncRepLock);
	}
	/* The end of a commit is better than either of these, which may be in the middle of a record that a standby has
	 * only in part. */
	if (!XLogRecPtrIsInvalid(commit_end))
		cursor->lsn = Min(cursor->lsn, Max(commit_end, told_end));
	else if (!XLogRecPtrIsInvalid(confirmed))
		cursor->lsn = Min(cursor->lsn, Max(confirmed, told_end));
}

/* Returns whether this server's history contains the place where the cursor was issued. */
static bool
cursor_is_of_this_history(const SyncCursor *cursor)
{
	TimeLineID timeline;
	List *history;

	if (RecoveryInProgress())
		GetXLogReplayRecPtr(&timeline);
	else
		GetFlushRecPtr(&timeline);
	if (cursor->system_identifier != GetSystemIdentifier() || cursor->timeline > timeline)
		return false;
	if (cursor->timeline == timeline)
		return true;
	history = readTimeLineHistory(timeline);
	return tliInHistory(cursor->timeline, history) && cursor->lsn <= tliSwitchPoint(cursor->timeline, history, NULL);
}

void
parley_cursor_require_resumable(const SyncCursor *cursor)
{
	uint64 next = U64FromFullTransactionId(ReadNextFullTransactionId());
	uint64 since = cursor->told.since;
	bool is_comparable = since == 0 || next - since <= CURSOR_AGE_MAX;

	/* A cursor may be ahead of a standby, which has no transaction IDs beyond what it has replayed. */
	if (since > next)
		is_comparable = RecoveryInProgress();
	if (!cursor_is_of_this_history(cursor) || !is_comparable)
		ereport(ERROR, (errcode(ERRCODE_PARLEY_GONE), errmsg("cursor can no longer be resumed"),
						errhint("Start over without a cursor."), errargument("cursor")));
}
