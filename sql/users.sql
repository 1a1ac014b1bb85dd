-- users: what a contact does through the API, and how it meets other people's conversations.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT id AS ana FROM parley.create_user('+1 704 555 0001', 'Ana Users') \gset
SELECT id AS bob FROM parley.create_user('+1 704 555 0002', 'Bob Users', 'bob@users.example') \gset
SELECT id AS eve FROM parley.create_user('+1 704 555 0003') \gset
SELECT parley.create_user('1 704 555 0001');
SELECT parley.create_user(NULL, 'Phoneless');
SELECT name, phone, email FROM parley.get_user(:bob);
SELECT parley.get_user(-1);
SELECT id AS c FROM parley.open_direct_conversation(:ana, :bob) \gset

-- users_have_read_what_they_wrote_if_they_had_read_everything_before
SELECT message_id, content, replayed FROM parley.post_user_message(:c, 'hello Bob', :ana, 'k');
SELECT message_id, replayed FROM parley.post_user_message(:c, 'hello Bob', :ana, 'k');
SELECT contact_id = :ana AS ana, read_number FROM parley.members WHERE conversation_id = :c ORDER BY contact_id;
SELECT message_id FROM parley.post_user_message(:c, 'hello Ana', :bob);
SELECT contact_id = :ana AS ana, read_number FROM parley.members WHERE conversation_id = :c ORDER BY contact_id;

-- the_read_horizon_only_advances
SELECT * FROM parley.mark_read(:ana, :c, 2);
SELECT * FROM parley.mark_read(:ana, :c, 1);
SELECT * FROM parley.mark_read(:bob, :c, 1);
\set VERBOSITY sqlstate
SELECT parley.mark_read(:bob, :c, 3);
SELECT parley.mark_read(:bob, :c, 0);

-- for_others_the_conversation_does_not_exist
SELECT parley.post_user_message(:c, 'let me in', :eve);
SELECT parley.list_user_messages(:eve, :c);
SELECT parley.get_user_message(:eve, :c, 1);
SELECT parley.edit_user_message(:eve, :c, 1, 'mine');
SELECT parley.delete_user_message(:eve, :c, 1);
SELECT parley.mark_read(:eve, :c, 1);
\set VERBOSITY terse
-- … and_the_error_message_does_not_reveal_it
DO $$
DECLARE
	c bigint := (SELECT max(id) FROM parley.conversations);
	eve bigint := (SELECT id FROM parley.contacts WHERE phone_digits = '17045550003');
	said text[] := '{}';
	conversation_id bigint;
BEGIN
	FOREACH conversation_id IN ARRAY ARRAY[c, c + 1000] LOOP
		BEGIN
			PERFORM parley.post_user_message(conversation_id, 'x', eve);
		EXCEPTION WHEN no_data_found THEN
			said := said || replace(SQLERRM, conversation_id::text, 'C');
		END;
	END LOOP;
	RAISE NOTICE 'the same words: %', said[1] = said[2];
END $$;

-- members_read_both_ways_and_change_their_own_messages
SELECT message_id, content FROM parley.list_user_messages(:bob, :c, sort => 'desc');
SELECT message_id, content FROM parley.list_user_messages(:bob, :c, last_id => 1);
SELECT content FROM parley.get_user_message(:bob, :c, 1);
\set VERBOSITY sqlstate
SELECT parley.get_user_message(:bob, :c, 3);
SELECT parley.edit_user_message(:bob, :c, 1, 'not mine');
SELECT parley.delete_user_message(:bob, :c, 1);
\set VERBOSITY terse
SELECT content, edited_at IS NOT NULL AS edited FROM parley.edit_user_message(:ana, :c, 1, 'hello dear Bob');
SELECT parley.delete_user_message(:ana, :c, 1);
SELECT content, deleted_at IS NOT NULL AS deleted FROM parley.get_user_message(:bob, :c, 1);
SELECT * FROM parley.audit_conversations();

-- unread_counts_what_others_wrote_and_did_not_delete, up to 1,000
SELECT id AS una FROM parley.create_user('+1 702 555 0071', 'Una Unread') \gset
SELECT id AS ned FROM parley.create_user('+1 702 555 0072', 'Ned Unread') \gset
SELECT id AS talk FROM parley.open_direct_conversation(:una, :ned) \gset
SELECT count(*) FROM (SELECT parley.post_user_message(:talk, 'from Ned ' || n, :ned) FROM generate_series(1, 3) n) p;
SELECT message_id FROM parley.post_user_message(:talk, 'from Una', :una);
SELECT unread FROM parley.list_user_conversations(:una);
SELECT unread FROM parley.list_user_conversations(:ned);
SELECT parley.delete_user_message(:ned, :talk, 2);
SELECT unread FROM parley.list_user_conversations(:una);
SELECT unread FROM parley.list_user_conversations(:una, 'from');
SELECT * FROM parley.mark_read(:una, :talk, 1);
SELECT count(*) FROM (SELECT parley.post_user_message(:talk, 'more from Ned ' || n, :ned) FROM generate_series(1, 998) n) p;
SELECT unread FROM parley.list_user_conversations(:una);
SELECT message_id FROM parley.post_user_message(:talk, 'the thousandth', :ned);
SELECT message_id FROM parley.post_user_message(:talk, 'the thousand and first', :ned);
SELECT unread FROM parley.list_user_conversations(:una);
SELECT * FROM parley.mark_read(:una, :talk, 3);
SELECT * FROM parley.mark_read(:una, :talk, 1004);
