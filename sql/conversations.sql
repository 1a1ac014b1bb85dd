-- conversations: one with the operator per contact, one direct conversation per pair. Each kind has its key and its members.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT id AS ana FROM parley.create_contact('Ana Conversations', '+1 701 555 0001') \gset
SELECT id AS bob FROM parley.create_contact('Bob Conversations', '+1 701 555 0002', 'bob@conversations.example') \gset
SELECT id AS cem FROM parley.create_contact('Cem Conversations', NULL, 'cem@conversations.example') \gset

-- the_operator_has_one_conversation_with_a_contact
SELECT id AS with_ana FROM parley.open_contact_conversation(:ana) \gset
SELECT id = :with_ana AS same, created FROM parley.open_contact_conversation(:ana);
SELECT contact_id = :bob AS with_bob, kind, created FROM parley.open_contact_conversation(:bob);
SELECT parley.open_contact_conversation(-1);

-- a_pair_has_one_direct_conversation_whoever_opens_it
SELECT id AS ana_bob FROM parley.open_direct_conversation(:bob, :ana) \gset
SELECT id = :ana_bob AS same, kind, user1_id = :ana AS smaller_first, user2_id = :bob AS larger_second, created
	FROM parley.open_direct_conversation(:ana, :bob);
SELECT id = :ana_bob AS same, created FROM parley.open_direct_conversation(:bob, phone => '17015550001');
SELECT count(*) AS members FROM parley.members WHERE conversation_id = :ana_bob AND contact_id IN (:ana, :bob);

-- not_with_oneself_or_with_someone_unknown
\set VERBOSITY sqlstate
SELECT parley.open_direct_conversation(:ana, :ana);
SELECT parley.open_direct_conversation(:ana, phone => '+1 701 555 0001');
SELECT parley.open_direct_conversation(:ana, -1);
SELECT parley.open_direct_conversation(-1, :ana);
SELECT parley.open_direct_conversation(:ana, phone => '+1 701 555 0999');
\set VERBOSITY terse
SELECT parley.open_direct_conversation(:ana);
SELECT parley.open_direct_conversation(:ana, :bob, '+1 701 555 0002');

-- a_conversation_shows_its_participants_by_phone_or_else_by_email
SELECT id AS cem_bob FROM parley.open_direct_conversation(:cem, :bob) \gset
SELECT p ->> 'name' AS name, p ->> 'identifier' AS identifier, p ->> 'type' AS type
	FROM parley.conversation(:cem_bob), json_array_elements(participants) p;
SELECT kind, last_message_id, messages FROM parley.conversation(:cem_bob);
SELECT parley.conversation(-1);

-- a_kind_without_its_key_is_refused
INSERT INTO parley.conversations (kind, contact_id, low_contact_id, high_contact_id) VALUES ('contact', 1, 1, 2);
INSERT INTO parley.conversations (kind, low_contact_id, high_contact_id) VALUES ('direct', 2, 1);
INSERT INTO parley.conversations (kind, contact_id) VALUES ('chat', 1);

SELECT * FROM parley.audit_conversations();
