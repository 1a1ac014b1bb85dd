/*
 * remote.c: see remote.h.
 *
 * A part is home (-1) or a shard (from 0 on). A remote function determines the database by RUN ON
 * parley_front.reach(…), which notes the parts of the call, so that the handler knows which of them responded or
 * failed. If a call to several parts fails, PL/Proxy does not say which of them did; the caller has to ask each
 * (parley_front.ask).
 *
 * Locks nothing: the state of a part is a single atomic value. Memory is the caller's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "front/remote.h"
#include "shared_memory.h"

PG_FUNCTION_INFO_V1(parley_call_remote);
PG_FUNCTION_INFO_V1(parley_reach);
PG_FUNCTION_INFO_V1(parley_list_parts);
PG_FUNCTION_INFO_V1(parley_part_has_changed);
PG_FUNCTION_INFO_V1(parley_forget_failures);

#define HOME (-1)
#define PARTS_MAX 1025 /* home and 1,024 shards */
#define RETRY_US INT64CONST(1000000)

typedef struct Part
{
	pg_atomic_uint64 retry_at; /* 0 if it responds; otherwise when the next call may try */
	pg_atomic_uint32 changes;  /* how often it went away or came back */
	pg_atomic_uint32 turns;    /* how often its hosts were tried in the other order */
} Part;

/* The call in progress. */
typedef struct Call
{
	int parts[PARTS_MAX];
	int part_count;
	bool was_cancelled;
	volatile sig_atomic_t is_over; /* it has lasted for parley.shard_timeout */
} Call;

static Part *parts; /* NULL if the library is not preloaded */
static Call call;
static int shard_timeout_ms;
static TimeoutId timeout = MAX_TIMEOUTS;

static Size
parts_size(void)
{
	return sizeof(Part) * PARTS_MAX;
}

static void
parts_attach(void *memory, bool is_new, LWLock *lock)
{
	parts = memory;
	for (int i = 0; i < PARTS_MAX && is_new; i++)
	{
		pg_atomic_init_u64(&parts[i].retry_at, 0);
		pg_atomic_init_u32(&parts[i].changes, 0);
		pg_atomic_init_u32(&parts[i].turns, 0);
	}
}

void
parley_remote_init(void)
{
	static const SharedMemory memory = { "parley parts", NULL, parts_size, parts_attach };

	DefineCustomIntVariable("parley.shard_timeout", "How long the front waits for another database.",
							"A database that takes longer counts as away. 0 waits forever.", &shard_timeout_ms, 3000, 0,
							INT_MAX, PGC_USERSET, GUC_UNIT_MS | GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	parley_shared_memory_request(&memory);
}

static Part *
part_at(int part)
{
	parley_shared_memory_require(parts);
	if (part < HOME || part > PARTS_MAX - 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no shard %d", part)));
	return &parts[part - HOME];
}

static const char *
part_name(int part)
{
	return part == HOME ? "home" : psprintf("shard %d", part);
}

static void
part_note_failure(int part, const char *why)
{
	uint64 before = pg_atomic_exchange_u64(&part_at(part)->retry_at, GetCurrentTimestamp() + RETRY_US);

	if (before != 0)
		return;
	pg_atomic_fetch_add_u32(&part_at(part)->changes, 1);
	ereport(LOG, (errmsg("%s does not respond", part_name(part)), errdetail_internal("%s", why)));
}

static void
part_note_response(int part)
{
	if (pg_atomic_read_u64(&part_at(part)->retry_at) == 0 || pg_atomic_exchange_u64(&part_at(part)->retry_at, 0) == 0)
		return;
	pg_atomic_fetch_add_u32(&part_at(part)->changes, 1);
	ereport(LOG, (errmsg("%s responds again", part_name(part))));
}

/* Returns the part's place in the cluster, for RUN ON. Errors: 08001 the part is away. */
Datum
parley_reach(PG_FUNCTION_ARGS)
{
	int part = PG_GETARG_INT32(0), count = PG_GETARG_INT32(1);
	uint64 retry_at = pg_atomic_read_u64(&part_at(part)->retry_at);
	uint64 now = GetCurrentTimestamp();

	/* Of those who come when it is time to try again, the first one does. */
	if (retry_at != 0 &&
		(now < retry_at || !pg_atomic_compare_exchange_u64(&part_at(part)->retry_at, &retry_at,
														   now + shard_timeout_ms * INT64CONST(1000) + RETRY_US)))
		ereport(ERROR,
				(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION), errmsg("a database cannot be reached")));
	if (call.part_count < PARTS_MAX)
		call.parts[call.part_count++] = part;
	PG_RETURN_INT32(Max(part, 0) + (pg_atomic_read_u32(&part_at(part)->turns) % 2) * count);
}

/* Returns which of the parts from the first to the last are in a state: near, away, or unknown if it is time to try. */
Datum
parley_list_parts(PG_FUNCTION_ARGS)
{
	const char *wanted = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int first = PG_GETARG_INT32(1), last = PG_GETARG_INT32(2), count = 0;
	uint64 now = GetCurrentTimestamp();
	Datum *found = palloc(sizeof(Datum) * Max(last - first + 1, 1));

	for (int part = first; part <= last; part++)
	{
		uint64 retry_at = pg_atomic_read_u64(&part_at(part)->retry_at);

		if (strcmp(wanted, retry_at == 0 ? "near" : now < retry_at ? "away" : "unknown") == 0)
			found[count++] = Int32GetDatum(part);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(found, count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

/* Returns whether the part went away or came back since this session asked last. The first time, it may have. */
Datum
parley_part_has_changed(PG_FUNCTION_ARGS)
{
	static uint64 seen[PARTS_MAX]; /* changes + 1 */
	int part = PG_GETARG_INT32(0);
	uint64 changes = (uint64) pg_atomic_read_u32(&part_at(part)->changes) + 1;
	bool has_changed = seen[part - HOME] != changes;

	seen[part - HOME] = changes;
	PG_RETURN_BOOL(has_changed);
}

/* Lets the next call of each part that is away try again at once. */
Datum
parley_forget_failures(PG_FUNCTION_ARGS)
{
	for (int part = HOME; part < PARTS_MAX + HOME; part++)
		if (pg_atomic_read_u64(&part_at(part)->retry_at) != 0)
			pg_atomic_write_u64(&part_at(part)->retry_at, 1);
	PG_RETURN_VOID();
}

/* Runs in a signal handler. The next CHECK_FOR_INTERRUPTS() ends the call. */
static void
on_timeout(void)
{
	call.is_over = true;
	InterruptPending = true;
	QueryCancelPending = true;
	SetLatch(MyLatch);
}

/* Changes the SQLSTATE of a cancel until the error has passed PL/Proxy, which would send a cancel request. */
static void
on_error(void *arg)
{
	if (geterrcode() != ERRCODE_QUERY_CANCELED)
		return;
	errcode(ERRCODE_CONNECTION_FAILURE);
	call.was_cancelled = true;
}

/* libpq reports a connection that broke after its first bytes had arrived without a SQLSTATE. A server that shuts down
 * ends statements that may have committed. */
static bool
is_connection_failure(const ErrorData *error)
{
	return strstr(error->message, "] PQ") != NULL || strstr(error->message, "REMOTE (null)") != NULL ||
		   (strstr(error->message, "REMOTE ") != NULL &&
			(error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN || error->sqlerrcode == ERRCODE_CRASH_SHUTDOWN ||
			 error->sqlerrcode == ERRCODE_CANNOT_CONNECT_NOW));
}

static char *
text_after(char *text, const char *start)
{
	return text != NULL && strncmp(text, start, strlen(start)) == 0 ? text + strlen(start) : text;
}

/* Makes the error what it was in the other database. PL/Proxy adds words to each text, and leaves out the column, which
 * is at the end of the detail, because the front's connections set parley.column_in_detail. */
static void
error_restore(ErrorData *error)
{
	char *origin = strstr(error->message, "] REMOTE "), *message = origin != NULL ? strstr(origin, ": ") : NULL;
	char *column;

	if (message == NULL)
		return;
	error->message = message + 2;
	error->detail = text_after(error->detail, "Remote detail: ");
	error->hint = text_after(error->hint, "Remote hint: ");
	column = error->detail != NULL ? strrchr(error->detail, '\x1f') : NULL;
	if (column == NULL)
		return;
	*column = '\0';
	error->column_name = column + 1;
	if (error->detail[0] == '\0')
		error->detail = NULL;
}

/* Raises the error again, without PL/Proxy's words. */
static void
call_fail(MemoryContext context)
{
	ErrorData *error;
	bool is_silent = call.was_cancelled && call.is_over, is_refused;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (call.was_cancelled && !is_silent)
		error->sqlerrcode = ERRCODE_QUERY_CANCELED;
	else if (is_silent || is_connection_failure(error))
	{
		is_refused = strstr(error->message, "] PQconnect") != NULL;
		/* A connection that broke may be from before a restart. If the database is away, the next one is refused. */
		if (call.part_count == 1 && (is_silent || is_refused))
			part_note_failure(call.parts[0], is_silent ? "It took too long." : error->message);
		/* The first host may be the one that does not respond. */
		if (call.part_count == 1 && is_silent)
			pg_atomic_fetch_add_u32(&part_at(call.parts[0])->turns, 1);
		/* If it did not even connect, nothing was done. Otherwise, the outcome is unknown. */
		error->sqlerrcode =
			is_refused ? ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION : ERRCODE_CONNECTION_FAILURE;
		error->message = "a database cannot be reached";
		error->detail = error->hint = NULL;
	}
	error_restore(error);
	ReThrowError(error);
}

static PGFunction
plproxy_handler(void)
{
	static PGFunction handler;

	if (handler == NULL)
		handler = load_external_function("$libdir/plproxy", "plproxy_call_handler", true, NULL);
	return handler;
}

static void
call_end_timeout(void)
{
	disable_timeout(timeout, false);
	/* It was too late for the call. */
	if (call.is_over)
		QueryCancelPending = false;
}

/* Calls PL/Proxy for all rows of a set, which the caller would otherwise do one by one, each through this handler and
 * what is around it (SECURITY DEFINER). */
static Datum
collect_rows(PGFunction handler, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *set = (ReturnSetInfo *) fcinfo->resultinfo;
	bool are_tuples = type_is_rowtype(get_func_rettype(fcinfo->flinfo->fn_oid));
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "row of another database", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(set->econtext->ecxt_per_query_memory);
	Tuplestorestate *rows = tuplestore_begin_heap((set->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	TupleDesc columns = CreateTupleDescCopy(set->expectedDesc);
	Datum value;

	MemoryContextSwitchTo(row);
	for (;;)
	{
		fcinfo->isnull = false;
		value = handler(fcinfo);
		if (set->isDone != ExprMultipleResult)
			break;
		if (are_tuples)
		{
			HeapTupleHeader header = DatumGetHeapTupleHeader(value);
			HeapTupleData tuple = { .t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header };

			tuplestore_puttuple(rows, &tuple);
		}
		else
			tuplestore_putvalues(rows, columns, &value, &fcinfo->isnull);
		MemoryContextReset(row);
	}
	MemoryContextSwitchTo(before);
	MemoryContextDelete(row);
	set->returnMode = SFRM_Materialize;
	set->isDone = ExprSingleResult;
	set->setResult = rows;
	set->setDesc = columns;
	fcinfo->isnull = true;
	return (Datum) 0;
}

static Datum
call_plproxy(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *set = (ReturnSetInfo *) fcinfo->resultinfo;
	PGFunction handler = plproxy_handler();

	if (fcinfo->flinfo->fn_retset && set != NULL && IsA(set, ReturnSetInfo) && set->expectedDesc != NULL &&
		(set->allowedModes & SFRM_Materialize) != 0)
		return collect_rows(handler, fcinfo);
	return handler(fcinfo);
}

Datum
parley_call_remote(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorContextCallback callback = { .previous = error_context_stack, .callback = on_error };
	Datum result;

	if (timeout == MAX_TIMEOUTS)
		timeout = RegisterTimeout(USER_TIMEOUT, on_timeout);
	call.part_count = 0;
	call.was_cancelled = false;
	call.is_over = false;
	if (shard_timeout_ms > 0)
		enable_timeout_after(timeout, shard_timeout_ms);
	PG_TRY();
	{
		error_context_stack = &callback;
		result = call_plproxy(fcinfo);
		error_context_stack = callback.previous;
	}
	PG_CATCH();
	{
		call_end_timeout();
		call_fail(context);
	}
	PG_END_TRY();
	call_end_timeout();
	for (int i = 0; i < call.part_count; i++)
		part_note_response(call.parts[i]);
	return result;
}
