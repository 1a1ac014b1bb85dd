-- erasures: of a contact, with its receipt; of old messages; and many contacts made at once.
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE VIEW pg_temp.audit AS SELECT rule, found FROM parley.audit_conversations() UNION ALL SELECT rule, found FROM parley.audit_ledger();
SELECT id AS eve FROM parley.create_user('+1 700 557 0001', 'Eve Erased', 'eve@erased.example') \gset
SELECT id AS max FROM parley.create_user('+1 700 557 0002', 'Max Kept') \gset
SELECT id AS talk FROM parley.open_direct_conversation(:eve, :max) \gset
SELECT id AS letters FROM parley.open_contact_conversation(:eve) \gset
SELECT count(*) FROM (SELECT parley.change_contact(:eve, attributes => '{"plan": "gold"}'), parley.post_message(:letters, 'from the operator'),
	parley.post_user_message(:letters, 'erasable one', :eve, 'one'), parley.post_user_message(:talk, 'kept by max', :max),
	parley.post_user_message(:talk, 'erasable two', :eve), parley.post_user_message(:talk, 'erasable three', :eve, 'three'),
	parley.edit_user_message(:eve, :talk, 3, 'erasable three again'), parley.post_user_message(:talk, 'erasable four', :eve, 'four'),
	parley.delete_user_message(:eve, :talk, 4), parley.open_account(:eve, 'EUR', 'savings of eve'), parley.open_account(:max, 'EUR'),
	parley.post_transaction(:eve, 1, 100, 'a memo stays')) AS made;
SELECT message_id FROM parley.post_transfer(:eve, 1, :max, 1, 5, 'erasable memo', :talk);
SELECT cursor AS max_cursor FROM parley.sync(:max) \gset

-- a_receipt_says_what_was_erased, and a repetition the same
SELECT parley.erase_contact(-1);
SELECT contact_id = :eve AS eve, erased_at > now() - interval '1 minute' AS now, caller_id, fields, messages, idempotency_hashes, account_names
	FROM parley.erase_contact(:eve, 7);
SELECT contact_id = :eve AS eve, caller_id, fields, messages, idempotency_hashes, account_names FROM parley.erase_contact(:eve, 8);

-- nothing_is_left_but_the_id, and the_ledger's_lines
SELECT name, phone, email, attributes FROM parley.get_contact(:eve);
SELECT count(*) FROM parley.list_contacts('', 200) WHERE id = :eve;
SELECT term, (SELECT count(*) FROM parley.list_conversations(term)) AS of_operator, (SELECT count(*) FROM parley.list_user_conversations(:max, term)) AS of_max,
	(SELECT count(*) FROM parley.list_contacts(term)) AS contacts FROM unnest(ARRAY['erasable', 'eve erased', '557 0001', 'eve@erased.example']) term;
SELECT message_id, content, deleted_at IS NOT NULL AS deleted FROM parley.list_messages(:talk);
SELECT content FROM parley.list_conversations() WHERE conversation_id IN (:talk, :letters) ORDER BY conversation_id;
SELECT id, amount, memo FROM parley.list_transactions(:eve, 1);
SELECT name, balance FROM parley.list_accounts(:eve);
SELECT * FROM pg_temp.audit;
SELECT participants FROM parley.conversation(:letters) WHERE participants::text ~* 'eve|557';

-- sync_tells_that_they_are_gone
SELECT m ->> 'message_id' AS message_id, m ->> 'content' AS content, m ->> 'deleted_at' IS NOT NULL AS deleted
	FROM parley.sync(:max, :'max_cursor') s, json_array_elements(s.messages) m;

-- a_late_repetition_of_a_request_makes_nothing
SELECT message_id, replayed FROM parley.post_user_message(:letters, 'erasable one', :eve, 'one');

-- what_it_wrote_after_the_erasure_is_erased_by_a_repetition, which the receipt counts
SELECT message_id FROM parley.post_user_message(:talk, 'erasable late', :eve, 'late');
SELECT caller_id, fields, messages, idempotency_hashes, account_names FROM parley.erase_contact(:eve, 8);
SELECT messages, idempotency_hashes FROM parley.erase_contact(:eve);
SELECT count(*) FROM parley.list_messages(:talk, "searchValue" => 'erasable');

-- the_phone_is_free_again, and the erased stays erased
\set VERBOSITY sqlstate
SELECT parley.change_contact(:eve, name => 'Eve Again');
SELECT parley.merge_contacts(:max, :eve);
SELECT id <> :eve AS another FROM parley.create_user('+1 700 557 0001', 'Somebody Else');
INSERT INTO parley.contacts (erased_at, name) VALUES (now(), 'x');
UPDATE parley.contacts SET phone = '+1 700 557 0009' WHERE id = :eve;
\set VERBOSITY terse

-- what_remains_is_told, until it is taken away
SELECT what, erasures, since IS NOT NULL AS since FROM parley.erasure_pending() WHERE what ~ 'parts';
VACUUM (ANALYZE) parley.contacts, parley.messages, parley.accounts;
REINDEX INDEX parley.messages_grams;
REINDEX INDEX parley.contacts_grams;
REINDEX INDEX parley.contacts_name_trgm;
CHECKPOINT;
SELECT pg_stat_clear_snapshot();
SELECT what FROM parley.erasure_pending();

-- messages_between_two_times_become_tombstones, batch by batch, in conversations of a kind
SELECT clock_timestamp() AS since, token FROM parley.create_application('aging') \gset
SELECT count(*) FROM generate_series(1, 25) n, parley.post_user_message(CASE n % 2 WHEN 0 THEN :talk ELSE :letters END, 'aged ' || n, CASE n % 2 WHEN 0 THEN :max ELSE :eve END);
SELECT number FROM parley.create_chat(:'token');
SELECT number FROM parley.post_chat_message(:'token', 1, 'aged chat');
SELECT clock_timestamp() AS then \gset
SELECT message_id > 0 AS posted FROM parley.post_user_message(:talk, 'young', :max);
CREATE FUNCTION pg_temp.erase(before timestamptz, since timestamptz, kind parley.conversation_kind) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
	batch record;
	place record;
BEGIN
	SELECT since AS at, 0::bigint AS id, 0::bigint AS number INTO place;
	LOOP
		batch := parley.erase_batch(before, kind, 5, place.at, place.id, place.number);
		RETURN NEXT batch.messages;
		EXIT WHEN batch.after_at IS NULL;
		SELECT batch.after_at AS at, batch.after_conversation_id AS id, batch.after_number AS number INTO place;
	END LOOP;
END $$;
SELECT pg_temp.erase(:'then', :'since', 'contact') AS erased;
SELECT content FROM parley.list_conversations('aged') ORDER BY 1;
SELECT count(*) FROM parley.search_chat(:'token', 1, 'aged');
SELECT sum(e) AS erased FROM pg_temp.erase(:'then', :'since', NULL) e;
SELECT sum(e) AS erased FROM pg_temp.erase(:'then', :'since', NULL) e;
SELECT content FROM parley.list_conversations() WHERE conversation_id IN (:talk, :letters) ORDER BY 1;
SELECT count(*) FROM parley.search_chat(:'token', 1, 'aged');
CALL parley.erase_messages('-infinity');
CALL parley.erase_messages(NULL);
CALL parley.erase_messages('-infinity', size => 0);
SELECT * FROM pg_temp.audit;

-- contacts_are_made_many_at_once, with_a_verdict_each
SELECT n, id IS NOT NULL AS has_id, id = :max AS is_max, created, refused, detail FROM parley.create_contacts(
	ARRAY['Many One', 'Many Two', NULL, 'Many Four', repeat('x', 201)], ARRAY['+1 700 557 0101', '1-700-557-0002', NULL, '12', NULL],
	ARRAY[NULL, NULL, NULL, NULL, NULL]::text[]);
SELECT n, created FROM parley.create_contacts(ARRAY['Many One'], ARRAY['17005570101', '+1 700 557 0102'], NULL);
SELECT n, created FROM parley.create_contacts('[0:1]={Zero,One}', NULL, NULL);
SELECT count(*) FROM parley.create_contacts('{}', NULL, '{}');
SELECT count(*) FROM parley.create_contacts(NULL, NULL, NULL);
SELECT parley.create_contacts(array_fill('x'::text, ARRAY[10001]), NULL, NULL);

-- COPY_makes_contacts, and_leaves_those_alone_who_are_there
COPY parley.contact_import (name, phone, email, attributes) FROM STDIN (FORMAT csv, HEADER);
name,phone,email,attributes
Copied One,+1 700 557 0201,,"{""plan"": ""gold""}"
Copied Two,+1 700 557 0002,copied@erased.example,
Copied Three,,three@erased.example,
\.
SELECT name, phone, email, attributes FROM parley.list_contacts('copied');
COPY parley.contact_import (name, phone) FROM STDIN (FORMAT csv);
Copied Four,+1 700 557 0204
Copied Five,12
\.
SELECT count(*) FROM parley.list_contacts('copied four') WHERE similarity = 1;
SET ROLE parley_operator;
COPY parley.contact_import (name) FROM STDIN;
Copied By The Operator
\.
RESET ROLE;
SELECT name FROM parley.list_contacts('by the operator') WHERE similarity = 1;
