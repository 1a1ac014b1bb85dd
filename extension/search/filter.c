/*
 * filter.c: see filter.h.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "errors.h"
#include "search/filter.h"

/* Positions of the arguments, counted from the first of them. */
enum
{
	ARGUMENT_FROM,
	ARGUMENT_TO,
	ARGUMENT_SENDER,
	ARGUMENT_UNREAD,
	ARGUMENT_STATUS,
	ARGUMENT_ASSIGNEE,
	ARGUMENT_LABEL
};

/* The domain has checked the text. */
static void
filter_read_sender(Filter *filter, const char *sender)
{
	filter->sender = strcmp(sender, "contact") == 0    ? SENDER_CONTACT
					 : strcmp(sender, "operator") == 0 ? SENDER_OPERATOR
													   : SENDER_ONE;
	if (filter->sender == SENDER_ONE)
		filter->sender_id = pg_strtoint64(sender);
}

static StatusFilter
filter_read_status(const char *status)
{
	return strcmp(status, "open") == 0      ? STATUS_OPEN
		   : strcmp(status, "snoozed") == 0 ? STATUS_SNOOZED
											: STATUS_RESOLVED;
}

const char *
parley_status_name(StatusFilter status)
{
	return status == STATUS_OPEN ? "open" : status == STATUS_SNOOZED ? "snoozed" : "resolved";
}

void
parley_filter_read(Filter *filter, FunctionCallInfo fcinfo, int first)
{
#define IS_GIVEN(argument) (first + (argument) < PG_NARGS() && !PG_ARGISNULL(first + (argument)))
#define GET(argument) PG_GETARG_DATUM(first + (argument))

	filter->from = IS_GIVEN(ARGUMENT_FROM) ? DatumGetTimestampTz(GET(ARGUMENT_FROM)) : DT_NOBEGIN;
	filter->to = IS_GIVEN(ARGUMENT_TO) ? DatumGetTimestampTz(GET(ARGUMENT_TO)) : DT_NOEND;
	if (filter->from > filter->to)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("from is after to"), errargument("from")));
	if (IS_GIVEN(ARGUMENT_SENDER))
		filter_read_sender(filter, TextDatumGetCString(GET(ARGUMENT_SENDER)));
	if (IS_GIVEN(ARGUMENT_UNREAD))
		filter->unread = DatumGetBool(GET(ARGUMENT_UNREAD)) ? UNREAD_SOME : UNREAD_NONE;
	if (IS_GIVEN(ARGUMENT_STATUS))
		filter->status = filter_read_status(TextDatumGetCString(GET(ARGUMENT_STATUS)));
	if (IS_GIVEN(ARGUMENT_ASSIGNEE))
	{
		filter->has_assignee = true;
		filter->assignee_id = DatumGetInt64(GET(ARGUMENT_ASSIGNEE));
	}
	if (IS_GIVEN(ARGUMENT_LABEL))
		filter->label = DatumGetTextPP(GET(ARGUMENT_LABEL));

#undef IS_GIVEN
#undef GET
}

static uint32
hash_with_text(uint32 hash, const text *value)
{
	return value == NULL
			   ? hash
			   : hash_combine(hash, hash_bytes((unsigned char *) VARDATA_ANY(value), (int) VARSIZE_ANY_EXHDR(value)));
}

static uint32
hash_with_int64(uint32 hash, int64 value)
{
	return hash_combine(hash, hash_bytes((unsigned char *) &value, sizeof(value)));
}

uint32
parley_filter_hash(const Filter *filter)
{
	uint32 hash = hash_with_text(0, filter->term);

	if (filter->of_user)
		hash = hash_with_int64(hash, filter->user_id);
	if (parley_filter_narrows(filter))
	{
		hash = hash_with_int64(hash, filter->from);
		hash = hash_with_int64(hash, filter->to);
		hash = hash_with_int64(hash, filter->sender_id * 4 + filter->sender);
	}
	if (filter->unread != UNREAD_ANY)
		hash = hash_with_int64(hash, 'u' + filter->unread);
	if (parley_filter_asks_case(filter))
	{
		hash = hash_with_int64(hash, filter->status * 2 + filter->has_assignee);
		hash = hash_with_int64(hash, filter->assignee_id);
		hash = hash_with_text(hash, filter->label);
	}
	return hash;
}
