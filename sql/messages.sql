-- messages: numbered without a gap, idempotent by key, edited and deleted by their author, with the conversation kept up to date.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT id AS ana FROM parley.create_contact('Ana Messages', '+1 702 555 0001') \gset
SELECT id AS bob FROM parley.create_contact('Bob Messages', '+1 702 555 0002') \gset
SELECT id AS c FROM parley.open_contact_conversation(:ana) \gset
CREATE VIEW pg_temp.counters AS
	SELECT id, last_number, last_message_at,
		(SELECT max(number) FROM parley.messages m WHERE m.conversation_id = c.id AND m.created_at = c.last_message_at
			AND m.deleted_at IS NULL) AS newest
	FROM parley.conversations c;

-- numbers_count_from_1
SELECT message_id, sender_id, content, edited_at, deleted_at, replayed FROM parley.post_message(:c, 'first, from the operator');
SELECT message_id, sender_id = :ana AS from_ana, content FROM parley.post_message(:c, 'second, from Ana', :ana);
SELECT last_number, newest FROM pg_temp.counters WHERE id = :c;

-- a_rolled_back_message_leaves_no_gap
BEGIN;
SELECT message_id FROM parley.post_message(:c, 'never was');
ROLLBACK;
SELECT message_id FROM parley.post_message(:c, 'third');

-- only_members_and_the_operator_post
SELECT parley.post_message(-1, 'x');
\set VERBOSITY sqlstate
SELECT parley.post_message(:c, 'x', :bob);
SELECT parley.post_message(:c, 'x', 0);
SELECT parley.post_message(NULL, 'x');
SELECT parley.post_message(:c, NULL);
\set VERBOSITY terse

-- content_is_1_to_10000_characters
SELECT parley.post_message(:c, '');
SELECT parley.post_message(:c, repeat('é', 10001));
SELECT message_id, char_length(content) FROM parley.post_message(:c, repeat('🙂', 10000));

-- a_key_creates_one_message
SELECT message_id, replayed FROM parley.post_message(:c, 'keyed', :ana, 'key 1');
SELECT message_id, content, sender_id = :ana AS from_ana, replayed FROM parley.post_message(:c, 'keyed', :ana, 'key 1');
SELECT parley.post_message(:c, 'other', :ana, 'key 1');
SELECT parley.post_message(:c, 'keyed', NULL, 'key 1');
SELECT parley.post_message(:c, 'keyed', :ana, '');
SELECT parley.post_message(:c, 'keyed', :ana, repeat('k', 65));
SELECT parley.post_message(:c, 'keyed', :ana, 'clé');
-- … per_conversation: in another conversation it creates another one
SELECT message_id, replayed FROM parley.open_contact_conversation(:bob) o, parley.post_message(o.id, 'keyed', :bob, 'key 1');

-- lists_go_both_ways_to_the_end
SELECT message_id, left(content, 24) AS content, next_last_id FROM parley.list_messages(:c, "limit" => 2);
SELECT message_id, next_last_id FROM parley.list_messages(:c, last_id => 2, "limit" => 2);
SELECT message_id, next_last_id FROM parley.list_messages(:c, last_id => 4, "limit" => 2);
SELECT message_id, next_last_id FROM parley.list_messages(:c, last_id => 5);
SELECT message_id, next_last_id FROM parley.list_messages(:c, sort => 'desc', "limit" => 3);
SELECT message_id, next_last_id FROM parley.list_messages(:c, last_id => 3, sort => 'desc', "limit" => 2);
SELECT count(*) FROM parley.list_messages(:c, last_id => 1, sort => 'desc');
SELECT count(*) FROM parley.list_messages(:c, "limit" => 200);
SELECT count(*) FROM parley.list_messages(:c, "limit" => 201);
SELECT count(*) FROM parley.list_messages(:c, "limit" => 0);
SELECT count(*) FROM parley.list_messages(:c, sort => 'up');
SELECT count(*) FROM parley.list_messages(-1);
-- … using_only_the_primary_key
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM parley.messages m WHERE m.conversation_id = 1 AND m.number < 7 ORDER BY m.number DESC LIMIT 51;
RESET enable_seqscan;
RESET enable_bitmapscan;

-- only_the_author_changes_a_message
SELECT content, edited_at IS NOT NULL AS edited FROM parley.edit_message(:c, 1, 'first, edited');
SELECT parley.edit_message(:c, 2, 'of Ana''s');
SELECT parley.delete_message(:c, 2);
\set VERBOSITY sqlstate
SELECT parley.edit_message(:c, 99, 'x');
\set VERBOSITY terse
SELECT parley.edit_message(:c, 1, '');
-- … and_an_edit_without_content_is_not_a_deletion
SELECT parley.edit_message(:c, 1, NULL);
SELECT parley.edit_user_message(:ana, :c, 2, NULL);
SELECT left(content, 20) FROM parley.list_messages(:c, "limit" => 1);

-- a_replay_after_an_edit_gets_the_first_response, and no hash is left from which the first text could be guessed
SELECT content FROM parley.edit_user_message(:ana, :c, 5, 'keyed, then edited');
SELECT message_id, content, replayed FROM parley.post_message(:c, 'keyed', :ana, 'key 1');
SELECT parley.post_message(:c, 'keyed, then edited', :ana, 'key 1');
SELECT idempotency_hash FROM parley.messages WHERE conversation_id = :c AND number = 5;

-- a_tombstone_keeps_its_number_and_nothing_else
SELECT last_number, newest FROM pg_temp.counters WHERE id = :c;
SELECT parley.delete_user_message(:ana, :c, 5);
SELECT last_number, newest FROM pg_temp.counters WHERE id = :c;
SELECT message_id, sender_id = :ana AS from_ana, content, deleted_at IS NOT NULL AS deleted
	FROM parley.list_messages(:c, sort => 'desc', "limit" => 1);
SELECT content, idempotency_hash FROM parley.messages WHERE conversation_id = :c AND number = 5;
-- … deleting_it_again_changes_nothing, editing it is refused, and its key still creates no second message
SELECT deleted_at AS deleted_at FROM parley.messages WHERE conversation_id = :c AND number = 5 \gset
SELECT parley.delete_user_message(:ana, :c, 5);
SELECT deleted_at = :'deleted_at' AS unchanged FROM parley.messages WHERE conversation_id = :c AND number = 5;
SELECT parley.edit_user_message(:ana, :c, 5, 'x');
SELECT message_id, content, replayed FROM parley.post_message(:c, 'keyed', :ana, 'key 1');
-- … and_another_message_with_that_key_is_not_mistaken_for_it and lost
SELECT parley.post_message(:c, 'keyed otherwise', :ana, 'key 1');
SELECT parley.post_message(:c, 'keyed', NULL, 'key 1');
SELECT message_id FROM parley.post_message(:c, 'sixth');

-- the_newest_message_after_a_deletion_is_found_from_the_end, without reading the whole conversation while it is locked
SELECT id AS long FROM parley.create_contact('Long Messages') \gset
SELECT count(*) FROM (SELECT parley.post_message(o.id, 'message ' || n) FROM parley.open_contact_conversation(:long) o, generate_series(1, 500) n) p;
ANALYZE parley.messages;
BEGIN;
SELECT parley.delete_message(id, 400) FROM parley.open_contact_conversation(:long);
SELECT newest_number FROM parley.conversations WHERE contact_id = :long;
SELECT pg_stat_get_xact_tuples_fetched('parley.messages'::regclass) AS before \gset
SELECT parley.delete_message(o.id, n) FROM parley.open_contact_conversation(:long) o, unnest(ARRAY[500, 499]) n;
SELECT pg_stat_get_xact_tuples_fetched('parley.messages'::regclass) - :before < 20 AS few_were_read;
SELECT newest_number, last_message_at = (SELECT created_at FROM parley.messages m WHERE m.conversation_id = c.id AND m.number = 498) AS dated
	FROM parley.conversations c WHERE contact_id = :long;
COMMIT;
-- … or_by_the_times if rows were loaded in another order
BEGIN;
UPDATE parley.messages m SET created_at = m.created_at + interval '1 hour' FROM parley.conversations c
	WHERE c.contact_id = :long AND m.conversation_id = c.id AND m.number = 7;
SELECT parley.rebuild_conversations();
SELECT newest_number, is_dated_in_order FROM parley.conversations WHERE contact_id = :long;
SELECT parley.delete_message(id, 7) FROM parley.open_contact_conversation(:long);
SELECT newest_number FROM parley.conversations WHERE contact_id = :long;
SELECT * FROM parley.audit_conversations();
ROLLBACK;

-- a_conversation_without_a_message_left_has_no_time
SELECT parley.delete_user_message(:bob, id, 1) FROM parley.open_contact_conversation(:bob);
SELECT last_number, last_message_at FROM parley.conversations WHERE kind = 'contact' AND contact_id = :bob;
SELECT last_message_id, m ->> 'content' AS content, m ->> 'deleted_at' IS NOT NULL AS deleted
	FROM parley.open_contact_conversation(:bob) o, parley.conversation(o.id), json_array_elements(messages) m;

-- times_never_go_back_within_a_conversation
UPDATE parley.conversations SET last_message_at = now() + interval '1 hour' WHERE id = :c;
SELECT created_at > now() + interval '59 minutes' AS not_before_the_last FROM parley.post_message(:c, 'seventh');

-- rows_loaded_without_post_message_are_repaired
BEGIN;
INSERT INTO parley.messages (conversation_id, number, content, created_at) VALUES (:c, 8, 'loaded', now() + interval '2 hours');
SELECT rule, found ~ '^7, not 8$' AS numbers FROM parley.audit_conversations() WHERE conversation_id = :c ORDER BY rule;
SELECT parley.rebuild_conversations();
SELECT last_number, newest FROM pg_temp.counters WHERE id = :c;
ROLLBACK;
SELECT * FROM parley.audit_conversations();

-- a message dated in the future is not the newest message of any test
SELECT parley.delete_message(:c, 7);
