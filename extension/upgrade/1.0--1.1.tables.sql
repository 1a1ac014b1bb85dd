-- 1.0--1.1: what cannot be done by running functions again. The Makefile appends the functions of a fresh install, as CREATE OR
-- REPLACE.
--
-- If you change a *.tables.sql, or the arguments or result of a function, add the statement for a filled 1.0 database here:
-- ALTER, CREATE, DROP FUNCTION of the old signature, INSERT INTO parley.routes. New columns and attributes go last in the fresh
-- install too. If the SQL signature of a C function changes, it gets a new C symbol, and the old symbol continues to serve the
-- old signature. test/lifecycle/update.test.mjs names the first difference from a fresh install.

\echo Use "ALTER EXTENSION parley UPDATE" to load this file. \quit

-- A superuser runs this. Otherwise PostgreSQL would also look up names in pg_trgm's schema, where others may have put functions
-- that match better.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL quote_all_identifiers = off;
-- It is too late to change the setting here, because the whole script has been read.
DO $$
BEGIN
	IF current_setting('standard_conforming_strings') <> 'on' THEN
		RAISE EXCEPTION 'standard_conforming_strings is off' USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'SET standard_conforming_strings = on, and try again.';
	END IF;
END $$;

-- Running gateways read the routes and the version again when this has committed.
NOTIFY parley_routes;

-- schema: everything belongs to its own role.
DO $$
BEGIN
	CREATE ROLE parley_owner NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
	NULL;
END $$;

-- api: what the installation closed or changed of the routes that 1.0 shipped. This must come before anything else changes them.
ALTER TABLE parley.routes ADD COLUMN changed boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN parley.routes.built_in IS 'comes with the extension, so it is not dumped unless it was changed';
COMMENT ON COLUMN parley.routes.changed IS 'comes with the extension and was changed by this installation';
CREATE TABLE parley.closed_routes (
	path text NOT NULL,
	method text NOT NULL,
	PRIMARY KEY (path, method)
);
COMMENT ON TABLE parley.closed_routes IS
	'routes that come with the extension and that this installation deleted; INSERT INTO parley.routes restores one';
SELECT pg_extension_config_dump('parley.routes', 'WHERE NOT built_in OR changed');
SELECT pg_extension_config_dump('parley.closed_routes', '');

-- If a later version changes a shipped route, it must do so WHERE NOT changed, with routes_keep_changes disabled meanwhile.
WITH shipped (method, path, function, auth, status) AS (VALUES
	('GET', '/conversations', 'parley.list_conversations', 'operator', 200),
	('GET', '/conversations/{conversation_id}', 'parley.conversation', 'operator', 200),
	('GET', '/conversations/{conversation_id}/messages', 'parley.list_messages', 'operator', 200),
	('POST', '/conversations/{conversation_id}/messages', 'parley.post_message', 'operator', 201),
	('POST', '/contacts', 'parley.create_contact', 'operator', 201),
	('GET', '/contacts/{contact_id}', 'parley.get_contact', 'operator', 200),
	('POST', '/contacts/{contact_id}/conversation', 'parley.open_contact_conversation', 'operator', 201),
	('POST', '/users', 'parley.create_user', 'none', 201),
	('GET', '/users/{user_id}', 'parley.get_user', 'user', 200),
	('GET', '/users/{user_id}/conversations', 'parley.list_user_conversations', 'user', 200),
	('POST', '/users/{user_id}/conversations', 'parley.open_direct_conversation', 'user', 201),
	('POST', '/users/{user_id}/conversations/{conversation_id}/messages', 'parley.post_user_message', 'user', 201),
	('GET', '/users/{user_id}/conversations/{conversation_id}/messages', 'parley.list_user_messages', 'user', 200),
	('GET', '/users/{user_id}/conversations/{conversation_id}/messages/{message_id}', 'parley.get_user_message', 'user', 200),
	('PUT', '/users/{user_id}/conversations/{conversation_id}/messages/{message_id}', 'parley.edit_user_message', 'user', 200),
	('DELETE', '/users/{user_id}/conversations/{conversation_id}/messages/{message_id}', 'parley.delete_user_message', 'user', 204),
	('PUT', '/users/{user_id}/conversations/{conversation_id}/read', 'parley.mark_read', 'user', 200),
	('GET', '/users/{user_id}/sync', 'parley.sync', 'user', 200),
	('POST', '/users/{user_id}/accounts', 'parley.open_account', 'user', 201),
	('GET', '/users/{user_id}/accounts', 'parley.list_accounts', 'user', 200),
	('POST', '/users/{user_id}/accounts/{account_id}/transactions', 'parley.post_transaction', 'user', 201),
	('GET', '/users/{user_id}/accounts/{account_id}/transactions', 'parley.list_transactions', 'user', 200),
	('GET', '/users/{user_id}/accounts/{account_id}/balance', 'parley.get_balance', 'user', 200),
	('GET', '/users/{user_id}/transactions/max', 'parley.find_largest_expense', 'user', 200),
	('POST', '/users/{user_id}/transfers', 'parley.post_transfer', 'user', 201),
	('POST', '/applications', 'parley.create_application', 'operator', 201),
	('GET', '/applications', 'parley.list_applications', 'operator', 200),
	('GET', '/applications/{token}', 'parley.get_application', 'application', 200),
	('PUT', '/applications/{token}', 'parley.rename_application', 'application', 200),
	('POST', '/applications/{token}/chats', 'parley.create_chat', 'application', 201),
	('GET', '/applications/{token}/chats', 'parley.list_chats', 'application', 200),
	('GET', '/applications/{token}/chats/{chat_number}', 'parley.get_chat', 'application', 200),
	('POST', '/applications/{token}/chats/{chat_number}/messages', 'parley.post_chat_message', 'application', 201),
	('GET', '/applications/{token}/chats/{chat_number}/messages', 'parley.list_chat_messages', 'application', 200),
	('GET', '/applications/{token}/chats/{chat_number}/messages/search', 'parley.search_chat', 'application', 200),
	('GET', '/applications/{token}/chats/{chat_number}/messages/{message_number}', 'parley.get_chat_message', 'application', 200),
	('PUT', '/applications/{token}/chats/{chat_number}/messages/{message_number}', 'parley.edit_chat_message', 'application', 200)
), closed AS (
	INSERT INTO parley.closed_routes SELECT s.path, s.method FROM shipped s
	WHERE NOT EXISTS (SELECT FROM parley.routes r WHERE (r.path, r.method) = (s.path, s.method))
)
UPDATE parley.routes r SET changed = true
WHERE r.built_in AND NOT EXISTS (SELECT FROM shipped s
	WHERE (s.method, s.path, s.function, s.auth, s.status) = (r.method, r.path, r.function, r.auth, r.status));

-- contacts: nothing read these.
DROP INDEX parley.contacts_phone_trgm, parley.contacts_phone_digits_trgm;

-- contact_list
CREATE TYPE parley.listed_contact AS (
	id bigint, name text, phone text, email text, created_at timestamptz, attributes jsonb, similarity real, next_cursor text
);
COMMENT ON TYPE parley.listed_contact IS 'a contact, and how similar its name is to the search term; 1 if it matches exactly';

-- ledger: the caller decides whether money may come in; audits name the columns that they read.
DROP FUNCTION parley.post_transaction(bigint, bigint, parley.amount, parley.memo, parley.idempotency_key);
DROP FUNCTION parley.audit_ledger();
DROP FUNCTION parley.true_expense_peaks();
ALTER DOMAIN parley.amount DROP CONSTRAINT amount_check;
ALTER DOMAIN parley.amount ADD CONSTRAINT amount_check CHECK (VALUE <> 0 AND VALUE >= -1000000000000000 AND VALUE <= 1000000000000000);
COMMENT ON DOMAIN parley.amount IS 'minor units (cents), in when positive, out when negative, never 0; at most 10^15';
ALTER DOMAIN parley.paid_amount DROP CONSTRAINT paid_amount_check;
ALTER DOMAIN parley.paid_amount ADD CONSTRAINT paid_amount_check CHECK (VALUE >= 1 AND VALUE <= 1000000000000000);
COMMENT ON DOMAIN parley.paid_amount IS 'minor units (cents) to pay, from 1 to 10^15';

-- conversations, applications: ids contain their logical shard. Those of 1.0 stay; the sequences continue.
DO $$
DECLARE
	owner text;
	sequence text;
	last_value bigint;
	is_called boolean;
BEGIN
	FOREACH owner IN ARRAY ARRAY['parley.conversations', 'parley.applications'] LOOP
		sequence := owner || '_id_seq';
		EXECUTE 'SELECT last_value, is_called FROM ' || sequence INTO last_value, is_called;
		EXECUTE format('ALTER EXTENSION parley DROP SEQUENCE %s', sequence);
		EXECUTE format('ALTER TABLE %s ALTER id DROP IDENTITY', owner);
		EXECUTE format('CREATE SEQUENCE %s MAXVALUE 8796093022207 OWNED BY %s.id', sequence, owner);
		PERFORM pg_catalog.setval(sequence, last_value, is_called), pg_catalog.pg_extension_config_dump(sequence, '');
	END LOOP;
END $$;
ALTER TABLE parley.conversations ADD CONSTRAINT conversations_id_check CHECK (id < 9007199254740992);
ALTER TABLE parley.members ALTER CONSTRAINT members_conversation_id_fkey DEFERRABLE;
COMMENT ON COLUMN parley.conversations.id IS
	'conversations_id_seq × 1024 + the logical shard, which is the low ten bits of contact_id, low_contact_id or application_id; '
	'set by a trigger if an insert does not give it';
COMMENT ON COLUMN parley.applications.id IS 'applications_id_seq × 1024 + the logical shard of the application and all its chats';
COMMENT ON COLUMN parley.applications.token IS
	'whoever knows it may use the application; the first two characters encode the logical shard; null if revoked';

-- contacts, conversations: users reach whom they know.
ALTER DOMAIN parley.phone_number DROP CONSTRAINT phone_number_check;
ALTER DOMAIN parley.phone_number ADD CONSTRAINT phone_number_check
	CHECK (VALUE ~* '^ *(tel:)?[+0-9 ()./\u00a0\u2000-\u2015\u202a-\u202f\u205f-\u2069\u2212\u3000\ufeff-]{1,50}$'
		AND VALUE !~ '[0-9].*\+' AND char_length(regexp_replace(VALUE, '[^0-9]', '', 'g')) BETWEEN 7 AND 15);
COMMENT ON DOMAIN parley.phone_number IS
	'a phone number of 7 to 15 digits, as it is typed or pasted: with blanks of any kind, ( ) . / -, a leading + and tel:';
ALTER TABLE parley.contacts ADD COLUMN registered_at timestamptz;
COMMENT ON COLUMN parley.contacts.registered_at IS
	'when the contact became a user; null if entered by the operator, in which case users cannot reach the contact';
ALTER TABLE parley.members ADD COLUMN has_written boolean NOT NULL DEFAULT false, ADD COLUMN gave_phone boolean NOT NULL DEFAULT false,
	ADD COLUMN is_blocked boolean NOT NULL DEFAULT false;
-- LIMIT keeps the planner from reading all messages: most members have written one of the first.
UPDATE parley.members m SET has_written = true
	WHERE (SELECT true FROM parley.messages w WHERE w.conversation_id = m.conversation_id AND w.sender_id = m.contact_id LIMIT 1);
COMMENT ON COLUMN parley.members.has_written IS 'has written a message here, so the other side is shown the member''s phone';
COMMENT ON COLUMN parley.members.gave_phone IS 'opened the conversation with the other side''s phone, so the member is shown it';
COMMENT ON COLUMN parley.members.is_blocked IS
	'the other side has blocked the member; a copy of what blocks says, so that a post need not look there';
CREATE TABLE parley.blocks (
	user_id bigint NOT NULL,
	contact_id bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, contact_id),
	CHECK (user_id <> contact_id)
);
COMMENT ON TABLE parley.blocks IS 'whom users have blocked';
COMMENT ON COLUMN parley.blocks.user_id IS 'who blocks';
COMMENT ON COLUMN parley.blocks.contact_id IS 'who is blocked, and cannot write in the direct conversation of the two';

CREATE TABLE parley.openings (
	user_id bigint PRIMARY KEY,
	since timestamptz NOT NULL,
	count integer NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE parley.openings IS 'how many direct conversations a user has started, which parley.new_conversations_per_day limits';
COMMENT ON COLUMN parley.openings.since IS 'the start of the current 24 hours, after which counting starts again';

SELECT pg_extension_config_dump('parley.blocks', '');
SELECT pg_extension_config_dump('parley.openings', '');
DROP FUNCTION parley.find_recipient(bigint, parley.phone_number);
DROP FUNCTION parley.open_direct_conversation(bigint, bigint, parley.phone_number);
DROP FUNCTION parley.create_user(parley.phone_number, parley.person_name, parley.email_address);
DROP FUNCTION parley.list_user_conversations(bigint, parley.search_term, parley.page_number, parley.page_limit, text, parley.count_mode);

-- applications: a token can be revoked.
ALTER TABLE parley.applications ALTER token DROP NOT NULL;

-- api: a route says where it runs.
ALTER TABLE parley.routes ADD COLUMN runs_on text NOT NULL DEFAULT 'home' CHECK (runs_on ~ '^[a-z_]+$');
COMMENT ON COLUMN parley.routes.runs_on IS
	'where it runs if there are several databases: home; front (in two steps, or on all); or the name of an argument, whose logical'
	' shard decides';
UPDATE parley.routes SET runs_on = CASE WHEN path ~ 'conversation_id' THEN 'conversation_id' WHEN path ~ 'token' THEN 'token' ELSE 'front' END
	WHERE built_in AND path ~ '(conversations?|sync|transfers|applications)(/|$)';
DROP FUNCTION parley.describe_routes();
DROP FUNCTION parley.add_route(text, text, regproc, text, smallint);

-- sync: adds horizons and transactions; the JSON of a message is inlined.
DROP FUNCTION parley.sync(bigint, text, parley.page_limit);
DROP FUNCTION parley.xid_reached(xid, bigint);
CREATE TYPE parley.shown_message AS (
	conversation_id bigint, message_id bigint, sender_id bigint, content text,
	created_at text, edited_at text, deleted_at text, agent_id bigint, transfer_id bigint
);
COMMENT ON TYPE parley.shown_message IS 'a message in a JSON response, with times as RFC 3339';

-- agents, cases: the people who work for the operator, and the operator's side of a conversation.
CREATE TABLE parley.agents (
	id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	name parley.person_name NOT NULL,
	email parley.email_address NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	disabled_at timestamptz
);
COMMENT ON TABLE parley.agents IS 'agents: the people who work for the operator';
COMMENT ON COLUMN parley.agents.disabled_at IS 'when the agent was disabled; null if active';

CREATE UNIQUE INDEX agents_email_key ON parley.agents (lower(email));

CREATE TYPE parley.agent AS (id bigint, name text, email text, created_at timestamptz, disabled_at timestamptz);
COMMENT ON TYPE parley.agent IS 'an agent, as every function and the API show it';

SELECT pg_extension_config_dump('parley.agents', '');
SELECT pg_extension_config_dump('parley.agents_id_seq', '');

CREATE DOMAIN parley.case_status AS text
	CHECK (VALUE IN ('open', 'snoozed', 'resolved'));
COMMENT ON DOMAIN parley.case_status IS 'open; snoozed: until a time, or until the contact writes; resolved: until the contact writes';

CREATE DOMAIN parley.label AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 50);
COMMENT ON DOMAIN parley.label IS 'a label of 1 to 50 characters';

CREATE FUNCTION parley.are_labels(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN pg_catalog.jsonb_typeof(value) = 'array' THEN
	pg_catalog.jsonb_array_length(value) <= 20
	AND NOT pg_catalog.jsonb_path_exists(value, '$[*] ? (@.type() != "string" || !(@ like_regex "^.{1,50}$" flag "s"))')
	ELSE value IS NULL END;
COMMENT ON FUNCTION parley.are_labels(jsonb) IS 'returns whether a value is an array of at most 20 labels';

CREATE DOMAIN parley.labels AS jsonb
	CHECK (parley.are_labels(VALUE));
COMMENT ON DOMAIN parley.labels IS 'an array of at most 20 labels, each of 1 to 50 characters';

-- assignee_id is a key of the other family (see docs/decisions.md), so there is no foreign key.
CREATE TABLE parley.cases (
	conversation_id bigint PRIMARY KEY REFERENCES parley.conversations DEFERRABLE,
	status parley.case_status NOT NULL DEFAULT 'open',
	snoozed_until timestamptz,
	assignee_id bigint,
	labels text[] NOT NULL DEFAULT '{}',
	CONSTRAINT cases_snoozed_until_a_time CHECK ((status = 'snoozed') = (snoozed_until IS NOT NULL))
);
COMMENT ON TABLE parley.cases IS
	'the operator''s side of a conversation; without a row, the conversation is open, unassigned and without labels';
COMMENT ON COLUMN parley.cases.assignee_id IS 'the agent to whom it is assigned; null if nobody';

CREATE INDEX cases_settled ON parley.cases (status, snoozed_until) WHERE status <> 'open';
CREATE INDEX cases_assignee ON parley.cases (assignee_id) WHERE assignee_id IS NOT NULL;
CREATE INDEX cases_labels ON parley.cases USING gin (labels);

CREATE TYPE parley.case_state AS (
	conversation_id bigint, status text, snoozed_until timestamptz, assignee_id bigint, labels text[]
);
COMMENT ON TYPE parley.case_state IS 'a case, as every function and the API show it';

SELECT pg_extension_config_dump('parley.cases', '');

ALTER TABLE parley.conversations
	ADD COLUMN operator_read_number bigint NOT NULL DEFAULT 0,
	ADD COLUMN is_settled boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN parley.conversations.operator_read_number IS
	'the operator''s read horizon: the highest number that the operator has read; it only advances. It is here and not in '
	'parley.cases, so that a post can advance it in the update that it makes anyway';
COMMENT ON COLUMN parley.conversations.is_settled IS 'its case is snoozed or resolved: a post by anyone except the operator opens it again';
DROP FUNCTION parley.conversation(bigint);
INSERT INTO parley.routes (method, path, function, auth, status, built_in, runs_on) VALUES
	('PUT', '/conversations/{conversation_id}/messages/{message_id}', 'parley.edit_message', 'operator', 200, true, 'conversation_id'),
	('DELETE', '/conversations/{conversation_id}/messages/{message_id}', 'parley.delete_message', 'operator', 204, true, 'conversation_id'),
	('PUT', '/conversations/{conversation_id}/case', 'parley.set_case', 'operator', 200, true, 'conversation_id'),
	('PUT', '/conversations/{conversation_id}/read', 'parley.mark_operator_read', 'operator', 200, true, 'conversation_id'),
	('GET', '/agents', 'parley.list_agents', 'operator', 200, true, 'home'),
	('POST', '/agents', 'parley.create_agent', 'operator', 201, true, 'home'),
	('PUT', '/agents/{agent_id}', 'parley.change_agent', 'operator', 200, true, 'home');
INSERT INTO parley.routes (method, path, function, auth, status, built_in, runs_on)
	VALUES ('GET', '/contacts', 'parley.list_contacts', 'operator', 200, true, 'home') ON CONFLICT DO NOTHING;

-- api: the document of the routes is a route itself, and not for the public listener.
ALTER TABLE parley.routes ADD COLUMN internal boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN parley.routes.internal IS 'served only on --admin-listen, if that is set';
INSERT INTO parley.routes (method, path, function, auth, built_in, internal) VALUES
	('GET', '/openapi.json', 'parley.openapi', 'none', true, true);
-- ledger: transfers have an id, which receipts contain.
ALTER TABLE parley.transfers ADD COLUMN id bigint GENERATED BY DEFAULT AS IDENTITY UNIQUE;
SELECT pg_extension_config_dump('parley.transfers_id_seq', '');
COMMENT ON COLUMN parley.transfers.id IS 'transfer_id in the receipt';
ALTER TABLE parley.messages ADD COLUMN transfer_id bigint;
COMMENT ON COLUMN parley.messages.transfer_id IS
	'the transfer for which this is the receipt, set only by the ledger; such a message is never edited or deleted';
UPDATE parley.messages m SET transfer_id = f.id FROM parley.transfers f
	WHERE m.conversation_id = f.conversation_id AND m.number = f.message_number AND m.deleted_at IS NULL;

-- api: the ledger's trial balance.
INSERT INTO parley.routes (method, path, function, auth, status, built_in, runs_on) VALUES
	('GET', '/ledger/trial-balance', 'parley.trial_balance', 'operator', 200, true, 'home');
-- live: routes that stream.
ALTER TABLE parley.routes ADD COLUMN streams boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN parley.routes.streams IS
	'the response is a stream of server-sent events: the function is called again, with the last value of its column cursor, when '
	'the user in the path, or else the operator, has something new';
INSERT INTO parley.routes (method, path, function, auth, status, built_in, runs_on, streams) VALUES
	('GET', '/events', 'parley.sync_list', 'operator', 200, true, 'front', true),
	('GET', '/users/{user_id}/events', 'parley.sync', 'user', 200, true, 'front', true);
-- conversations, messages: the number of the newest message is stored.
ALTER TABLE parley.conversations ADD COLUMN newest_number bigint;
COMMENT ON COLUMN parley.conversations.newest_number IS
	'the number of the newest message that is not deleted; null if there is none. The list of conversations shows this message';
COMMENT ON COLUMN parley.messages.idempotency_hash IS
	'hash of the sender and content that came with the key; after an edit or deletion, only the length of the first content in '
	'bytes';

-- api: new routes.
INSERT INTO parley.routes (method, path, function, auth, status, built_in, runs_on) VALUES
	('PUT', '/users/{user_id}/blocks/{contact_id}', 'parley.block_contact', 'user', 204, true, 'front'),
	('DELETE', '/users/{user_id}/blocks/{contact_id}', 'parley.unblock_contact', 'user', 204, true, 'front'),
	('GET', '/users/{user_id}/blocks/{contact_id}', 'parley.get_block', 'user', 200, true, 'home'),
	('POST', '/applications/{token}/token', 'parley.rotate_token', 'application', 200, true, 'token'),
	('DELETE', '/applications/{token}', 'parley.revoke_application', 'operator', 204, true, 'token');

-- messages: the agent who sent it, and whether the ledger did.
ALTER TABLE parley.messages ADD COLUMN agent_id bigint;
COMMENT ON COLUMN parley.messages.agent_id IS 'the agent who sent it for the operator; null if sent by a member, or not by an agent';
ALTER TYPE parley.message ADD ATTRIBUTE agent_id bigint, ADD ATTRIBUTE transfer_id bigint;
ALTER TYPE parley.posted_message ADD ATTRIBUTE agent_id bigint, ADD ATTRIBUTE transfer_id bigint;
ALTER TYPE parley.listed_message ADD ATTRIBUTE agent_id bigint, ADD ATTRIBUTE transfer_id bigint;
DROP FUNCTION parley.post_message(bigint, parley.message_content, bigint, parley.idempotency_key);
-- contacts: attributes, which only the operator sees.
-- A column of a domain that had its constraint already would write the table and its indexes again.
CREATE DOMAIN parley.contact_attributes AS jsonb;
COMMENT ON DOMAIN parley.contact_attributes IS 'a JSON object of at most 8,192 bytes';
ALTER TABLE parley.contacts
	ADD COLUMN attributes parley.contact_attributes NOT NULL DEFAULT '{}',
	ADD COLUMN merged_into_id bigint,
	ADD COLUMN erased_at timestamptz,
	DROP CONSTRAINT contacts_are_reachable,
	ADD CONSTRAINT contacts_are_reachable CHECK (CASE WHEN merged_into_id IS NULL AND erased_at IS NULL THEN num_nonnulls(name, phone, email) >= 1
		ELSE num_nonnulls(name, phone, email) = 0 AND attributes = '{}' END);
ALTER DOMAIN parley.contact_attributes
	ADD CONSTRAINT contact_attributes_check CHECK (jsonb_typeof(VALUE) = 'object' AND octet_length(VALUE::text) <= 8192);
COMMENT ON COLUMN parley.contacts.merged_into_id IS 'the contact into whom this one was merged; only the id is left of it, and leads there';
COMMENT ON COLUMN parley.contacts.erased_at IS 'when the contact was erased; only the id is left of it';
CREATE INDEX contacts_merged_into ON parley.contacts (merged_into_id) WHERE merged_into_id IS NOT NULL;
COMMENT ON COLUMN parley.contacts.attributes IS 'notes of the operator about the contact, which the contact is not shown';
ALTER TYPE parley.contact ADD ATTRIBUTE attributes jsonb;
CREATE TYPE parley.registered_user AS (
	id bigint,
	name text,
	phone text,
	email text,
	created_at timestamptz
);
COMMENT ON TYPE parley.contact IS 'a contact, as the operator''s functions show it';
COMMENT ON TYPE parley.registered_user IS 'a user, as registration shows it';
DROP FUNCTION parley.create_contact(parley.person_name, parley.phone_number, parley.email_address);
INSERT INTO parley.routes (method, path, function, auth, status, built_in, runs_on) VALUES
	('PUT', '/contacts/{contact_id}', 'parley.change_contact', 'operator', 200, true, 'front'),
	('POST', '/contacts/{contact_id}/merge', 'parley.merge_contacts', 'operator', 200, true, 'front'),
	('POST', '/contacts/{contact_id}/erasure', 'parley.erase_contact', 'operator', 200, true, 'front');

-- merges, erasures
ALTER TABLE parley.conversations ADD COLUMN merged_id bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN parley.conversations.merged_id IS
	'the conversation''s own id if it came from a contact who was merged into another one: it keeps its id, which has the shard of '
	'the contact with whom it was opened, and exists beside the conversation that opening finds; otherwise 0';
-- This writes the table anew, so that the indexes can be used at once, though the table's rows have been updated.
ALTER TABLE parley.conversations
	ADD COLUMN listed_at timestamptz GENERATED ALWAYS AS (CASE WHEN kind <> 'chat' THEN last_message_at END) STORED,
	ADD COLUMN has_unread boolean GENERATED ALWAYS AS (operator_read_number < last_number) STORED;
COMMENT ON COLUMN parley.conversations.listed_at IS
	'last_message_at of what is listed, by which the list is ordered; null for chats';
COMMENT ON COLUMN parley.conversations.has_unread IS 'there may be messages that the operator has not read';
DROP INDEX parley.conversations_last_message_at;
CREATE INDEX conversations_listed_at ON parley.conversations (listed_at DESC, id DESC) WHERE listed_at IS NOT NULL;
CREATE INDEX conversations_by_case ON parley.conversations (is_settled DESC, has_unread DESC, listed_at DESC, id DESC)
	WHERE listed_at IS NOT NULL;
DROP INDEX parley.conversations_contact_key, parley.conversations_direct_key;
CREATE UNIQUE INDEX conversations_contact_key ON parley.conversations (contact_id, merged_id) WHERE kind = 'contact';
CREATE UNIQUE INDEX conversations_direct_key ON parley.conversations (low_contact_id, high_contact_id, merged_id) WHERE kind = 'direct';
-- Rows are changed after the indexes are created. Otherwise the indexes of a table with changes by this transaction could not be
-- used at once. 1.0 did not record who registered. We take these for users: contacts with a phone and no conversation with the
-- operator, or with a conversation with another contact, or with an account.
UPDATE parley.contacts k SET registered_at = k.created_at
	WHERE k.phone IS NOT NULL AND (NOT EXISTS (SELECT FROM parley.conversations c WHERE c.kind = 'contact' AND c.contact_id = k.id)
		OR EXISTS (SELECT FROM parley.members m JOIN parley.conversations c ON c.id = m.conversation_id WHERE m.contact_id = k.id AND c.kind = 'direct')
		OR EXISTS (SELECT FROM parley.accounts a WHERE a.user_id = k.id));
UPDATE parley.conversations c SET newest_number = (SELECT m.number FROM parley.messages m
		WHERE m.conversation_id = c.id AND m.created_at = c.last_message_at AND m.deleted_at IS NULL ORDER BY m.number DESC LIMIT 1),
	-- What 1.0 received is no news.
	operator_read_number = c.last_number
	WHERE c.last_number > 0;
CREATE TABLE parley.erasures (
	contact_id bigint PRIMARY KEY,
	erased_at timestamptz NOT NULL DEFAULT now(),
	caller_id bigint,
	fields text[] NOT NULL,
	messages bigint NOT NULL,
	idempotency_hashes bigint NOT NULL,
	account_names bigint NOT NULL,
	log_position pg_lsn NOT NULL DEFAULT pg_current_wal_insert_lsn(),
	index_files oid[] NOT NULL
);
COMMENT ON TABLE parley.erasures IS 'one row per contact that was erased: what, how much, when, by whom';
COMMENT ON COLUMN parley.erasures.caller_id IS 'the subject of the token that requested it; null if there was none';
COMMENT ON COLUMN parley.erasures.fields IS 'which of name, phone, email and attributes were set';
COMMENT ON COLUMN parley.erasures.messages IS 'the number of messages that became tombstones';
COMMENT ON COLUMN parley.erasures.log_position IS 'the position in the WAL; earlier WAL may contain the texts';
COMMENT ON COLUMN parley.erasures.index_files IS
	'the files of the indexes of grams at that time; if they are different now, the indexes were rebuilt';

CREATE TYPE parley.erasure AS (
	contact_id bigint, erased_at timestamptz, caller_id bigint, fields text[], messages bigint, idempotency_hashes bigint, account_names bigint
);
COMMENT ON TYPE parley.erasure IS 'the receipt of an erasure';

SELECT pg_extension_config_dump('parley.erasures', '');

-- applications
DROP FUNCTION parley.list_applications(parley.page_number, parley.page_limit);
CREATE TYPE parley.listed_application AS (
	token text, name text, chats_count bigint, created_at timestamptz, updated_at timestamptz, next_page bigint, incomplete boolean
);
COMMENT ON TYPE parley.listed_application IS 'an application in the list of all; incomplete is as in recent_conversation';

-- search: filters, and more columns in lists.
CREATE DOMAIN parley.sender_filter AS text
	CHECK (VALUE ~ '^(contact|operator|[1-9][0-9]{0,17})$');
COMMENT ON DOMAIN parley.sender_filter IS 'contact (whichever), operator, or a contact''s id';
ALTER TYPE parley.recent_conversation
	ADD ATTRIBUTE match_start integer, ADD ATTRIBUTE match_length integer, ADD ATTRIBUTE status text, ADD ATTRIBUTE assignee_id bigint,
	ADD ATTRIBUTE labels text[], ADD ATTRIBUTE unread bigint, ADD ATTRIBUTE sender_id bigint, ADD ATTRIBUTE agent_id bigint,
	ADD ATTRIBUTE incomplete boolean;
COMMENT ON TYPE parley.recent_conversation IS
	'a conversation in a list: its newest (matching) message, and its contact or, in a direct conversation, the author of that '
	'message; match_start (from 1) and match_length are the place of the term in content, in characters, and are null if the '
	'contact matches; incomplete is true if one of several databases is away, whose conversations are missing';
ALTER TYPE parley.user_conversation
	ADD ATTRIBUTE match_start integer, ADD ATTRIBUTE match_length integer, ADD ATTRIBUTE read_message_id bigint,
	ADD ATTRIBUTE sender_id bigint, ADD ATTRIBUTE agent_id bigint, ADD ATTRIBUTE incomplete boolean;
COMMENT ON TYPE parley.user_conversation IS
	'a conversation in a user''s list: its newest (matching) message, its other side, the number of messages that the user has not '
	'read, and how far the other side has read (read_message_id); match_start, match_length and incomplete are as in '
	'recent_conversation';
DROP FUNCTION parley.recent_conversations(parley.search_term, parley.page_number, parley.page_limit, text, parley.count_mode);
DROP FUNCTION parley.list_conversations(parley.search_term, parley.page_number, parley.page_limit, text, parley.count_mode);
DROP FUNCTION parley.explain_search(parley.search_term, parley.page_number, parley.page_limit, text, parley.count_mode, bigint);
-- ledger: the error message was reworded.
CREATE OR REPLACE FUNCTION parley.refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION 'rows of table "%" cannot be changed', TG_TABLE_NAME
		USING ERRCODE = 'insufficient_privilege', HINT = 'Post a reversing transaction instead.';
END $$;

-- Comments that were reworded.
COMMENT ON TABLE parley.routes IS 'the HTTP API: one row per endpoint';
COMMENT ON COLUMN parley.routes.path IS 'path template; {name} is a segment that is passed as the function''s argument of that name';
COMMENT ON COLUMN parley.routes.function IS 'schema-qualified name of the function, which must not be overloaded';
COMMENT ON COLUMN parley.routes.auth IS
	'who may call it: operator; user: the user of {user_id}, or the operator; application: whoever knows the token in the path; '
	'none: anyone';
COMMENT ON COLUMN parley.routes.status IS 'the HTTP status on success';
COMMENT ON TABLE parley.applications IS 'owners of chats, known to the outside only by their token';
COMMENT ON COLUMN parley.applications.last_chat_number IS 'the number of the last chat, and the number of chats';
COMMENT ON COLUMN parley.applications.updated_at IS 'when the name was last set';
COMMENT ON COLUMN parley.applications.idempotency_hash IS 'hash of the name that came with the key';
COMMENT ON TABLE parley.bulk_loads IS 'the bulk loads of this database; one that is not finished has indexes that must still be built';
COMMENT ON COLUMN parley.bulk_loads.source IS 'identifies the data, as passed to begin_bulk_load()';
COMMENT ON COLUMN parley.bulk_loads.contacts_count IS 'number of contacts afterwards, if the loader reported it';
COMMENT ON COLUMN parley.bulk_loads.messages_count IS 'number of messages afterwards, if the loader reported it';
COMMENT ON TABLE parley.bulk_load_indexes IS 'indexes that a bulk load has dropped and not built again yet';
COMMENT ON FUNCTION parley.phone_digits(text) IS 'returns the digits of a phone number, by which phones are compared';
COMMENT ON TABLE parley.contacts IS 'someone who can be reached by phone or email; a user is a contact who uses the API';
COMMENT ON TABLE parley.conversations IS 'an ordered sequence of messages; the row is the counter that numbers them';
COMMENT ON COLUMN parley.conversations.contact_id IS 'kind contact: the contact with whom the operator talks';
COMMENT ON COLUMN parley.conversations.idempotency_key IS 'kind chat: the key of the request that created it';
COMMENT ON COLUMN parley.conversations.last_message_at IS
	'created_at of the newest message that is not deleted; null if there is none';
COMMENT ON COLUMN parley.conversations.is_dated_in_order IS
	'no undeleted message is dated before one with a smaller number; true unless dated messages were loaded without post_message';
COMMENT ON COLUMN parley.members.read_number IS 'the read horizon: the highest number that the member has read; it only advances';
COMMENT ON TABLE parley.accounts IS 'the money of one user in one currency, in minor units (cents)';
COMMENT ON COLUMN parley.accounts.last_transaction_at IS 'created_at of the last transaction; the next one cannot be earlier';
COMMENT ON COLUMN parley.accounts.allow_negative IS 'the balance may be below zero; never set back to false';
COMMENT ON COLUMN parley.accounts.has_refusals IS 'whether keys must be looked up in refusals too';
COMMENT ON COLUMN parley.accounts.idempotency_key IS 'the key of the request that opened the account';
COMMENT ON TABLE parley.transactions IS 'signed amounts posted to an account, never updated or deleted';
COMMENT ON COLUMN parley.transactions.balance IS 'the account''s balance after this transaction';
COMMENT ON COLUMN parley.transactions.idempotency_key IS
	'the key of the request that created it; null for the receiving line of a transfer';
COMMENT ON TABLE parley.expense_peaks IS 'the largest expense in a block of 64^level transactions of an account, the latest of equals';
COMMENT ON COLUMN parley.expense_peaks.block IS 'counts 1, 2, 3 … within the level; there is no row if the block has no expense';
COMMENT ON COLUMN parley.expense_peaks.number IS 'the number of the transaction';
COMMENT ON TABLE parley.transfers IS
	'two transactions in one commit whose amounts add up to zero: the key is the paying one, to_… is the receiving one';
COMMENT ON COLUMN parley.transfers.conversation_id IS 'where the receipt was posted, with the number message_number';
COMMENT ON TABLE parley.refusals IS
	'a transaction or transfer that was refused because of insufficient funds, kept so that its key gets the same result again';
COMMENT ON COLUMN parley.refusals.amount IS 'the amount that was refused, which is negative';
COMMENT ON COLUMN parley.refusals.balance IS 'the balance of the account at that time';
COMMENT ON COLUMN parley.refusals.to_user_id IS 'null if it was not a transfer';
COMMENT ON TYPE parley.posted_transaction IS 'the transaction that was posted, or else refused, which is the SQLSTATE of the reason';
COMMENT ON TYPE parley.posted_transfer IS
	'both transactions of a transfer, and the receipt''s number in its conversation, or else refused, which is the SQLSTATE of the '
	'reason';
COMMENT ON FUNCTION parley.refuse_change() IS 'Trigger: refuses changes of a table, whoever makes them. Errors: 42501.';
COMMENT ON TABLE parley.messages IS 'a message; a deleted one keeps its row and number as a tombstone without content';
COMMENT ON COLUMN parley.messages.sender_id IS 'null for the operator, and in an application''s chat';
COMMENT ON COLUMN parley.messages.idempotency_key IS 'the key of the request that created the message';
COMMENT ON FUNCTION parley.is_printable_ascii(text) IS 'returns whether a text consists only of the characters from blank to ~';
COMMENT ON FUNCTION parley.term_clues(text) IS 'returns a query for parley.gram_ops that finds the texts that may contain the term';
COMMENT ON FUNCTION parley.has_clues(text, bytea) IS 'returns whether a text may contain the term with these clues; never false if it does';
COMMENT ON OPERATOR parley.@~ (text, bytea) IS 'may contain the term with these clues';
COMMENT ON FUNCTION parley.gram_extract_value(text, internal) IS 'returns the keys of a text; for GIN only';
COMMENT ON FUNCTION parley.gram_extract_query(bytea, internal, int2, internal, internal, internal, internal) IS
	'returns the keys of a query; for GIN only';
COMMENT ON FUNCTION parley.gram_compare_partial(int8, int8, int2, internal) IS 'compares a key with a range of a query; for GIN only';
COMMENT ON FUNCTION parley.gram_consistent(internal, int2, bytea, integer, internal, internal, internal) IS
	'returns whether a text with these keys may match a query; for GIN only';
COMMENT ON OPERATOR CLASS parley.gram_ops USING gin IS 'finds any part of a text, from one character up, in any script';

-- messages: a conversation can be searched for a term, in either direction.
DROP FUNCTION parley.list_messages(bigint, bigint, parley.sort_direction, parley.page_limit);
DROP FUNCTION parley.list_user_messages(bigint, bigint, bigint, parley.sort_direction, parley.page_limit);
DROP FUNCTION parley.search_conversation(bigint, text, bigint, integer);
-- conversations: every message updates a row, so vacuum comes early.
ALTER TABLE parley.conversations SET (autovacuum_vacuum_scale_factor = 0.02);
