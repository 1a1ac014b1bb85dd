/*
 * list.c: what has changed in the operator's list of conversations since a cursor.
 *
 * There is no index for finding the conversations that changed, so we rely on the change log (live/wakeups.h). If it no
 * longer contains the cursor's place, or more has changed than fits on a page, we return the whole first page of the
 * list.
 *
 * This only reads. Memory is SPI's, except for what the result is made of.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "live/wakeups.h"
#include "statement.h"
#include "sync/reading.h"

PG_FUNCTION_INFO_V1(parley_sync_list);

/* The same rows as list_conversations(), except that a conversation whose messages are all deleted has no message. */
#define SHOWN                                                                                                       \
	"SELECT c.xmin, row_to_json((SELECT j FROM (SELECT c.id AS conversation_id, m.number AS message_id, m.content," \
	"  parley.rfc3339(m.created_at) AS \"timestamp\", p.id AS contact_id, p.name, p.phone AS phone_number, c.kind," \
	"  parley.operator_unread(c.id, c.operator_read_number) AS unread, parley.case_json(c.id) AS \"case\") "        \
	"j))::text"                                                                                                     \
	" FROM parley.conversations c"                                                                                  \
	"  LEFT JOIN LATERAL (SELECT * FROM parley.messages n WHERE n.conversation_id = c.id AND n.deleted_at IS NULL"  \
	"   ORDER BY n.number DESC LIMIT 1) m ON true"                                                                  \
	"  LEFT JOIN parley.contacts p ON p.id = coalesce(c.contact_id, m.sender_id)"                                   \
	" WHERE c.kind <> 'chat'"
static Statement list_changed = {
	SHOWN " AND c.id = ANY ($1) ORDER BY c.last_message_at DESC, c.id DESC",
	{ INT8ARRAYOID },
};
static Statement list_newest = {
	SHOWN " AND c.listed_at IS NOT NULL ORDER BY c.listed_at DESC, c.id DESC LIMIT $1",
	{ INT8OID },
};

/* Appends the rows of the last statement to a JSON array; unless is_whole, only those that have to be delivered. */
static void
list_append(StringInfo list, Reading *reading, uint64 count, bool is_whole)
{
	for (uint64 i = 0; i < count; i++)
	{
		TransactionId stamp = DatumGetTransactionId(parley_statement_value(i, 1, XIDOID, NULL));

		if (!is_whole && !parley_reading_wants(reading, stamp))
			continue;
		parley_reading_tell(reading, stamp);
		appendStringInfoString(list, list->len > 1 ? "," : "");
		appendStringInfoString(list, TextDatumGetCString(parley_statement_value(i, 2, TEXTOID, NULL)));
	}
}

Datum
parley_sync_list(PG_FUNCTION_ARGS)
{
	int limit = PG_ARGISNULL(1) ? 50 : PG_GETARG_INT32(1);
	Reading reading = parley_reading_begin(PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0), WAKEUPS_OPERATOR, false);
	StringInfoData list;
	int64 *changed;
	int changed_count;
	bool is_whole;
	TupleDesc desc;
	Datum value, values[6];
	bool nulls[6] = { false };

	initStringInfo(&list);
	appendStringInfoChar(&list, '[');
	is_whole = !parley_reading_changes(&reading, &changed, &changed_count) || changed_count > limit;
	SPI_connect();
	if (is_whole)
	{
		value = Int64GetDatum(limit);
		list_append(&list, &reading, parley_statement_run(&list_newest, &value, NULL, true, 0), true);
	}
	else if (changed_count > 0)
	{
		value = parley_int64_array((Datum *) changed, changed_count);
		list_append(&list, &reading, parley_statement_run(&list_changed, &value, NULL, true, 0), false);
	}
	SPI_finish();
	parley_reading_end(&reading, false);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "sync_list must return a row");
	values[0] = PointerGetDatum(parley_cursor_form(&reading.cursor));
	values[3] = BoolGetDatum(false);
	values[4] = BoolGetDatum(is_whole || list.len > 1);
	values[5] = BoolGetDatum(false);
	appendStringInfoChar(&list, ']');
	values[1] = PointerGetDatum(cstring_to_text_with_len(list.data, list.len));
	values[2] = BoolGetDatum(is_whole);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
