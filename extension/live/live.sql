-- live: commits report who has something new, and wake those who wait for it.

CREATE FUNCTION parley.await_wakeups(
	INOUT "position" bigint DEFAULT NULL, patience_ms integer DEFAULT 1000, source integer DEFAULT 0, OUT user_ids bigint[],
	OUT is_complete boolean, OUT age_us bigint, OUT sources integer)
LANGUAGE c
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_await_wakeups';
COMMENT ON FUNCTION parley.await_wakeups(bigint, integer, integer) IS
	'Waits up to patience_ms, but no longer than a second, until someone has something new since position. Returns the users, each '
	'as often as it happened; 0 is the operator. Whatever woke them is visible to the next statement. If is_complete is false, the '
	'position is not known (any more), and anyone may have something new. age_us is the time in microseconds since the first of '
	'them committed. If there are several databases, each is a source with positions of its own, and sources is their number. '
	'Errors: 55000 parley is not in shared_preload_libraries, 25006 on a standby.';

-- The triggers fire for every post, so they do not set search_path, which would cost more than all the rest that they do. They
-- look up nothing by an unqualified name.
CREATE FUNCTION parley.wake_conversation() RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'parley_wake_conversation';
COMMENT ON FUNCTION parley.wake_conversation() IS 'Trigger: wakes the members of a conversation and the operator on commit.';

CREATE FUNCTION parley.wake_reader() RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'parley_wake_reader';
COMMENT ON FUNCTION parley.wake_reader() IS 'Trigger: wakes the members of a conversation when one of them has read further.';

CREATE TRIGGER conversations_wake AFTER UPDATE ON parley.conversations
	FOR EACH ROW EXECUTE FUNCTION parley.wake_conversation();
CREATE TRIGGER members_wake AFTER UPDATE ON parley.members
	FOR EACH ROW EXECUTE FUNCTION parley.wake_reader();
-- ALWAYS, so that session_replication_role does not disable them.
ALTER TABLE parley.conversations ENABLE ALWAYS TRIGGER conversations_wake;
ALTER TABLE parley.members ENABLE ALWAYS TRIGGER members_wake;
