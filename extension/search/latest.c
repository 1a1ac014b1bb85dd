/*
 * latest.c: see latest.h.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type_d.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "schema.h"
#include "search/latest.h"

#define LISTED "(listed_at IS NOT NULL)"

static const IndexForm by_time = {
	"conversations_listed_at", BTREE_AM_OID, { "listed_at", "id" }, LISTED, .is_descending = true
};
static const IndexForm by_time_of_1_0 = {
	"conversations_last_message_at",
	BTREE_AM_OID,
	{ "last_message_at", "id" },
	"((kind <> 'chat'::parley.conversation_kind) AND (last_message_at IS NOT NULL))",
	.is_descending = true
};
static const IndexForm by_case = { "conversations_by_case",
								   BTREE_AM_OID,
								   { "is_settled", "has_unread", "listed_at", "id" },
								   LISTED,
								   .is_descending = true };

static const IndexForm *
latest_by_time(void)
{
	return parley_schema_is_1_0() ? &by_time_of_1_0 : &by_time;
}

bool
parley_latest_is_possible(void)
{
	return parley_lookup_is_possible("conversations", latest_by_time());
}

/* Returns the condition that a row is strictly after the cursor: (listed_at, id) < (…), as the executor compares
 * rows. `first` is the number of listed_at in the index. */
static ScanKeyData
latest_after_cursor(Latest *latest, AttrNumber first)
{
	Position cursor = latest->scope->before;

	ScanKeyEntryInitialize(&latest->cursor[0], SK_ROW_MEMBER, first, BTLessStrategyNumber, TIMESTAMPTZOID, InvalidOid,
						   F_TIMESTAMPTZ_CMP, TimestampTzGetDatum(cursor.at));
	ScanKeyEntryInitialize(&latest->cursor[1], SK_ROW_MEMBER | SK_ROW_END, first + 1, BTLessStrategyNumber, INT8OID,
						   InvalidOid, F_BTINT8CMP, Int64GetDatum(cursor.conversation_id));
	return (ScanKeyData){ .sk_flags = SK_ROW_HEADER,
						  .sk_attno = first,
						  .sk_strategy = BTLessStrategyNumber,
						  .sk_argument = PointerGetDatum(latest->cursor) };
}

/* Opens the range of conversations that are settled or not, and that may have unread messages or not. */
static void
latest_open_range(Latest *latest, bool is_settled, bool may_be_unread, bool from_cursor)
{
	const Scope *scope = latest->scope;
	Lookup *range = &latest->ranges[latest->count++];
	ScanKeyData keys[3];

	parley_lookup_open(range, scope->conversations, &by_case, from_cursor ? 3 : 2, scope->snapshot);
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_BOOLEQ, BoolGetDatum(is_settled));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_BOOLEQ, BoolGetDatum(may_be_unread));
	keys[2] = latest_after_cursor(latest, 3);
	parley_lookup_start_scan(range, keys);
}

void
parley_latest_open(Latest *latest, const Scope *scope, bool from_cursor)
{
	const Filter *filter = &scope->filter;
	ScanKeyData after_cursor;

	*latest = (Latest){ .scope = scope, .current = -1 };
	if (filter->of_user || (filter->status == STATUS_ANY && filter->unread == UNREAD_ANY))
	{
		parley_lookup_open(&latest->ranges[0], scope->conversations, latest_by_time(), from_cursor ? 1 : 0,
						   scope->snapshot);
		after_cursor = latest_after_cursor(latest, 1);
		parley_lookup_start_scan(&latest->ranges[0], &after_cursor);
		latest->count = 1;
	}
	else
		for (int settled = filter->status > STATUS_OPEN; settled <= (filter->status != STATUS_OPEN); settled++)
		{
			latest_open_range(latest, settled, true, from_cursor);
			if (filter->unread != UNREAD_SOME)
				latest_open_range(latest, settled, false, from_cursor);
		}
	for (int i = 0; i < latest->count; i++)
		latest->has_row[i] = parley_lookup_next(&latest->ranges[i]);
}

static Position
latest_position(const Latest *latest, int range)
{
	TupleTableSlot *conversation = latest->ranges[range].slot;

	return (Position){ parley_slot_int64(conversation, latest->scope->conversation.last_message_at, NULL),
					   parley_slot_int64(conversation, latest->scope->conversation.id, NULL) };
}

TupleTableSlot *
parley_latest_next(Latest *latest)
{
	int first = -1;

	if (latest->current >= 0)
		latest->has_row[latest->current] = parley_lookup_next(&latest->ranges[latest->current]);
	for (int i = 0; i < latest->count; i++)
		if (latest->has_row[i] &&
			(first < 0 || parley_position_is_newer(latest_position(latest, i), latest_position(latest, first))))
			first = i;
	latest->current = first;
	return first < 0 ? NULL : latest->ranges[first].slot;
}

void
parley_latest_close(Latest *latest)
{
	for (int i = 0; i < latest->count; i++)
		parley_lookup_close(&latest->ranges[i]);
}
