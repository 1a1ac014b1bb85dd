/*
 * shown.c: see shown.h.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "search/latest.h"
#include "search/listed.h"
#include "search/shown.h"

/* As in parley.count_unread(). */
#define UNREAD_COUNTED 1000

bool
parley_shown_is_possible(void)
{
	return parley_latest_is_possible() && parley_scope_is_possible();
}

void
parley_shown_open(Shown *shown, Scope *scope, Oid kind_type)
{
	parley_scope_open_cases(scope);
	parley_scope_open_unread(scope);
	*shown = (Shown){ .scope = scope,
					  .kind = parley_column(scope->conversations, "kind", kind_type),
					  .newest_number = parley_column(scope->conversations, "newest_number", INT8OID),
					  .agent_id = parley_column(scope->messages, "agent_id", INT8OID),
					  .has_cases = RelationGetNumberOfBlocks(scope->cases) > 0 || IsolationIsSerializable(),
					  .no_labels = PointerGetDatum(construct_empty_array(TEXTOID)) };
	parley_lookup_open(&shown->message, scope->messages, &parley_messages_key, 2, scope->snapshot);
}

void
parley_shown_close(Shown *shown)
{
	parley_lookup_close(&shown->message);
}

static void
shown_read_contact(Shown *shown, TupleTableSlot *conversation, Datum *values, bool *nulls)
{
	Scope *scope = shown->scope;
	TupleTableSlot *contact = scope->contact_by_id.slot;
	bool isnull;
	int64 contact_id = parley_slot_int64(conversation, scope->conversation.contact_id, &isnull);

	if (isnull)
	{
		contact_id = DatumGetInt64(values[SHOWN_SENDER_ID]);
		isnull = nulls[SHOWN_SENDER_ID];
	}
	if (isnull || !parley_lookup_one(&scope->contact_by_id, contact_id))
	{
		nulls[SHOWN_CONTACT_ID] = nulls[SHOWN_NAME] = nulls[SHOWN_PHONE_NUMBER] = true;
		return;
	}
	values[SHOWN_CONTACT_ID] = Int64GetDatum(contact_id);
	nulls[SHOWN_CONTACT_ID] = false;
	values[SHOWN_NAME] = slot_getattr(contact, scope->contact.name, &nulls[SHOWN_NAME]);
	values[SHOWN_PHONE_NUMBER] = slot_getattr(contact, scope->contact.phone, &nulls[SHOWN_PHONE_NUMBER]);
}

static void
shown_read_case(Shown *shown, TupleTableSlot *conversation, Datum *values, bool *nulls)
{
	Scope *scope = shown->scope;
	TupleTableSlot *case_row = scope->case_of.slot;
	bool has_case =
		shown->has_cases && parley_lookup_one(&scope->case_of, DatumGetInt64(values[SHOWN_CONVERSATION_ID]));
	bool isnull;
	StatusFilter status = STATUS_OPEN;

	if (DatumGetBool(slot_getattr(conversation, scope->conversation.is_settled, &isnull)))
		status = has_case ? parley_case_status(scope) : STATUS_ANY;
	nulls[SHOWN_STATUS] = status == STATUS_ANY;
	if (status != STATUS_ANY)
		values[SHOWN_STATUS] = CStringGetTextDatum(parley_status_name(status));
	nulls[SHOWN_ASSIGNEE_ID] = true;
	nulls[SHOWN_LABELS] = false;
	values[SHOWN_LABELS] = shown->no_labels;
	if (!has_case)
		return;
	values[SHOWN_ASSIGNEE_ID] = slot_getattr(case_row, scope->case_.assignee_id, &nulls[SHOWN_ASSIGNEE_ID]);
	values[SHOWN_LABELS] = slot_getattr(case_row, scope->case_.labels, &nulls[SHOWN_LABELS]);
}

bool
parley_shown_read(Shown *shown, TupleTableSlot *conversation, int64 number, Datum *values, bool *nulls)
{
	Scope *scope = shown->scope;
	TupleTableSlot *message = shown->message.slot;
	int64 conversation_id = parley_slot_int64(conversation, scope->conversation.id, NULL);

	if (number == 0)
		number = parley_slot_int64(conversation, shown->newest_number, NULL);
	parley_lookup_start(&shown->message, (int64[]){ conversation_id, number });
	if (!parley_lookup_next(&shown->message))
		return false;
	values[SHOWN_CONVERSATION_ID] = Int64GetDatum(conversation_id);
	values[SHOWN_MESSAGE_ID] = Int64GetDatum(number);
	values[SHOWN_UNREAD] = Int64GetDatum(parley_count_unread(scope, conversation, UNREAD_COUNTED));
	nulls[SHOWN_CONVERSATION_ID] = nulls[SHOWN_MESSAGE_ID] = nulls[SHOWN_UNREAD] = false;
	values[SHOWN_CONTENT] = slot_getattr(message, scope->message.content, &nulls[SHOWN_CONTENT]);
	values[SHOWN_TIMESTAMP] = slot_getattr(message, scope->message.created_at, &nulls[SHOWN_TIMESTAMP]);
	values[SHOWN_SENDER_ID] = slot_getattr(message, scope->message.sender_id, &nulls[SHOWN_SENDER_ID]);
	values[SHOWN_AGENT_ID] = slot_getattr(message, shown->agent_id, &nulls[SHOWN_AGENT_ID]);
	values[SHOWN_KIND] = slot_getattr(conversation, shown->kind, &nulls[SHOWN_KIND]);
	shown_read_contact(shown, conversation, values, nulls);
	shown_read_case(shown, conversation, values, nulls);
	return true;
}
