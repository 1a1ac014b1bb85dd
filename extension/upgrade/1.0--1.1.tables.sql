-- 1.0--1.1: what no re-run of a function brings. The Makefile appends the functions of a fresh install, as CREATE OR REPLACE.
--
-- Whoever changes a *.tables.sql, or the arguments or result of a function, adds the statement for a filled 1.0 database here:
-- ALTER, CREATE, DROP FUNCTION of the old signature, INSERT INTO parley.routes. New columns and attributes go last in the fresh
-- install too. A C function whose SQL signature changes gets a new C symbol, and the old one goes on serving the old signature.
-- test/lifecycle/update.test.mjs names the first difference from a fresh install.

\echo Use "ALTER EXTENSION parley UPDATE" to load this file. \quit

-- A superuser runs this. PostgreSQL would also look for names in pg_trgm's schema, where others may have put functions that fit better.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Running gateways read the routes and the version again, once this has committed.
NOTIFY parley_routes;

-- schema: all of it belongs to a role of its own.
DO $$
BEGIN
	CREATE ROLE parley_owner NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
	NULL;
END $$;

-- contacts: nothing read these.
DROP INDEX parley.contacts_phone_trgm, parley.contacts_phone_digits_trgm;

-- ledger: who calls decides whether money may come in; audits name the columns that they read.
DROP FUNCTION parley.post_transaction(bigint, bigint, parley.amount, parley.memo, parley.idempotency_key);
DROP FUNCTION parley.audit_ledger();
DROP FUNCTION parley.true_expense_peaks();

-- conversations, applications: ids carry their logical shard. Those of 1.0 stay; the sequences go on where they are.
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
	'conversations_id_seq × 1024 + the logical shard, the low ten bits of contact_id, low_contact_id or application_id; given by a trigger '
	'where an insert gives none';
COMMENT ON COLUMN parley.applications.id IS 'applications_id_seq × 1024 + the logical shard that it and all its chats are on';
COMMENT ON COLUMN parley.applications.token IS
	'whoever knows it may use the application; its first two characters are its logical shard';

-- api: a route says where it runs.
ALTER TABLE parley.routes ADD COLUMN runs_on text NOT NULL DEFAULT 'home' CHECK (runs_on ~ '^[a-z_]+$');
COMMENT ON COLUMN parley.routes.runs_on IS
	'where it runs when there are several databases: home; front (in two steps, or on all); or the argument whose logical shard says where';
UPDATE parley.routes SET runs_on = CASE WHEN path ~ 'conversation_id' THEN 'conversation_id' WHEN path ~ 'token' THEN 'token' ELSE 'front' END
	WHERE built_in AND path ~ '(conversations?|sync|transfers|applications)(/|$)';
DROP FUNCTION parley.describe_routes();
DROP FUNCTION parley.add_route(text, text, regproc, text, smallint);

-- sync: horizons and transactions come with it; a message's JSON is inlined.
DROP FUNCTION parley.sync(bigint, text, parley.page_limit);
DROP FUNCTION parley.xid_reached(xid, bigint);
CREATE TYPE parley.shown_message AS (
	conversation_id bigint, message_id bigint, sender_id bigint, content text,
	created_at text, edited_at text, deleted_at text
);
COMMENT ON TYPE parley.shown_message IS 'a message within a JSON answer, its times as RFC 3339';
