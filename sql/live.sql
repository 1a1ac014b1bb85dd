-- live: a commit wakes the users whom it concerns and nobody else. A listener is told about all of them, or that something may be
-- missing.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT id AS ana FROM parley.create_user('+1 725 555 0001', 'Ana Live') \gset
SELECT id AS bob FROM parley.create_user('+1 725 555 0002', 'Bob Live') \gset
SELECT id AS cem FROM parley.create_user('+1 725 555 0003', 'Cem Live') \gset
SELECT id AS ab FROM parley.open_direct_conversation(:ana, :bob) \gset
SELECT id AS shop FROM parley.open_contact_conversation(:cem) \gset
SELECT id AS anas FROM parley.open_account(:ana, 'EUR') \gset
SELECT id AS cems FROM parley.open_account(:cem, 'EUR') \gset
SELECT id AS bobs FROM parley.open_account(:bob, 'EUR') \gset
SELECT token FROM parley.create_application('live') \gset
SELECT number AS chat FROM parley.create_chat(:'token') \gset
CREATE TABLE live_names AS SELECT * FROM (VALUES (0::bigint, 'operator'), (:ana, 'ana'), (:bob, 'bob'), (:cem, 'cem')) AS n(id, name);
CREATE TABLE live_position AS SELECT position FROM parley.await_wakeups(NULL, 0);
-- Returns whom the commits since the last call woke.
CREATE FUNCTION pg_temp.woken() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found record;
BEGIN
	SELECT w.* INTO found FROM live_position p, parley.await_wakeups(p.position, 0) w;
	UPDATE live_position SET position = found.position;
	IF NOT found.is_complete THEN
		RETURN 'perhaps everybody';
	END IF;
	RETURN (SELECT string_agg(DISTINCT n.name, ', ' ORDER BY n.name) FROM unnest(found.user_ids) w(id) JOIN live_names n USING (id));
END $$;
SELECT pg_temp.woken();

-- messages_edits_deletions_and_read_horizons_wake_the_members
SELECT message_id FROM parley.post_user_message(:ab, 'one', :ana);
SELECT pg_temp.woken();
SELECT message_id FROM parley.post_message(:shop, 'from the operator');
SELECT pg_temp.woken();
SELECT content FROM parley.edit_user_message(:ana, :ab, 1, 'one edited');
SELECT pg_temp.woken();
SELECT read FROM parley.mark_read(:bob, :ab, 1);
SELECT pg_temp.woken();
SELECT parley.delete_user_message(:ana, :ab, 1);
SELECT pg_temp.woken();

-- postings_and_transfers_wake_the_owners_of_the_accounts
SELECT id FROM parley.post_transaction(:ana, :anas, 500, caller_role => 'operator');
SELECT pg_temp.woken();
SELECT message_id FROM parley.post_transfer(:ana, :anas, :cem, :cems, 200);
SELECT pg_temp.woken();
SELECT message_id FROM parley.post_transfer(:ana, :anas, :bob, :bobs, 200, NULL, :ab);
SELECT pg_temp.woken();

-- chats_and_reads_wake_nobody
SELECT number FROM parley.post_chat_message(:'token', :chat, 'in a chat');
SELECT more FROM parley.sync(:ana, "limit" => 200);
SELECT pg_temp.woken();

-- a_rollback_wakes_nobody
BEGIN;
SELECT message_id FROM parley.post_user_message(:ab, 'never', :ana);
ROLLBACK;
SELECT pg_temp.woken();

-- a_listener_sees_what_it_is_told_about, and the writer is told when it commits
BEGIN;
SELECT message_id FROM parley.post_user_message(:ab, 'two', :ana);
SELECT pg_temp.woken();
COMMIT;
SELECT pg_temp.woken();

-- a_transaction_that_wakes_cannot_be_prepared
BEGIN;
SELECT message_id FROM parley.post_user_message(:ab, 'never', :ana);
PREPARE TRANSACTION 'live';
SELECT pg_temp.woken();

-- more_than_can_be_recorded_wakes_everybody
BEGIN;
SET LOCAL client_min_messages = error;
SELECT count(*) FROM generate_series(1, 4100) n, parley.create_contact('live ' || n) c, parley.open_contact_conversation(c.id) o,
	parley.post_message(o.id, 'hello ' || n);
COMMIT;
SELECT pg_temp.woken();
SELECT pg_temp.woken();

-- an_invalid_position_is_not_complete
SELECT is_complete, user_ids FROM parley.await_wakeups(0, 0);
SELECT is_complete, user_ids FROM parley.await_wakeups(-1, 0);
SELECT is_complete FROM parley.await_wakeups();
SELECT is_complete, user_ids FROM live_position p, parley.await_wakeups(p.position - 1000000, 0);

-- triggers_also_wake_on_changes_made_without_the_functions
UPDATE parley.conversations SET last_message_at = last_message_at WHERE id = :ab;
SELECT pg_temp.woken();
SET session_replication_role = replica;
UPDATE parley.members SET read_number = read_number WHERE conversation_id = :ab AND contact_id = :ana;
RESET session_replication_role;
SELECT pg_temp.woken();

-- the_operators_list_shows_what_changed_in_it
CREATE FUNCTION pg_temp.shown(conversations json) RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(concat_ws(' ', c ->> 'kind', c ->> 'name', c ->> 'content'), ', ' ORDER BY n)
		FROM json_array_elements(conversations) WITH ORDINALITY AS e(c, n) $$;
SELECT is_whole, changed, more, json_array_length(conversations), cursor AS list FROM parley.sync_list("limit" => 3) \gset list_
\echo :list_is_whole :list_changed :list_more :list_json_array_length
SELECT conversations, is_whole, changed FROM parley.sync_list(:'list_list');
SELECT message_id FROM parley.post_user_message(:ab, 'three', :bob);
SELECT pg_temp.shown(conversations), is_whole, changed, cursor AS list FROM parley.sync_list(:'list_list') \gset list_
\echo :list_shown :list_is_whole :list_changed
SELECT parley.delete_message(:shop, 1);
SELECT pg_temp.shown(conversations), is_whole, cursor AS list FROM parley.sync_list(:'list_list') \gset list_
\echo :list_shown :list_is_whole
SELECT number FROM parley.post_chat_message(:'token', :chat, 'in a chat');
SELECT conversations, changed FROM parley.sync_list(:'list_list');
-- … including_the_operators_own_changes
SELECT status, labels FROM parley.set_case(:shop, labels => '["urgent"]');
SELECT c ->> 'name' AS name, c -> 'case' ->> 'labels' AS labels, c ->> 'unread' AS unread
	FROM parley.sync_list(:'list_list') s, json_array_elements(s.conversations) c;
SELECT cursor AS list FROM parley.sync_list(:'list_list') \gset list_
-- … and_a_new_name_of_the_author_that_it_shows
SELECT name FROM parley.change_contact(:bob, name => 'Robert Live');
SELECT pg_temp.shown(conversations), is_whole, cursor AS list FROM parley.sync_list(:'list_list') \gset list_
\echo :list_shown :list_is_whole
SELECT name FROM parley.change_contact(:ana, name => 'Anna Live');
SELECT pg_temp.shown(conversations), is_whole FROM parley.sync_list(:'list_list');
-- … and_is_sent_whole_if_too_much_changed
SELECT message_id FROM parley.post_user_message(:ab, 'four', :bob);
SELECT message_id FROM parley.post_message(:shop, 'five');
SELECT pg_temp.shown(conversations), is_whole FROM parley.sync_list(:'list_list', 2);
SELECT json_array_length(conversations), is_whole FROM parley.sync_list(:'list_list', 1);
-- … with_the_same_rows_as_the_list
SELECT l.conversation_id, l.message_id, l.content, l.contact_id, l.name, l.phone_number, l.kind FROM parley.list_conversations("limit" => 5) l
EXCEPT
SELECT r.* FROM parley.sync_list("limit" => 5) s, json_to_recordset(s.conversations)
	AS r(conversation_id bigint, message_id bigint, content text, contact_id bigint, name text, phone_number text, kind parley.conversation_kind);
\set VERBOSITY sqlstate
SELECT parley.sync_list((SELECT cursor FROM parley.sync(:ana)));
SELECT parley.sync_list('2.nonsense');
\set VERBOSITY terse
DROP TABLE live_names, live_position;
-- Lists of other tests are not to be that long.
DELETE FROM parley.messages m USING parley.conversations c, parley.contacts k WHERE c.id = m.conversation_id AND k.id = c.contact_id AND k.name ~ '^live \d+$';
DELETE FROM parley.members m USING parley.contacts k WHERE k.id = m.contact_id AND k.name ~ '^live \d+$';
DELETE FROM parley.conversations c USING parley.contacts k WHERE k.id = c.contact_id AND k.name ~ '^live \d+$';
DELETE FROM parley.contacts k WHERE k.name ~ '^live \d+$';
