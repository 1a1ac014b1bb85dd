-- sync: what is new to a user in all conversations and accounts since a cursor.

CREATE FUNCTION parley.sync(
	user_id bigint, INOUT cursor text DEFAULT NULL, "limit" parley.page_limit DEFAULT 50,
	thorough boolean DEFAULT false, OUT messages json, OUT reads json, OUT transactions json, OUT more boolean, OUT changed boolean)
LANGUAGE c STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_sync_1_1';
COMMENT ON FUNCTION parley.sync(bigint, text, parley.page_limit, boolean) IS
	'What is new to a user since the cursor: messages posted, edited and deleted in all of their conversations, how far they and the '
	'others have read, and what their accounts took in and paid out; at most limit messages and transactions. Never skips what committed '
	'late, and repeats nothing but after a crash, across servers, or where more than 32 transactions ran at once; tell messages by '
	'conversation_id and message_id. Without a cursor: everything. thorough: read all conversations, whatever shared memory '
	'knows of changes. changed: there is something; more: ask again at once with the new '
	'cursor. Errors: P0002 no such user, 22023 not a cursor of this user''s, PY410 a cursor of another cluster, of a lost timeline or too '
	'old: start over without one.';

CREATE FUNCTION parley.sync_list(
	INOUT cursor text DEFAULT NULL, "limit" parley.page_limit DEFAULT 50,
	OUT conversations json, OUT is_whole boolean, OUT more boolean, OUT changed boolean)
LANGUAGE c STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_sync_list';
COMMENT ON FUNCTION parley.sync_list(text, parley.page_limit) IS
	'What is new in the operator''s list of conversations since the cursor: each that changed, as the list shows it now (message_id null: '
	'all its messages are deleted), newest first. is_whole: it is the list''s first page instead, since there was no cursor, or too much '
	'has changed, or it is not known what. Errors: 22023 not a cursor of this function''s, PY410 as sync().';
