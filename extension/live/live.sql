-- live: who has something new is told as it commits; whoever waits for it wakes up.

CREATE FUNCTION parley.await_wakeups(
	INOUT "position" bigint DEFAULT NULL, patience_ms integer DEFAULT 1000, OUT user_ids bigint[], OUT is_complete boolean,
	OUT age_us bigint)
LANGUAGE c
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_await_wakeups';
COMMENT ON FUNCTION parley.await_wakeups(bigint, integer) IS
	'Waits up to patience_ms, a second at most, for somebody to have something new since position, and returns whom, each as often as '
	'it happened; 0 is the operator. What woke them is visible to the next statement. is_complete false: the position is not known (any '
	'more), anybody may have something new. age_us: microseconds since the first of them committed. Errors: 55000 parley is not in shared_preload_libraries, 25006 on a standby.';

CREATE FUNCTION parley.wake_conversation() RETURNS trigger
LANGUAGE c
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_wake_conversation';
COMMENT ON FUNCTION parley.wake_conversation() IS 'Trigger: wakes the members of a conversation and the operator when it commits.';

CREATE FUNCTION parley.wake_reader() RETURNS trigger
LANGUAGE c SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_wake_reader';
COMMENT ON FUNCTION parley.wake_reader() IS 'Trigger: wakes the members of a conversation in which one has read on.';

CREATE TRIGGER conversations_wake AFTER UPDATE ON parley.conversations
	FOR EACH ROW EXECUTE FUNCTION parley.wake_conversation();
CREATE TRIGGER members_wake AFTER UPDATE ON parley.members
	FOR EACH ROW EXECUTE FUNCTION parley.wake_reader();
-- ALWAYS: session_replication_role does not switch them off.
ALTER TABLE parley.conversations ENABLE ALWAYS TRIGGER conversations_wake;
ALTER TABLE parley.members ENABLE ALWAYS TRIGGER members_wake;
