-- search: the list of recent conversations, all of them or those that match a term.

CREATE FUNCTION parley.recent_conversations(
	term parley.search_term DEFAULT NULL, page parley.page_number DEFAULT NULL, page_size parley.page_limit DEFAULT 50,
	cursor text DEFAULT NULL, count parley.count_mode DEFAULT NULL, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, sender parley.sender_filter DEFAULT NULL,
	unread boolean DEFAULT NULL, status parley.case_status DEFAULT NULL, assignee_id bigint DEFAULT NULL, label parley.label DEFAULT NULL)
RETURNS SETOF parley.recent_conversation
LANGUAGE c STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_recent_conversations_1_1';
COMMENT ON FUNCTION parley.recent_conversations(parley.search_term, parley.page_number, parley.page_limit, text, parley.count_mode,
	timestamptz, timestamptz, parley.sender_filter, boolean, parley.case_status, bigint, parley.label) IS
	'Returns the operator''s conversations (kinds contact and direct), newest message first. With a term, returns those with a '
	'message that contains it, or with a contact whose name or phone contains it, each with its newest matching message. Case is '
	'ignored and no character is special. Phones are also found by their digits, however they or the term are written. Starts at '
	'page (from 1) or after cursor (a next_cursor of the same list), not both. count => ''exact'' also returns total_count, on a '
	'page without rows in a row of its own; this keeps all matching conversations in memory, about 100 bytes each, and a search in '
	'the index keeps 6 bytes for each message that may match. from, to (both inclusive) and sender restrict which messages may match: each '
	'conversation shows the newest of these. unread (true: with messages of others that the operator has not read; false: without),'
	' status, assignee_id (0: unassigned) and label restrict which conversations are listed. Errors: 22023 a cursor that is '
	'invalid, or for another list, or with a page; from is after to.';

CREATE FUNCTION parley.list_conversations(
	"searchValue" parley.search_term DEFAULT NULL, page parley.page_number DEFAULT NULL, "limit" parley.page_limit DEFAULT 50,
	cursor text DEFAULT NULL, count parley.count_mode DEFAULT NULL, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, sender parley.sender_filter DEFAULT NULL,
	unread boolean DEFAULT NULL, status parley.case_status DEFAULT NULL, assignee_id bigint DEFAULT NULL, label parley.label DEFAULT NULL)
RETURNS SETOF parley.recent_conversation
LANGUAGE c STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_recent_conversations_1_1';
COMMENT ON FUNCTION parley.list_conversations(parley.search_term, parley.page_number, parley.page_limit, text, parley.count_mode,
	timestamptz, timestamptz, parley.sender_filter, boolean, parley.case_status, bigint, parley.label) IS
	'Returns recent conversations, newest message first; with searchValue those that match it, each with its newest matching '
	'message. This is recent_conversations with the names of the HTTP API.';

CREATE FUNCTION parley.list_user_conversations(
	user_id bigint, "searchValue" parley.search_term DEFAULT NULL, page parley.page_number DEFAULT NULL,
	"limit" parley.page_limit DEFAULT 50, cursor text DEFAULT NULL, count parley.count_mode DEFAULT NULL, caller_role text DEFAULT NULL,
	"from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, sender parley.sender_filter DEFAULT NULL, unread boolean DEFAULT NULL)
RETURNS SETOF parley.user_conversation
LANGUAGE c STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_list_user_conversations_1_1';
COMMENT ON FUNCTION parley.list_user_conversations(
	bigint, parley.search_term, parley.page_number, parley.page_limit, text, parley.count_mode, text, timestamptz, timestamptz, parley.sender_filter, boolean) IS
	'The same as list_conversations for the conversations (kinds contact and direct) of which the user is a member. contact_id, '
	'name and phone_number are those of the other side. unread is the number of messages of others past the user''s read horizon, '
	'not counting deleted ones, exact up to 1,000. A user (caller_role) is shown, and finds, the phones of those who have written, '
	'and those that the user gave. from, to and sender are as in recent_conversations; unread refers to the user. Errors: P0002 no '
	'such contact, 22023 a cursor that is invalid, or for another list, or with a page; from is after to.';

CREATE FUNCTION parley.explain_search(
	term parley.search_term, page parley.page_number DEFAULT NULL, page_size parley.page_limit DEFAULT 50,
	cursor text DEFAULT NULL, count parley.count_mode DEFAULT NULL, user_id bigint DEFAULT NULL,
	"from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, sender parley.sender_filter DEFAULT NULL,
	unread boolean DEFAULT NULL, status parley.case_status DEFAULT NULL, assignee_id bigint DEFAULT NULL, label parley.label DEFAULT NULL,
	OUT stream text, OUT path text, OUT estimate bigint, OUT walked bigint, OUT candidates bigint, OUT visited bigint,
	OUT milliseconds double precision)
RETURNS SETOF record
LANGUAGE c STABLE SECURITY DEFINER ROWS 2
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_explain_search_1_1';
COMMENT ON FUNCTION parley.explain_search(
	parley.search_term, parley.page_number, parley.page_limit, text, parley.count_mode, bigint, timestamptz, timestamptz, parley.sender_filter, boolean, parley.case_status, bigint, parley.label) IS
	'Explains how recent_conversations or, with user_id, list_user_conversations finds a page. For each of the streams messages and'
	' contacts, returns the path taken (walk, index, both, or conversations if a user''s are read in full), the estimate from the '
	'index (null if it has none), and how many rows were walked, were candidates from the index, and were visited. Without a term '
	'and without conditions there are no rows.';

CREATE FUNCTION parley.search_conversation(
	conversation_id bigint, term text, beyond bigint, wanted integer, ascending boolean DEFAULT false)
RETURNS SETOF bigint
LANGUAGE c STABLE STRICT ROWS 50
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_search_conversation_1_1';
COMMENT ON FUNCTION parley.search_conversation(bigint, text, bigint, integer, boolean) IS
	'Returns the numbers of the conversation''s messages that contain the term, up to the number wanted: those below beyond, the '
	'greatest first, or, ascending, those above it, the least first. Does not check that the conversation exists or that the term '
	'is not empty.';
