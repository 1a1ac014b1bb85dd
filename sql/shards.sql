-- shards: an id contains the logical shard of its conversation, a token that of its application. Older ones are reported and
-- renumbered.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT id AS ana FROM parley.create_contact('Ana Shards', '+1 714 555 0001') \gset
SELECT id AS bob FROM parley.create_contact('Bob Shards', '+1 714 555 0002') \gset
SELECT id AS with_bob FROM parley.open_contact_conversation(:bob) \gset
SELECT id AS ana_bob FROM parley.open_direct_conversation(:bob, :ana) \gset
SELECT token AS app FROM parley.create_application('Shards') \gset
SELECT number FROM parley.create_chat(:'app');

-- ids_carry_the_shard_of_the_contact_the_smaller_contact_or_the_application
SELECT :with_bob & 1023 = :bob & 1023 AS contact, :ana_bob & 1023 = least(:ana, :bob) & 1023 AS direct, :with_bob >= 1024 AS numbered;
SELECT c.id & 1023 = a.id & 1023 AS chat, parley.token_shard(a.token) = a.id & 1023 AS token
	FROM parley.applications a JOIN parley.conversations c ON c.application_id = a.id WHERE a.token = :'app';
SELECT count(*) FROM parley.audit_shards();

-- every_logical_shard_has_its_two_characters
SELECT count(DISTINCT left(parley.shard_token(s), 2)), bool_and(parley.token_shard(parley.shard_token(s)) = s) FROM generate_series(0, 1023) s;
SELECT t, parley.token_shard(t) FROM unnest(ARRAY['', 'nobody', repeat('z', 32), repeat('é', 32), repeat('A', 33)]) t;

-- a_key_has_its_application_on_one_shard
SELECT count(DISTINCT token) FROM (SELECT (parley.create_application('Keyed shards', 'shards-1')).token FROM generate_series(1, 2)) t;

-- an_id_stays_below_2_to_the_53rd
SELECT last_value AS last FROM parley.conversations_id_seq \gset
BEGIN;
SELECT setval('parley.conversations_id_seq', 8796093022206);
SELECT id <= 9007199254740991 AS exact_in_json FROM parley.open_contact_conversation(:ana);
DELETE FROM parley.members WHERE contact_id = :ana;
DELETE FROM parley.conversations WHERE contact_id = :ana;
SELECT parley.open_contact_conversation(:ana);
ROLLBACK;
SELECT setval('parley.conversations_id_seq', :last) = :last AS set_back;
INSERT INTO parley.conversations (id, kind, contact_id) VALUES (9007199254740992, 'contact', :ana);

-- a_sequence_behind_its_data_is_reported
BEGIN;
SELECT parley.open_contact_conversation(:ana) IS NOT NULL AS opened, currval('parley.conversations_id_seq') AS last \gset
SELECT setval('parley.conversations_id_seq', :last, false) = :last AS set_back;
UPDATE parley.conversations SET contact_id = contact_id + 1024 WHERE kind = 'contact' AND contact_id = :ana;
SAVEPOINT behind;
SELECT parley.open_contact_conversation(:ana);
ROLLBACK TO behind;
ROLLBACK;

-- what_parley_1_0_created_is_reported, and renumbered with everything that refers to it
INSERT INTO parley.contacts (id, name) SELECT 1024 * 1024 * n, 'Old shards ' || n FROM generate_series(1, 5) n;
INSERT INTO parley.conversations (id, kind, contact_id) SELECT -n, 'contact', 1024 * 1024 * n FROM generate_series(1, 5) n;
INSERT INTO parley.members (conversation_id, contact_id) SELECT -n, 1024 * 1024 * n FROM generate_series(1, 5) n;
SELECT message_id FROM parley.post_message(-3, 'old shards');
INSERT INTO parley.conversations (id, kind, contact_id) VALUES (1024::bigint * 1024 * 1024 * 1024 + 1, 'contact', 1024 * 1024 * 9);
SELECT rule, found, count(*) FROM parley.audit_shards() GROUP BY rule, found ORDER BY found;
CALL parley.rekey_conversations(2);
SELECT count(*) FROM parley.audit_shards();
SELECT count(*) AS renumbered FROM parley.conversations WHERE contact_id IN (SELECT id FROM parley.contacts WHERE name LIKE 'Old shards%') AND id > 0;
SELECT m.content FROM parley.conversations c, parley.list_messages(c.id) m WHERE c.contact_id = 1024 * 1024 * 3;
SELECT count(*) FROM parley.members m JOIN parley.conversations c ON c.id = m.conversation_id AND c.contact_id = m.contact_id
	WHERE m.contact_id % 1048576 = 0;
DELETE FROM parley.conversations WHERE contact_id = 1024 * 1024 * 9;
SELECT * FROM parley.audit_conversations();

-- a_token_of_another_shard_is_reported
BEGIN;
UPDATE parley.applications SET token = parley.shard_token((((id & 1023) + 1) % 1024)::integer) WHERE token = :'app';
SELECT rule, regexp_replace(found, '\d+', 'N', 'g') AS found FROM parley.audit_shards();
UPDATE parley.applications SET id = 1 WHERE name = 'Shards';
SELECT rule, found FROM parley.audit_shards();
ROLLBACK;

-- every_route_says_where_it_runs: on the home shard, on the front, or on the shard of one of its arguments
SELECT runs_on, count(*) > 0 AS some FROM parley.describe_routes() GROUP BY runs_on ORDER BY runs_on;
SELECT d.method, d.path FROM parley.describe_routes() d
	WHERE d.runs_on NOT IN ('home', 'front') AND NOT EXISTS (SELECT FROM jsonb_array_elements(d.parameters) p WHERE p ->> 'name' = d.runs_on);
SELECT d.method, d.path FROM parley.describe_routes() d WHERE d.runs_on = 'home' AND d.path ~ 'conversation_id|token';
