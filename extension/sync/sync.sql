-- sync: what is new to a user since a cursor, in all conversations and accounts.

CREATE FUNCTION parley.sync(
	user_id bigint, INOUT cursor text DEFAULT NULL, "limit" parley.page_limit DEFAULT 50,
	thorough boolean DEFAULT false, OUT messages json, OUT reads json, OUT transactions json, OUT more boolean, OUT changed boolean,
	OUT incomplete boolean)
LANGUAGE c STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_sync_1_1';
COMMENT ON FUNCTION parley.sync(bigint, text, parley.page_limit, boolean) IS
	'Returns what is new to a user since the cursor: messages posted, edited and deleted in all of their conversations, how far '
	'they and the others have read, and transactions of their accounts, at most limit messages and transactions. Never skips a late'
	' commit. Repeats something only after a crash, across servers, or if more than 32 transactions were running at once; identify '
	'messages by conversation_id and message_id. Without a cursor, returns everything. thorough reads all conversations, without '
	'relying on the change log in shared memory. changed says whether there is something; more, whether to call again at once with '
	'the new cursor; incomplete, that one of several databases is away, and what it has will be delivered later. Errors: P0002 no such user, 22023 not a cursor of this user, PY410 a cursor of another cluster or a lost '
	'timeline, or too old: start over without one.';

CREATE FUNCTION parley.sync_list(
	INOUT cursor text DEFAULT NULL, "limit" parley.page_limit DEFAULT 50,
	OUT conversations json, OUT is_whole boolean, OUT more boolean, OUT changed boolean, OUT incomplete boolean)
LANGUAGE c STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_sync_list';
COMMENT ON FUNCTION parley.sync_list(text, parley.page_limit) IS
	'Returns what is new in the operator''s list of conversations since the cursor: each conversation that changed, as the list '
	'shows it now (message_id is null if all its messages are deleted), newest first. If is_whole, returns the list''s first page '
	'instead, because there was no cursor, too much has changed, or it is not known what has. Errors: 22023 not a cursor of this '
	'function, PY410 as sync().';
