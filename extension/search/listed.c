/*
 * listed.c: see listed.h.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "search/listed.h"

/* How many of a conversation's newest messages are looked at, as in parley.count_unread(). */
#define UNREAD_LOOKED_AT 5000

/* Counts the messages of others after a number, but no more than `most`. */
static int64
count_after(Scope *scope, int64 conversation_id, int64 number, int64 most)
{
	const Filter *filter = &scope->filter;
	ScanKeyData keys[2];
	int64 count = 0;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(conversation_id));
	ScanKeyInit(&keys[1], 2, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(number));
	parley_lookup_start_scan(&scope->unread_of, keys);
	while (count < most && parley_lookup_next(&scope->unread_of))
	{
		TupleTableSlot *message = scope->unread_of.slot;
		bool from_operator;
		int64 sender_id = parley_slot_int64(message, scope->message.sender_id, &from_operator);

		CHECK_FOR_INTERRUPTS();
		if (!slot_attisnull(message, scope->message.content) &&
			(filter->of_user ? from_operator || sender_id != filter->user_id : !from_operator))
			count++;
	}
	return count;
}

int64
parley_count_unread(Scope *scope, TupleTableSlot *conversation, int64 most)
{
	int64 last_number = parley_slot_int64(conversation, scope->conversation.last_number, NULL);
	int64 read_number;

	/* A user's read horizon is in the member's row that was just looked up. */
	read_number =
		scope->filter.of_user
			? parley_slot_int64(scope->member.slot, parley_column(scope->members, "read_number", INT8OID), NULL)
			: parley_slot_int64(conversation, scope->conversation.operator_read_number, NULL);
	return read_number >= last_number
			   ? 0
			   : count_after(scope, parley_slot_int64(conversation, scope->conversation.id, NULL),
							 Max(read_number, last_number - UNREAD_LOOKED_AT), most);
}

StatusFilter
parley_case_status(Scope *scope)
{
	TupleTableSlot *case_row = scope->case_of.slot;
	bool isnull;
	char *status = TextDatumGetCString(slot_getattr(case_row, scope->case_.status, &isnull));
	TimestampTz snoozed_until = parley_slot_int64(case_row, scope->case_.snoozed_until, &isnull);

	if (strcmp(status, "resolved") == 0)
		return STATUS_RESOLVED;
	return strcmp(status, "snoozed") == 0 && snoozed_until > GetCurrentTransactionStartTimestamp() ? STATUS_SNOOZED
																								   : STATUS_OPEN;
}

static bool
case_has_label(Scope *scope, TupleTableSlot *case_row)
{
	bool isnull;
	ArrayType *labels = DatumGetArrayTypeP(slot_getattr(case_row, scope->case_.labels, &isnull));
	const text *wanted = scope->filter.label;
	Datum *values;
	int count;

	deconstruct_array(labels, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		text *label = DatumGetTextPP(values[i]);

		if (VARSIZE_ANY_EXHDR(label) == VARSIZE_ANY_EXHDR(wanted) &&
			memcmp(VARDATA_ANY(label), VARDATA_ANY(wanted), VARSIZE_ANY_EXHDR(label)) == 0)
			return true;
	}
	return false;
}

/* Returns whether the conversation's case is as the filter asks. Without a row it is open, unassigned and without
 * labels. */
static bool
case_is_asked_for(Scope *scope, TupleTableSlot *conversation)
{
	const Filter *filter = &scope->filter;
	TupleTableSlot *case_row = scope->case_of.slot;
	bool isnull, is_nobodys;
	bool is_settled = DatumGetBool(slot_getattr(conversation, scope->conversation.is_settled, &isnull));
	int64 assignee_id;

	if (!is_settled && filter->status != STATUS_ANY && filter->status != STATUS_OPEN)
		return false;
	if (!is_settled && !filter->has_assignee && filter->label == NULL)
		return true;
	if (!parley_lookup_one(&scope->case_of, parley_slot_int64(conversation, scope->conversation.id, NULL)))
		return filter->label == NULL && (!filter->has_assignee || filter->assignee_id == 0) &&
			   (filter->status == STATUS_ANY || filter->status == STATUS_OPEN);
	assignee_id = parley_slot_int64(case_row, scope->case_.assignee_id, &is_nobodys);
	return (filter->status == STATUS_ANY || filter->status == parley_case_status(scope)) &&
		   (!filter->has_assignee || filter->assignee_id == (is_nobodys ? 0 : assignee_id)) &&
		   (filter->label == NULL || case_has_label(scope, case_row));
}

bool
parley_is_listed(Scope *scope, TupleTableSlot *conversation, bool knows_case)
{
	const Filter *filter = &scope->filter;

	/* An application's chat is not in any list. */
	if (slot_attisnull(conversation, scope->conversation.contact_id) &&
		slot_attisnull(conversation, scope->conversation.low_contact_id))
		return false;
	if (filter->of_user)
	{
		parley_lookup_start(&scope->member, (int64[]){ parley_slot_int64(conversation, scope->conversation.id, NULL),
													   filter->user_id });
		if (!parley_lookup_next(&scope->member))
			return false;
	}
	return (!parley_filter_asks_case(filter) || knows_case || case_is_asked_for(scope, conversation)) &&
		   (filter->unread == UNREAD_ANY ||
			(filter->unread == UNREAD_SOME) == (parley_count_unread(scope, conversation, 1) > 0));
}
