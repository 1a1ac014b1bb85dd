-- messages_owner: whatever an owner adds to the tables of messages applies to posts as to any other writes.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT id AS ana FROM parley.create_user('+1 739 555 0001', 'Ana Owner') \gset
SELECT id AS bob FROM parley.create_user('+1 739 555 0002', 'Bob Owner') \gset
SELECT id AS talk FROM parley.open_direct_conversation(:ana, :bob) \gset
CREATE SCHEMA owner;
GRANT USAGE ON SCHEMA owner TO parley_owner;
CREATE VIEW owner.counters AS SELECT c.id, c.last_number, c.newest_number, array_agg(m.read_number ORDER BY m.contact_id) AS read_numbers,
		bool_or(m.has_written) AS has_written FROM parley.conversations c JOIN parley.members m ON m.conversation_id = c.id
	GROUP BY c.id;
SELECT message_id FROM parley.post_user_message(:talk, 'one', :ana);
SELECT last_number, newest_number, read_numbers, has_written FROM owner.counters WHERE id = :talk;

-- constraints_hold, on each of the tables
BEGIN;
ALTER TABLE parley.messages ADD CONSTRAINT polite CHECK (content !~ 'rude') NOT VALID;
SELECT message_id FROM parley.post_user_message(:talk, 'kind', :ana);
SELECT message_id FROM parley.post_user_message(:talk, 'rude', :ana);
ROLLBACK;
BEGIN;
ALTER TABLE parley.conversations ADD CONSTRAINT short CHECK (last_number < 3) NOT VALID;
SELECT message_id FROM parley.post_message(:talk, 'two');
SELECT message_id FROM parley.post_message(:talk, 'three');
ROLLBACK;
BEGIN;
ALTER TABLE parley.members ADD CONSTRAINT slow CHECK (read_number < 2) NOT VALID;
SELECT message_id FROM parley.post_user_message(:talk, 'two', :bob);
SELECT message_id FROM parley.post_user_message(:talk, 'three', :ana);
ROLLBACK;
BEGIN;
ALTER TABLE parley.members ADD CONSTRAINT slow CHECK (read_number < 2) NOT VALID;
SELECT message_id FROM parley.post_user_message(:talk, 'two', :ana);
ROLLBACK;
BEGIN;
ALTER DOMAIN parley.message_content ADD CONSTRAINT calm CHECK (VALUE !~ '!!!') NOT VALID;
SELECT message_id FROM parley.post_message(:talk, 'two!!!');
ROLLBACK;
BEGIN;
CREATE DOMAIN owner.content AS parley.message_content CHECK (VALUE !~ 'owner''s rude');
ALTER TABLE parley.messages ALTER COLUMN content TYPE owner.content;
SELECT message_id FROM parley.post_message(:talk, 'two');
SELECT message_id FROM parley.post_message(:talk, 'owner''s rude');
ROLLBACK;
BEGIN;
CREATE UNIQUE INDEX once ON parley.messages (conversation_id, md5(content)) WHERE content LIKE 'once %' AND sender_id IS NOT NULL;
SELECT message_id FROM parley.post_message(:talk, 'once only');
SELECT message_id FROM parley.post_user_message(:talk, 'once only', :ana);
SELECT message_id FROM parley.post_user_message(:talk, 'Once only', :ana);
SELECT message_id FROM parley.post_user_message(:talk, 'once only', :ana);
ROLLBACK;
-- … also those that refer to the table
BEGIN;
ALTER TABLE parley.messages ADD CONSTRAINT own CHECK (tableoid = 'parley.messages'::regclass), ADD COLUMN home oid GENERATED ALWAYS AS (tableoid) STORED;
ALTER TABLE parley.conversations ADD CONSTRAINT own CHECK (tableoid = 'parley.conversations'::regclass);
SELECT message_id FROM parley.post_message(:talk, 'two');
SELECT DISTINCT home::regclass FROM parley.messages WHERE conversation_id = :talk;
ROLLBACK;
-- … and what types say: a length, or a domain that does not allow null
BEGIN;
ALTER TABLE parley.messages ALTER COLUMN content TYPE varchar(5) USING left(content, 5);
SELECT message_id FROM parley.post_message(:talk, 'short');
SELECT message_id FROM parley.post_message(:talk, 'too long');
ROLLBACK;
BEGIN;
CREATE DOMAIN owner.given AS text NOT NULL;
ALTER TABLE parley.messages ADD COLUMN mood owner.given DEFAULT 'good';
SELECT message_id FROM parley.post_message(:talk, 'two');
ALTER TABLE parley.messages ALTER COLUMN mood DROP DEFAULT;
SELECT message_id FROM parley.post_message(:talk, 'three');
ROLLBACK;

-- columns_are_added_and_dropped
BEGIN;
ALTER TABLE parley.messages ADD COLUMN mood text DEFAULT 'good', ADD COLUMN length int GENERATED ALWAYS AS (char_length(content)) STORED;
ALTER TABLE parley.conversations ADD COLUMN next bigint GENERATED ALWAYS AS (last_number + 1) STORED, ADD COLUMN topic text DEFAULT 'any';
ALTER TABLE parley.members ADD COLUMN note text DEFAULT 'n';
SELECT message_id FROM parley.post_user_message(:talk, 'two', :ana);
SELECT m.number, m.mood, m.length, c.next, c.topic FROM parley.messages m JOIN parley.conversations c ON c.id = m.conversation_id
	WHERE m.conversation_id = :talk ORDER BY 1;
ALTER TABLE parley.messages DROP COLUMN mood;
ALTER TABLE parley.members DROP COLUMN note;
SELECT message_id FROM parley.post_user_message(:talk, 'three', :ana);
SELECT last_number, newest_number, read_numbers FROM owner.counters WHERE id = :talk;
ROLLBACK;
-- … and_columns_that_are_generated_by_functions_of_the_owners, which the session does not keep
BEGIN;
CREATE FUNCTION owner.twice(bigint) RETURNS bigint IMMUTABLE LANGUAGE sql RETURN 2 * $1;
ALTER TABLE parley.conversations ADD COLUMN twice bigint GENERATED ALWAYS AS (owner.twice(last_number)) STORED;
SELECT message_id FROM parley.post_user_message(:talk, 'two', :ana);
SELECT message_id FROM parley.post_message(:talk, 'three');
SELECT last_number, twice, has_unread FROM parley.conversations WHERE id = :talk;
CREATE OR REPLACE FUNCTION owner.twice(bigint) RETURNS bigint IMMUTABLE LANGUAGE sql RETURN 2 * $1 + 1;
SELECT message_id FROM parley.post_message(:talk, 'four');
SELECT last_number, twice, has_unread FROM parley.conversations WHERE id = :talk;
ROLLBACK;
-- … and_one_that_PostgreSQL_sets_is_not_overwritten
BEGIN;
ALTER TABLE parley.conversations RENAME COLUMN newest_number TO newest;
ALTER TABLE parley.conversations ADD COLUMN newest_number bigint GENERATED ALWAYS AS (last_number) STORED;
SELECT message_id FROM parley.post_message(:talk, 'two');
ROLLBACK;
BEGIN;
ALTER TABLE parley.messages RENAME COLUMN agent_id TO agent;
ALTER TABLE parley.messages ADD COLUMN agent_id bigint GENERATED ALWAYS AS IDENTITY;
SELECT message_id FROM parley.post_message(:talk, 'two');
ROLLBACK;

-- triggers_fire: they see one statement after the other, and may change or suppress a message
CREATE FUNCTION owner.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE '% % % on %: %', TG_WHEN, TG_OP, TG_LEVEL, TG_TABLE_NAME, (SELECT count(*) FROM parley.messages WHERE content = 'told');
	RETURN NEW;
END $$;
CREATE FUNCTION owner.shout() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.content := upper(NEW.content); RETURN NEW; END';
CREATE FUNCTION owner.suppress() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
BEGIN;
CREATE TRIGGER a AFTER UPDATE ON parley.conversations FOR EACH ROW EXECUTE FUNCTION owner.tell();
CREATE TRIGGER b AFTER INSERT ON parley.messages FOR EACH ROW EXECUTE FUNCTION owner.tell();
CREATE TRIGGER c BEFORE INSERT ON parley.messages FOR EACH STATEMENT EXECUTE FUNCTION owner.tell();
CREATE TRIGGER d BEFORE UPDATE ON parley.members FOR EACH ROW EXECUTE FUNCTION owner.tell();
SELECT message_id FROM parley.post_user_message(:talk, 'told', :ana);
ROLLBACK;
BEGIN;
CREATE TRIGGER shout BEFORE INSERT ON parley.messages FOR EACH ROW EXECUTE FUNCTION owner.shout();
SELECT message_id FROM parley.post_user_message(:talk, 'two', :ana);
SELECT content FROM parley.list_messages(:talk) ORDER BY message_id;
SELECT last_number, newest_number, read_numbers FROM owner.counters WHERE id = :talk;
ROLLBACK;
BEGIN;
CREATE TRIGGER suppress BEFORE UPDATE ON parley.members FOR EACH ROW EXECUTE FUNCTION owner.suppress();
SELECT message_id FROM parley.post_user_message(:talk, 'two', :ana);
SELECT last_number, newest_number, read_numbers FROM owner.counters WHERE id = :talk;
ROLLBACK;
BEGIN;
CREATE TRIGGER t AFTER INSERT ON parley.messages REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION owner.tell();
SELECT message_id FROM parley.post_user_message(:talk, 'told', :ana);
ROLLBACK;

-- rules_policies_and_child_tables_apply
BEGIN;
CREATE TABLE owner.journal (content text);
GRANT INSERT ON owner.journal TO parley_owner;
CREATE RULE journal AS ON INSERT TO parley.messages DO ALSO INSERT INTO owner.journal VALUES (NEW.content);
SELECT message_id FROM parley.post_user_message(:talk, 'two', :ana);
SELECT content FROM owner.journal;
ROLLBACK;
BEGIN;
ALTER TABLE parley.messages ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON parley.messages FOR INSERT WITH CHECK (false);
SELECT message_id FROM parley.post_message(:talk, 'two');
ROLLBACK;
BEGIN;
CREATE TABLE owner.old_members () INHERITS (parley.members);
GRANT ALL ON owner.old_members TO parley_owner;
WITH moved AS (DELETE FROM ONLY parley.members WHERE conversation_id = :talk RETURNING *) INSERT INTO owner.old_members SELECT * FROM moved;
SELECT message_id FROM parley.post_user_message(:talk, 'two', :ana);
SELECT last_number, newest_number, read_numbers FROM owner.counters WHERE id = :talk;
ROLLBACK;

-- privileges_that_were_revoked_are_reported
BEGIN;
REVOKE INSERT ON parley.messages FROM parley_owner;
SELECT message_id FROM parley.post_message(:talk, 'two');
ROLLBACK;
BEGIN;
REVOKE SELECT ON parley.conversations FROM parley_owner;
SELECT message_id FROM parley.post_message(:talk, 'two');
ROLLBACK;
BEGIN;
REVOKE SELECT ON parley.members FROM parley_owner;
SELECT message_id FROM parley.post_user_message(:talk, 'two', :ana);
ROLLBACK;
-- … also by the list, which applies the policies of a table that belongs to somebody else
BEGIN;
REVOKE SELECT ON parley.cases FROM parley_owner;
SELECT count(*) FROM parley.recent_conversations();
ROLLBACK;
BEGIN;
ALTER TABLE parley.contacts OWNER TO CURRENT_USER;
GRANT SELECT ON parley.contacts TO parley_owner;
ALTER TABLE parley.contacts ENABLE ROW LEVEL SECURITY;
SELECT count(name) FROM parley.recent_conversations();
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA owner CASCADE;
RESET client_min_messages;
SELECT * FROM parley.audit_conversations();
