-- reach: whom a user can write to, whose phone is shown, and whom a user has blocked.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT id AS ann FROM parley.create_user('+1 715 555 0001', 'Ann Reach') \gset
SELECT id AS bob FROM parley.create_user('+1 715 555 0002', 'Bob Reach', 'bob@reach.example') \gset
SELECT id AS cid FROM parley.create_user('+1 715 555 0003', 'Cid Reach') \gset
SELECT id AS dan FROM parley.create_contact('Dan Reach', '+1 715 555 0004', 'dan@reach.example') \gset

-- a_user_can_only_name_by_id_whom_they_share_a_conversation_with; strangers and unknown ids look alike
\set VERBOSITY sqlstate
SELECT parley.open_direct_conversation(:ann, :bob, caller_role => 'user');
SELECT parley.open_direct_conversation(:ann, :dan, caller_role => 'user');
SELECT parley.open_direct_conversation(:ann, 999999999, caller_role => 'user');
\set VERBOSITY terse
SELECT id AS ann_bob, created FROM parley.open_direct_conversation(:ann, phone => '1 715 555 0002', caller_role => 'user') \gset
SELECT id = :ann_bob AS same, created FROM parley.open_direct_conversation(:ann, :bob, caller_role => 'user');
SELECT id = :ann_bob AS same, created FROM parley.open_direct_conversation(:bob, :ann, caller_role => 'user');

-- contacts_who_never_registered_cannot_be_reached by phone or email either, and look unknown
SELECT parley.open_direct_conversation(:ann, phone => '+1 715 555 0004', caller_role => 'user');
SELECT parley.open_direct_conversation(:ann, phone => '+1 715 555 0999', caller_role => 'user');
SELECT parley.open_direct_conversation(:ann, email => 'dan@reach.example', caller_role => 'user');
SELECT parley.open_direct_conversation(:ann, email => 'nobody@reach.example', caller_role => 'user');
SELECT created FROM parley.open_direct_conversation(:cid, email => 'BOB@reach.example', caller_role => 'user');
-- … except_by_the_operator, or once the operator registers them
SELECT created FROM parley.open_direct_conversation(:cid, :dan, caller_role => 'operator');
SELECT parley.register_contact(:dan);
SELECT created FROM parley.open_direct_conversation(:ann, email => 'dan@reach.example', caller_role => 'user');
SELECT parley.register_contact(-1);

-- a_phone_is_shown_to_whoever_gave_it, and to others once its owner has written
CREATE FUNCTION pg_temp.phones(who bigint, term text DEFAULT NULL, role text DEFAULT 'user') RETURNS TABLE (name text, phone_number text)
	LANGUAGE sql AS $$ SELECT name, phone_number FROM parley.list_user_conversations(who, term, caller_role => role) ORDER BY name $$;
SELECT content FROM parley.post_user_message(:ann_bob, 'hello Bob', :ann);
SELECT id AS cid_bob FROM parley.open_direct_conversation(:cid, :bob) \gset
SELECT content FROM parley.post_user_message(:cid_bob, 'hello from Cid', :cid);
SELECT * FROM pg_temp.phones(:ann);
SELECT * FROM pg_temp.phones(:bob);
SELECT * FROM pg_temp.phones(:cid);
SELECT * FROM pg_temp.phones(:cid, 'hello');
-- … and_until_then_nothing_finds_it
SELECT * FROM pg_temp.phones(:cid, '555 0002');
SELECT * FROM pg_temp.phones(:cid, 'Bob');
SELECT * FROM pg_temp.phones(:ann, '555 0002');
SELECT * FROM pg_temp.phones(:bob, '555 0003');
SET parley.search_method = walk;
SELECT * FROM pg_temp.phones(:cid, '555 0002');
SET parley.search_method = index;
SELECT * FROM pg_temp.phones(:cid, '555 0002');
SET parley.search_user_conversations = 0;
SELECT * FROM pg_temp.phones(:cid, '555 0002');
SELECT * FROM pg_temp.phones(:bob, '555 0003');
RESET parley.search_user_conversations;
RESET parley.search_method;
SELECT * FROM pg_temp.phones(:cid, '555 0002', 'operator');
SELECT * FROM pg_temp.phones(:cid, role => 'operator');
SELECT * FROM pg_temp.phones(:cid, role => NULL);
SELECT content FROM parley.post_user_message(:cid_bob, 'hello Cid', :bob);
SELECT * FROM pg_temp.phones(:cid);

-- a_blocked_user_cannot_write_or_edit; reading and deleting still work, and so do other conversations
SELECT parley.block_contact(:bob, :ann);
SELECT parley.block_contact(:bob, :ann);
SELECT contact_id = :ann AS ann, created_at IS NOT NULL AS dated FROM parley.get_block(:bob, :ann);
SELECT parley.post_user_message(:ann_bob, 'still there?', :ann);
SELECT parley.edit_user_message(:ann, :ann_bob, 1, 'hello, you');
SELECT content FROM parley.list_user_messages(:ann, :ann_bob);
SELECT created FROM parley.open_direct_conversation(:ann, phone => '1 715 555 0002', caller_role => 'user');
SELECT content FROM parley.post_user_message(:ann_bob, 'leave me alone', :bob);
SELECT content FROM parley.post_user_message(:cid_bob, 'and I?', :cid);
SELECT parley.delete_user_message(:ann, :ann_bob, 1);
SELECT parley.unblock_contact(:bob, :ann);
SELECT parley.unblock_contact(:bob, :ann);
SELECT message_id FROM parley.post_user_message(:ann_bob, 'sorry', :ann);
\set VERBOSITY sqlstate
SELECT parley.get_block(:bob, :ann);
SELECT parley.block_contact(:bob, :bob);
\set VERBOSITY terse
SELECT parley.block_contact(:bob, -1);

-- a_block_holds_in_a_conversation_that_is_opened_after_it
SELECT parley.block_contact(:cid, :ann);
SELECT id AS ann_cid, created FROM parley.open_direct_conversation(:ann, phone => '1 715 555 0003', caller_role => 'user') \gset
SELECT parley.post_user_message(:ann_cid, 'hello Cid', :ann);
SELECT message_id FROM parley.post_user_message(:ann_cid, 'hello Ann', :cid);
SELECT * FROM parley.audit_conversations();
BEGIN;
UPDATE parley.members SET is_blocked = false WHERE conversation_id = :ann_cid;
SELECT rule FROM parley.audit_conversations();
ROLLBACK;

-- a_user_can_start_a_limited_number_of_conversations_per_day; existing ones and the operator's do not count
SELECT id AS eve FROM parley.create_user('+1 715 555 0005', 'Eve Reach') \gset
SET parley.new_conversations_per_day = 2;
SELECT created FROM parley.open_direct_conversation(:eve, phone => '1 715 555 0001', caller_role => 'user');
SELECT created FROM parley.open_direct_conversation(:eve, phone => '1 715 555 0002', caller_role => 'user');
SELECT parley.open_direct_conversation(:eve, phone => '1 715 555 0003', caller_role => 'user');
SELECT created FROM parley.open_direct_conversation(:eve, phone => '1 715 555 0002', caller_role => 'user');
SELECT created FROM parley.open_direct_conversation(:eve, :cid);
UPDATE parley.openings SET since = since - interval '1 day' WHERE user_id = :eve;
SELECT created FROM parley.open_direct_conversation(:eve, phone => '1 715 555 0004', caller_role => 'user');
SELECT count FROM parley.openings WHERE user_id = :eve;
RESET parley.new_conversations_per_day;
SET ROLE parley_operator;
SET parley.new_conversations_per_day = 0;
RESET ROLE;

-- a_user_with_a_verified_phone_that_is_already_registered_gets_the_same_response_as_a_new_user
SELECT id AS fay, phone FROM parley.create_user(name => 'Fay Reach', caller_phone => '+1 715 555 0006') \gset
SELECT :'phone' AS phone;
SELECT id = :fay AS same, name, phone FROM parley.create_user('1-715-555-0006', 'Someone', caller_phone => '17155550006');
SELECT id AS gus FROM parley.create_contact('Gus Reach', '+1 715 555 0007') \gset
SELECT id = :gus AS same, name FROM parley.create_user(caller_phone => '17155550007');
SELECT registered_at IS NOT NULL AS registered FROM parley.contacts WHERE id = :gus;
-- … but_only_for_the_verified_phone
SELECT parley.create_user('+1 715 555 0008', caller_phone => '+1 715 555 0006');
SELECT parley.create_user(caller_phone => '');
SELECT parley.create_user('+1 715 555 0008', email => 'fay@reach.example', caller_phone => '+1 715 555 0008');

-- whoever_gave_a_phone_is_not_shown_another: a new one, or that of the contact into whom its owner was merged
SELECT id AS hal FROM parley.create_user('+1 715 555 0011', 'Hal Reach') \gset
SELECT id AS ida FROM parley.create_user('+1 715 555 0012', 'Ida Reach') \gset
SELECT id AS hal_ida FROM parley.open_direct_conversation(:hal, phone => '+1 715 555 0012', caller_role => 'user') \gset
SELECT message_id FROM parley.post_user_message(:hal_ida, 'hello Ida', :hal);
SELECT phone FROM parley.change_contact(:ida, phone => '1-715-555-0012');
SELECT * FROM pg_temp.phones(:hal);
SELECT phone FROM parley.change_contact(:ida, phone => '+1 715 555 0013');
SELECT * FROM pg_temp.phones(:hal);
SELECT created FROM parley.open_direct_conversation(:hal, phone => '+1 715 555 0013', caller_role => 'user');
SELECT * FROM pg_temp.phones(:hal);
SELECT k.name FROM parley.create_user(name => 'Joe Reach', email => 'joe@reach.example') u, parley.merge_contacts(u.id, :ida) k;
SELECT * FROM pg_temp.phones(:hal);
SELECT k.name FROM parley.create_user('+1 715 555 0014', 'Kim Reach') u, parley.merge_contacts(u.id, (SELECT merged_into_id FROM parley.contacts WHERE id = :ida)) k;
SELECT * FROM pg_temp.phones(:hal);
