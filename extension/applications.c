/*
 * applications.c: generates tokens that cannot be guessed, and posts messages in chats.
 *
 * In the catalog parley_post_chat_message() is not SECURITY DEFINER: it acts as its owner by itself (owner.h). It locks
 * what messages.c locks. What lookups and statements return is allocated in SPI's context and freed by SPI_finish().
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "index/lookup.h"
#include "ledger/early_release.h"
#include "messages.h"
#include "owner.h"
#include "statement.h"

#define TOKEN_BYTES 24
#define TOKEN_LENGTH (TOKEN_BYTES / 3 * 4)

PG_FUNCTION_INFO_V1(parley_random_token);
PG_FUNCTION_INFO_V1(parley_post_chat_message);

static const IndexForm applications_token = { "applications_token_key", BTREE_AM_OID, { "token" } };
static Statement find_application = {
	"SELECT id FROM parley.applications WHERE token = $1",
	{ TEXTOID },
};
static Statement find_chat = {
	"SELECT parley.find_chat($1, $2)",
	{ TEXTOID, INT8OID },
};

/* Returns 192 bits from the server's strong random generator, as 32 characters that need no escaping in a URL (RFC
 * 4648, base64url). */
Datum
parley_random_token(PG_FUNCTION_ARGS)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8 bytes[TOKEN_BYTES];
	char token[TOKEN_LENGTH];

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate a random token")));
	for (int i = 0; i < TOKEN_BYTES / 3; i++)
	{
		uint32 group = bytes[3 * i] << 16 | bytes[3 * i + 1] << 8 | bytes[3 * i + 2];

		for (int j = 0; j < 4; j++)
			token[4 * i + j] = alphabet[group >> (18 - 6 * j) & 63];
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(token, TOKEN_LENGTH));
}

enum
{
	TOKEN, /* the arguments of post_chat_message() */
	CHAT_NUMBER,
	CONTENT,
	IDEMPOTENCY_KEY
};
#define POSTED_COLUMNS 5 /* of parley.posted_chat_message */

static int64
application_find_by_sql(Datum token)
{
	if (parley_statement_run(&find_application, &token, NULL, false, 1) == 0)
		return 0;
	return DatumGetInt64(parley_statement_value(0, 1, INT8OID, NULL));
}

/* Returns 0 if there is none. A statement takes longer, so it is used only if the index cannot be. */
static int64
application_find(Datum token)
{
	Lookup lookup;
	ScanKeyData key;
	Relation applications;
	int64 id = 0;

	PushActiveSnapshot(IsolationUsesXactSnapshot() ? GetTransactionSnapshot() : GetLatestSnapshot());
	applications = parley_lookup_try_open(&lookup, "applications", &applications_token, 1, GetActiveSnapshot());
	if (applications == NULL)
		id = application_find_by_sql(token);
	else
	{
		ScanKeyEntryInitialize(&key, 0, 1, BTEqualStrategyNumber, InvalidOid, DEFAULT_COLLATION_OID, F_TEXTEQ, token);
		parley_lookup_start_scan(&lookup, &key);
		if (parley_lookup_next(&lookup))
		{
			bool isnull;

			id = DatumGetInt64(slot_getattr(lookup.slot, parley_column(applications, "id", INT8OID), &isnull));
		}
		parley_lookup_close(&lookup);
		table_close(applications, NoLock);
	}
	PopActiveSnapshot();
	return id;
}

/* Returns false if the conversation must be found by find_chat(), which also reports what does not exist. */
static bool
chat_try_post(FunctionCallInfo fcinfo, MessageDraft *draft, Message *message)
{
	int64 application_id = 0;

	if (!PG_ARGISNULL(TOKEN) && !PG_ARGISNULL(CHAT_NUMBER) && !PG_ARGISNULL(CONTENT) && !XactReadOnly)
		application_id = application_find(PG_GETARG_DATUM(TOKEN));
	return application_id != 0 &&
		   parley_message_try_post_in_chat(draft, application_id, PG_GETARG_INT64(CHAT_NUMBER), message);
}

static Message
chat_post(FunctionCallInfo fcinfo, MessageDraft *draft)
{
	Message message;
	Datum chat[] = { PG_GETARG_DATUM(TOKEN), PG_GETARG_DATUM(CHAT_NUMBER) };
	const char nulls[] = { PG_ARGISNULL(TOKEN) ? 'n' : ' ', PG_ARGISNULL(CHAT_NUMBER) ? 'n' : ' ', '\0' };

	SPI_connect();
	if (!chat_try_post(fcinfo, draft, &message))
	{
		parley_statement_run(&find_chat, chat, nulls, false, 1);
		draft->conversation_id = DatumGetInt64(parley_statement_value(0, 1, INT8OID, NULL));
		parley_require_argument(fcinfo, CONTENT, "content");
		message = parley_message_post(draft);
	}
	SPI_finish();
	parley_release_early(draft->conversation_id);
	if (message.overtaken)
		parley_release_early_contended(draft->conversation_id);
	return message;
}

Datum
parley_post_chat_message(PG_FUNCTION_ARGS)
{
	MessageDraft draft = { .from_operator = true,
						   .content = PG_ARGISNULL(CONTENT) ? NULL : PG_GETARG_TEXT_PP(CONTENT),
						   .idempotency_key =
							   PG_ARGISNULL(IDEMPOTENCY_KEY) ? NULL : PG_GETARG_TEXT_PP(IDEMPOTENCY_KEY) };
	Caller caller = parley_owner_begin(fcinfo);
	bool nulls[POSTED_COLUMNS] = { false };
	Datum values[POSTED_COLUMNS];
	Message message;
	TupleDesc desc;

	parley_pin_search_path();
	message = chat_post(fcinfo, &draft);
	parley_owner_end(&caller);
	values[0] = Int64GetDatum(message.number);
	values[1] = PointerGetDatum(draft.content);
	/* A replay returns the first response, so it has not been updated since. */
	values[2] = values[3] = TimestampTzGetDatum(message.created_at);
	values[4] = BoolGetDatum(message.replayed);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "post_chat_message must return a row");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
