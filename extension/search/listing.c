/*
 * listing.c: see listing.h.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "search/chosen.h"
#include "search/listing.h"
#include "search/settings.h"

/* A cursor is the position of the row before it, and the hash of the list's filter, in hexadecimal. It is opaque to
 * clients. Cursors of version 1.0 have no hash. */
#define CURSOR_LENGTH 40
#define CURSOR_LENGTH_1_0 32

/* Every row has one, so it is not printed with a format. */
text *
parley_listing_cursor(const Listing *listing, Position position)
{
	static const char digits[] = "0123456789abcdef";
	const uint64 parts[] = { (uint64) position.at, (uint64) position.conversation_id,
							 (uint64) parley_filter_hash(&listing->filter) << 32 };
	text *cursor = palloc(VARHDRSZ + CURSOR_LENGTH);

	SET_VARSIZE(cursor, VARHDRSZ + CURSOR_LENGTH);
	for (int i = 0; i < CURSOR_LENGTH; i++)
		VARDATA(cursor)[i] = digits[parts[i / 16] >> (60 - i % 16 * 4) & 15];
	return cursor;
}

static Position
cursor_parse(const Listing *listing, const text *cursor)
{
	char *string = text_to_cstring(cursor);
	size_t length = strspn(string, "0123456789abcdef");
	uint32 hash = parley_filter_hash(&listing->filter);
	unsigned long long parts[2];

	if (string[length] != '\0' || (length != CURSOR_LENGTH && length != CURSOR_LENGTH_1_0) ||
		sscanf(string, "%16llx%16llx%8x", &parts[0], &parts[1], &hash) < 2 ||
		hash != parley_filter_hash(&listing->filter))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid cursor"),
						errdetail("It does not belong to this list."),
						errhint("Use the cursor of a \"next\" link unchanged."), errargument("cursor")));
	return (Position){ (TimestampTz) parts[0], (int64) parts[1] };
}

Listing
parley_listing_read(FunctionCallInfo fcinfo, int first, int first_condition, const int64 *user_id)
{
	Listing listing = { .before = { DT_NOEND, PG_INT64_MAX }, .page_size = 50 };

	if (user_id != NULL)
		listing.filter = (Filter){ .of_user = true, .user_id = *user_id };
	parley_filter_read(&listing.filter, fcinfo, first_condition);
	if (!PG_ARGISNULL(first) && VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(first)) > 0)
		listing.filter.term = PG_GETARG_TEXT_PP(first);
	if (!PG_ARGISNULL(first + 2))
		listing.page_size = PG_GETARG_INT32(first + 2);
	if (!PG_ARGISNULL(first + 1) && !PG_ARGISNULL(first + 3))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("either page or cursor can be given, not both"), errargument("page")));
	if (!PG_ARGISNULL(first + 1))
		listing.skip = (PG_GETARG_INT32(first + 1) - 1) * listing.page_size;
	if (!PG_ARGISNULL(first + 3))
		listing.before = cursor_parse(&listing, PG_GETARG_TEXT_PP(first + 3));
	listing.counted = !PG_ARGISNULL(first + 4);
	return listing;
}

/*
 * If only some messages may match, a conversation whose contact contains the term shows the newest of those. Either the
 * index finds the contacts, and their conversations are read. Or a walk of the messages checks each conversation that
 * it meets, which finds everything.
 */
static void
listing_find_narrowed(MessageStream *messages, ContactStream *contacts)
{
	bool can_name = contacts->clues.count > 0 && contacts->matches >= 0;

	if (messages->hits->is_closed || !can_name ||
		(messages->prefers_walk && messages->walk_rows < contacts->matches * COST_CONTACT_READ))
	{
		parley_contact_stream_end(contacts);
		parley_message_stream_run(messages, false);
	}
	else
	{
		parley_contact_stream_run(contacts, -1);
		parley_message_stream_run(messages, true);
	}
}

Hit *
parley_listing_find(const Listing *listing, Scope *scope, MessageStream *messages, ContactStream *contacts,
					int64 *count, int64 *total)
{
	int64 wanted = listing->skip + listing->page_size + 1;
	Hits hits;
	Hit *sorted;

	parley_scope_open(scope, &listing->filter, listing->before, listing->counted ? PG_INT64_MAX : wanted);
	parley_hits_create(&hits, scope);
	parley_contact_stream_plan(contacts, &hits);
	parley_chosen_meet(&hits, contacts, parley_search_user_conversations);
	parley_message_stream_plan(messages, &hits);
	if (parley_filter_narrows(&listing->filter))
		listing_find_narrowed(messages, contacts);
	else if (listing->filter.term == NULL)
		parley_contact_stream_run(contacts, -1);
	/* The cheaper one first, because what it finds bounds the other. */
	else if (messages->cost < contacts->cost)
		parley_contact_stream_run(contacts, parley_message_stream_run(messages, false));
	else
		parley_message_stream_run(messages, parley_contact_stream_run(contacts, -1));
	if (listing->counted)
		parley_hits_sorted(&hits, true, total);
	sorted = parley_hits_sorted(&hits, false, count);
	*count = Max(Min(*count, wanted) - listing->skip, 0);
	return sorted + listing->skip;
}
