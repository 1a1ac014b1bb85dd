-- sync: what is new to a user in all conversations and accounts since a cursor.

CREATE FUNCTION parley.xid_reached(xid, since bigint, running bigint[]) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'parley_xid_reached';
COMMENT ON FUNCTION parley.xid_reached(xid, bigint, bigint[]) IS
	'whether a row''s xmin is the transaction of that 64-bit id or a later one, or one of those running; since 0: always';

CREATE FUNCTION parley.sync(
	user_id bigint, INOUT cursor text DEFAULT NULL, "limit" parley.page_limit DEFAULT 50,
	OUT messages json, OUT reads json, OUT transactions json, OUT more boolean, OUT changed boolean)
LANGUAGE c STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_sync';
COMMENT ON FUNCTION parley.sync(bigint, text, parley.page_limit) IS
	'What is new to a user since the cursor: messages posted, edited and deleted in all of their conversations, how far they and the '
	'others have read, and what their accounts took in and paid out; at most limit messages and transactions. Never skips what committed '
	'late, and repeats nothing but after a crash, across servers, or where more than 32 transactions ran at once; tell messages by '
	'conversation_id and message_id. Without a cursor: everything. changed: there is something; more: ask again at once with the new '
	'cursor. Errors: P0002 no such user, 22023 not a cursor of this user''s, PY410 a cursor of another cluster, of a lost timeline or too '
	'old: start over without one.';
