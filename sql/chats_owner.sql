-- chats_owner: a message is posted in a chat in the same way whatever an owner adds to the tables or takes from them, and whatever
-- the search_path of whoever posts. As shipped, a post writes rows without statements; with most of what follows it cannot.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT token AS app FROM parley.create_application('Chats owner') \gset
SELECT number FROM parley.create_chat(:'app');
SELECT number FROM parley.create_chat(:'app');
SELECT c.id AS chat FROM parley.conversations c JOIN parley.applications a ON a.id = c.application_id
	WHERE a.token = :'app' AND c.number = 2 \gset
CREATE VIEW pg_temp.counters AS SELECT c.number, c.last_number, c.newest_number FROM parley.conversations c
	JOIN parley.applications a ON a.id = c.application_id WHERE a.name = 'Chats owner' ORDER BY 1;
CREATE SCHEMA noted;
GRANT USAGE ON SCHEMA noted TO PUBLIC;
-- Posts in chat 2 with and without a key, repeats the key, and posts where there is nothing.
CREATE FUNCTION noted.posts(app text) RETURNS TABLE (said text) LANGUAGE plpgsql AS $$
DECLARE
	p parley.posted_chat_message;
	key text := 'key ' || (SELECT count(*) FROM parley.messages);
	post text;
BEGIN
	FOREACH post IN ARRAY ARRAY['$1, 2, ''plain''', '$1, 2, ''keyed'', $2', '$1, 2, ''keyed'', $2', '$1, 2, ''other'', $2', '$1, 9, ''nowhere''',
		'$1 || ''x'', 2, ''nobody''']
	LOOP
		BEGIN
			EXECUTE 'SELECT * FROM parley.post_chat_message(' || post || ')' INTO p USING app, key;
			said := concat_ws(' ', p.number, p.content, CASE WHEN p.updated_at = p.created_at THEN 'fresh' END, CASE WHEN p.replayed THEN 'replayed' END);
		EXCEPTION WHEN OTHERS THEN
			said := SQLSTATE || ' ' || replace(SQLERRM, key, 'key');
		END;
		RETURN NEXT;
	END LOOP;
END $$;
SELECT * FROM noted.posts(:'app');

-- the_index_of_chats_is_dropped, of_another_form, or_not_valid
BEGIN;
DROP INDEX parley.conversations_chat_key;
SELECT * FROM noted.posts(:'app');
CREATE UNIQUE INDEX conversations_chat_key ON parley.conversations (number, application_id) WHERE kind = 'chat';
SELECT said FROM noted.posts(:'app') LIMIT 1;
DROP INDEX parley.conversations_chat_key;
CREATE UNIQUE INDEX conversations_chat_key ON parley.conversations (application_id, number) WHERE number > 2;
SELECT said FROM noted.posts(:'app') LIMIT 1;
DROP INDEX parley.conversations_chat_key;
CREATE UNIQUE INDEX conversations_chat_key ON parley.applications (id, last_chat_number);
SELECT said FROM noted.posts(:'app') LIMIT 1;
SELECT * FROM pg_temp.counters;
ROLLBACK;
BEGIN;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'parley.conversations_chat_key'::regclass;
SELECT said FROM noted.posts(:'app') LIMIT 1;
ROLLBACK;
-- … or_has_numbers_that_are_no_bigints: chat 4294967298 is not chat 2
BEGIN;
DROP VIEW pg_temp.counters;
ALTER TABLE parley.conversations ALTER number TYPE integer;
SELECT said FROM noted.posts(:'app') LIMIT 1;
SELECT parley.post_chat_message(:'app', 4294967298, 'x');
ROLLBACK;
-- the_index_of_tokens_is_dropped, or_of_another_form
BEGIN;
ALTER TABLE parley.applications DROP CONSTRAINT applications_token_key;
SELECT * FROM noted.posts(:'app');
CREATE INDEX applications_token_key ON parley.applications (name, token);
SELECT said FROM noted.posts(:'app') LIMIT 1;
ROLLBACK;

-- constraints, generated_columns, triggers, rules, policies and child_tables apply
BEGIN;
ALTER TABLE parley.messages ADD CHECK (content <> 'keyed') NOT VALID, ADD COLUMN length int GENERATED ALWAYS AS (char_length(content)) STORED;
SELECT * FROM noted.posts(:'app');
SELECT DISTINCT content, length FROM parley.messages WHERE conversation_id = :chat AND length = 5 ORDER BY 1;
ROLLBACK;
BEGIN;
ALTER TABLE parley.conversations ADD CHECK (kind <> 'chat' OR last_number < 4) NOT VALID;
SELECT * FROM noted.posts(:'app');
SELECT * FROM pg_temp.counters;
ROLLBACK;
CREATE FUNCTION noted.shout() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.content := upper(NEW.content); RETURN NEW; END';
BEGIN;
CREATE TRIGGER shout BEFORE INSERT ON parley.messages FOR EACH ROW EXECUTE FUNCTION noted.shout();
SELECT * FROM noted.posts(:'app');
SELECT number, content FROM parley.list_chat_messages(:'app', 2) WHERE content <> lower(content);
ROLLBACK;
BEGIN;
CREATE TABLE noted.journal (content text);
GRANT INSERT ON noted.journal TO parley_owner;
CREATE RULE journal AS ON INSERT TO parley.messages DO ALSO INSERT INTO noted.journal VALUES (NEW.content);
SELECT said FROM noted.posts(:'app') LIMIT 1;
SELECT content FROM noted.journal;
ROLLBACK;
BEGIN;
ALTER TABLE parley.messages ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY partly ON parley.messages USING (content <> 'keyed');
SELECT * FROM noted.posts(:'app');
ROLLBACK;
BEGIN;
ALTER TABLE parley.conversations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY partly ON parley.conversations USING (number = 1);
SELECT * FROM noted.posts(:'app');
ROLLBACK;
BEGIN;
ALTER TABLE parley.applications ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON parley.applications USING (name <> 'Chats owner');
SELECT * FROM noted.posts(:'app');
ROLLBACK;
BEGIN;
CREATE TABLE noted.old_applications () INHERITS (parley.applications);
GRANT ALL ON noted.old_applications TO parley_owner;
WITH moved AS (DELETE FROM ONLY parley.applications WHERE token = :'app' RETURNING *) INSERT INTO noted.old_applications SELECT * FROM moved;
SELECT * FROM noted.posts(:'app');
ROLLBACK;
BEGIN;
CREATE TABLE noted.old_chats () INHERITS (parley.conversations);
GRANT ALL ON noted.old_chats TO parley_owner;
WITH moved AS (DELETE FROM ONLY parley.conversations WHERE id = :chat RETURNING *)
	INSERT INTO noted.old_chats (id, kind, application_id, number, last_number) SELECT id, kind, application_id, number, last_number FROM moved;
SELECT * FROM noted.posts(:'app');
ROLLBACK;
BEGIN;
REVOKE SELECT ON parley.applications FROM parley_owner;
SELECT said FROM noted.posts(:'app') LIMIT 1;
ROLLBACK;
BEGIN;
REVOKE INSERT ON parley.messages FROM parley_owner;
SELECT * FROM noted.posts(:'app');
ROLLBACK;

-- what_is_missing is reported in the order of the arguments, also where nothing can be written
\set VERBOSITY sqlstate
SELECT parley.post_chat_message(NULL, NULL, NULL);
SELECT parley.post_chat_message(:'app', 9, NULL);
\set VERBOSITY terse
SELECT parley.post_chat_message(NULL, 2, 'x');
SELECT parley.post_chat_message(:'app', NULL, 'x');
SELECT parley.post_chat_message(:'app', 2, NULL);
SELECT parley.post_chat_message(:'app', 2, 'x', '');
SELECT parley.post_chat_message(:'app', 2, repeat('x', 10001));
BEGIN READ ONLY;
SAVEPOINT before;
SELECT parley.post_chat_message('nobody', 2, 'x');
ROLLBACK TO before;
SELECT parley.post_chat_message(:'app', 9, 'x');
ROLLBACK TO before;
SELECT parley.post_chat_message(:'app', 2, 'x');
ROLLBACK;
SELECT sum((p.posted).number) FROM (SELECT parley.post_chat_message(:'app', 1, content) AS posted FROM parley.messages WHERE conversation_id = :chat) p;

-- neither_the_callers_path nor_the_callers_rights matter
CREATE SCHEMA planted;
GRANT USAGE ON SCHEMA planted TO PUBLIC;
CREATE FUNCTION planted.equals(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
CREATE FUNCTION planted.equals(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
CREATE OPERATOR planted.= (FUNCTION = planted.equals, LEFTARG = bigint, RIGHTARG = bigint);
CREATE OPERATOR planted.= (FUNCTION = planted.equals, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION noted.path() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('noted.path', current_setting('search_path') || ' as ' || current_user, false);
	RETURN true;
END $$;
CREATE FUNCTION noted.trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM noted.path();
	RETURN NEW;
END $$;
CREATE FUNCTION noted.become() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL ROLE parley_gateway;
	RETURN NEW;
END $$;
-- Posts until the session knows the tables, with the path of somebody else, and says what was noted each time.
CREATE FUNCTION noted.paths(app text, OUT noted text) RETURNS SETOF text LANGUAGE plpgsql SET search_path = planted, pg_catalog, public AS $$
BEGIN
	FOR n IN 1 .. 3 LOOP
		PERFORM set_config('noted.path', 'nothing', false);
		PERFORM parley.post_chat_message(app, 2, 'path', format('path %s', n)), parley.post_chat_message(app, 2, 'path', format('path %s', n)),
			parley.post_chat_message(app, 2, 'path');
		noted := current_setting('noted.path');
		RETURN NEXT;
	END LOOP;
END $$;
BEGIN;
SELECT * FROM noted.paths(:'app');
ROLLBACK;
BEGIN;
ALTER TABLE parley.conversations ADD CHECK (noted.path());
SELECT * FROM noted.paths(:'app');
ROLLBACK;
BEGIN;
ALTER TABLE parley.messages ADD CHECK (noted.path());
SELECT * FROM noted.paths(:'app');
ROLLBACK;
BEGIN;
CREATE TRIGGER noted AFTER INSERT ON parley.messages FOR EACH ROW EXECUTE FUNCTION noted.trigger();
SELECT * FROM noted.paths(:'app');
ROLLBACK;
BEGIN;
ALTER TABLE parley.applications ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY noted ON parley.applications USING (noted.path());
SELECT * FROM noted.paths(:'app');
ROLLBACK;
BEGIN;
DROP INDEX parley.conversations_chat_key;
SELECT * FROM noted.paths(:'app');
ROLLBACK;
BEGIN;
SET LOCAL ROLE parley_gateway;
SET LOCAL search_path = planted, pg_catalog;
SELECT number > 0 AS posted FROM parley.post_chat_message(:'app', 2, 'by the gateway');
SELECT current_user, current_setting('search_path') AS path;
SAVEPOINT before;
SELECT parley.post_chat_message(:'app', 9, 'x');
ROLLBACK TO before;
SELECT parley.post_chat_message('nobody', 2, 'x');
ROLLBACK TO before;
SELECT current_user, current_setting('search_path') AS path;
ROLLBACK;
-- … and_nobody_can_become_somebody_else_from_within
BEGIN;
CREATE TRIGGER noted AFTER INSERT ON parley.messages FOR EACH ROW EXECUTE FUNCTION noted.become();
SELECT parley.post_chat_message(:'app', 2, 'x');
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA planted, noted CASCADE;
RESET client_min_messages;
SELECT * FROM parley.audit_conversations();
