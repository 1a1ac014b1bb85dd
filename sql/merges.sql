-- merges: two contacts become one, and all that holds of conversations and the ledger holds afterwards.
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.person(name text, phone text) RETURNS bigint LANGUAGE sql AS 'SELECT id FROM parley.create_user(phone, name)';
CREATE FUNCTION pg_temp.talk(one bigint, other bigint) RETURNS bigint LANGUAGE sql AS 'SELECT id FROM parley.open_direct_conversation(one, other)';
CREATE VIEW pg_temp.audit AS SELECT rule, found FROM parley.audit_conversations() UNION ALL SELECT rule, found FROM parley.audit_ledger()
	UNION ALL SELECT rule, found FROM parley.audit_shards();
SELECT pg_temp.person('Ann Merge', '+1 700 556 0001') AS ann, pg_temp.person('Cid Merge', '+1 700 556 0003') AS cid,
	pg_temp.person('Dan Merge', '+1 700 556 0004') AS dan \gset
SELECT id AS ann2 FROM parley.create_contact('Anne M.', NULL, 'ann@merge.example', '{"plan": "gold", "since": 2020}') \gset
SELECT parley.register_contact(:ann2);
SELECT attributes FROM parley.change_contact(:ann, attributes => '{"plan": "silver"}');

-- Both have a conversation with the operator and with Cid; Dan knows the second alone.
SELECT id AS letters FROM parley.open_contact_conversation(:ann) \gset
SELECT id AS letters2 FROM parley.open_contact_conversation(:ann2) \gset
SELECT pg_temp.talk(:ann, :cid) AS cid_ann, pg_temp.talk(:ann2, :cid) AS cid_ann2, pg_temp.talk(:dan, :ann2) AS dan_ann2 \gset
SELECT count(*) FROM (SELECT parley.post_message(:letters, 'to the first'), parley.post_message(:letters2, 'to the second'),
	parley.post_user_message(:letters2, 'from the second', :ann2, 'a key'), parley.post_user_message(:cid_ann, 'first', :ann),
	parley.post_user_message(:cid_ann2, 'second', :ann2), parley.post_user_message(:cid_ann2, 'answer', :cid),
	parley.post_user_message(:dan_ann2, 'hello', :dan), parley.post_user_message(:dan_ann2, 'gone', :ann2)) AS made;
SELECT parley.delete_user_message(:ann2, :dan_ann2, 2), parley.block_contact(:ann2, :dan), parley.block_contact(:cid, :ann2);
SELECT cursor AS ann_cursor FROM parley.sync(:ann) \gset
SELECT cursor AS ann2_cursor FROM parley.sync(:ann2) \gset
SELECT cursor AS cid_cursor FROM parley.sync(:cid) \gset

-- what_cannot_be_merged_is_refused
\set VERBOSITY sqlstate
SELECT parley.merge_contacts(:ann, :ann);
SELECT parley.merge_contacts(:ann, :cid);
SELECT parley.merge_contacts(:ann, -1);
SELECT parley.merge_contacts(-1, :ann);
-- both_have_money_in_one_currency
\set VERBOSITY terse
SELECT count(*) FROM (SELECT parley.open_account(:ann, 'EUR'), parley.open_account(:ann2, 'EUR'), parley.open_account(:ann2, 'USD', 'dollars')) AS made;
SELECT count(*) FROM (SELECT parley.post_transaction(:ann, 1, 100), parley.post_transaction(:ann2, 1, 50), parley.post_transaction(:ann2, 2, 7)) AS made;
SELECT parley.merge_contacts(:ann, :ann2);
SELECT from_transaction ->> 'amount' AS paid FROM parley.post_transfer(:ann2, 1, :ann, 1, 50);
-- attributes_that_are_too_large_together
SELECT parley.merge_contacts(one.id, two.id) FROM parley.create_contact('Large One', attributes => jsonb_build_object('one', repeat('x', 5000))) one,
	parley.create_contact('Large Two', attributes => jsonb_build_object('two', repeat('x', 5000))) two;

-- two_become_one: the first keeps what it has, and takes what it lacks
SELECT id = :ann AS same, name, phone, email, attributes FROM parley.merge_contacts(:ann, :ann2);
SELECT parley.merge_contacts(:ann, :ann2) = parley.get_contact(:ann) AS again;
SELECT * FROM pg_temp.audit;
SELECT currency, balance FROM parley.list_accounts(:ann);
SELECT count(*) FROM parley.list_accounts(:ann2);
SELECT amount, memo FROM parley.list_transactions(:ann2, 2);

-- the_old_id_leads_to_the_new
SELECT id = :ann AS is_ann, name FROM parley.get_contact(:ann2);
SELECT id = :letters AS is_first, contact_id = :ann AS is_ann, created FROM parley.open_contact_conversation(:ann2);
SELECT id = :cid_ann AS is_first, created FROM parley.open_direct_conversation(:cid, :ann2);
SELECT id = :ann AS is_ann FROM parley.change_contact(:ann2, name => 'Ann Merge');
\set VERBOSITY sqlstate
SELECT parley.open_account(:ann2, 'EUR');
SELECT parley.block_contact(:ann2, :dan);
SELECT parley.merge_contacts(:cid, :ann2);

-- conversations_keep_their_ids_and_numbers, and are all the first's
SELECT conversation_id = :letters2 AS is_second, message_id, sender_id = :ann AS from_ann, content FROM parley.list_messages(:letters2);
SELECT conversation_id IN (:letters2, :cid_ann2, :dan_ann2) AS was_the_seconds, name, content FROM parley.list_conversations('merge') ORDER BY conversation_id;
SELECT name, content FROM parley.list_user_conversations(:cid) ORDER BY conversation_id;
SELECT content, replayed FROM parley.post_user_message(:letters2, 'from the second', :ann, 'a key');
SELECT sender_id = :ann AS from_ann FROM parley.post_user_message(:letters2, 'goes on', :ann);
SELECT parley.post_user_message(:letters2, 'by the old id', :ann2);

-- who_blocks_and_is_blocked_stays_so
SELECT conversation_id = :dan_ann2 AS with_dan, contact_id = :ann AS is_ann, is_blocked FROM parley.members
	WHERE conversation_id IN (:dan_ann2, :cid_ann, :cid_ann2) AND is_blocked ORDER BY conversation_id;
SELECT user_id = :ann AS by_ann, contact_id = :ann AS is_ann FROM parley.blocks WHERE :ann IN (user_id, contact_id) ORDER BY 1;

-- sync_goes_on: the first is told what the second had, and the others whose it is now
SELECT m ->> 'content' AS content, (m ->> 'sender_id')::bigint = :ann AS from_ann, m ->> 'deleted_at' IS NOT NULL AS deleted
	FROM parley.sync(:ann, :'ann_cursor') s, json_array_elements(s.messages) m;
SELECT messages, more FROM parley.sync(:ann2, :'ann2_cursor');
SELECT m ->> 'content' AS content, (m ->> 'sender_id')::bigint = :ann AS from_ann FROM parley.sync(:cid, :'cid_cursor') s, json_array_elements(s.messages) m;

-- a_contact_without_a_conversation_takes_the_other's, and ids lead all the way
SELECT id AS zoe FROM parley.create_contact('Zoë Merge') \gset
SELECT id FROM parley.merge_contacts(:zoe, :ann) WHERE id <> :zoe;
SELECT id = :letters2 OR id = :letters AS is_anns, created FROM parley.open_contact_conversation(:zoe);
SELECT name, phone FROM parley.get_contact(:ann2);
-- who is blocked by an old id cannot write either
SELECT parley.unblock_contact(:cid, :ann2), parley.block_contact(:cid, :ann), parley.block_contact(:cid, :ann2);
SELECT contact_id = :zoe AS is_zoe FROM parley.get_block(:cid, :ann2);
SELECT bool_and(is_blocked) AS in_both FROM parley.members WHERE conversation_id IN (:cid_ann, :cid_ann2) AND contact_id = :zoe;
SELECT parley.block_contact(:zoe, :ann2);
SELECT count(*) FROM parley.list_contacts(NULL, 200) WHERE id IN (:ann, :ann2);
SELECT * FROM pg_temp.audit;
