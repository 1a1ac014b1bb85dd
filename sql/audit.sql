-- audit: breaks each rule that must always hold, and checks that the audit reports it. Every breach is rolled back.
\set VERBOSITY terse
SELECT id AS ana FROM parley.create_contact('Ana Audit', '+1 703 555 0001') \gset
SELECT id AS c FROM parley.open_contact_conversation(:ana) \gset
SELECT message_id FROM parley.post_message(:c, 'one'), generate_series(1, 2);
SELECT message_id FROM parley.post_message(:c, 'two');
SELECT message_id FROM parley.post_message(:c, 'three', :ana);
SELECT * FROM parley.audit_conversations();

-- a_collation_that_has_changed_under_the_indexes
BEGIN;
UPDATE pg_database SET datcollversion = 'old' WHERE datname = current_database();
SELECT rule, found LIKE 'the database has collation version old and the system %: REINDEX%' AS told FROM parley.audit_conversations();
ROLLBACK;

-- a_gap
BEGIN;
DELETE FROM parley.messages WHERE conversation_id = :c AND number = 2;
SELECT rule, found FROM parley.audit_conversations();
ROLLBACK;

-- a_wrong_counter
BEGIN;
UPDATE parley.conversations SET last_number = 9 WHERE id = :c;
SELECT rule, found FROM parley.audit_conversations();
ROLLBACK;

-- a_wrong_time
BEGIN;
UPDATE parley.conversations SET last_message_at = NULL WHERE id = :c;
SELECT rule FROM parley.audit_conversations();
ROLLBACK;

-- a_wrong_newest_message
BEGIN;
UPDATE parley.conversations SET newest_number = 1 WHERE id = :c;
SELECT rule, found FROM parley.audit_conversations();
SELECT parley.rebuild_conversations();
SELECT rule FROM parley.audit_conversations();
ROLLBACK;

-- a_message_dated_before_an_earlier_one: rows loaded without post_message() can have that, and rebuild_conversations() notes it
BEGIN;
UPDATE parley.messages SET created_at = created_at - interval '1 day' WHERE conversation_id = :c AND number = 2;
SELECT rule, found FROM parley.audit_conversations();
SELECT parley.rebuild_conversations();
SELECT rule, found FROM parley.audit_conversations();
SELECT is_dated_in_order FROM parley.conversations WHERE id = :c;
ROLLBACK;

-- a_horizon_past_the_end
BEGIN;
UPDATE parley.members SET read_number = 4 WHERE conversation_id = :c;
SELECT rule, regexp_replace(found, 'member \d+', 'member N') AS found FROM parley.audit_conversations();
ROLLBACK;

-- a_member_who_does_not_exist
BEGIN;
INSERT INTO parley.members (conversation_id, contact_id) VALUES (:c, -5);
SELECT rule, found FROM parley.audit_conversations();
ROLLBACK;

-- a_conversation_without_its_member
BEGIN;
DELETE FROM parley.members WHERE conversation_id = :c;
SELECT rule FROM parley.audit_conversations() ORDER BY rule;
ROLLBACK;

-- a_message_without_a_conversation
BEGIN;
INSERT INTO parley.messages (conversation_id, number, content) VALUES (-7, 1, 'orphan');
SELECT rule, found FROM parley.audit_conversations();
ROLLBACK;

-- triggers_that_do_not_fire
BEGIN;
ALTER TABLE parley.members DISABLE TRIGGER USER;
SELECT rule, found FROM parley.audit_conversations();
ALTER TABLE parley.cases DISABLE TRIGGER ALL;
SELECT count(*) > 1 AS foreign_keys_too FROM parley.audit_conversations() WHERE found LIKE 'trigger % is disabled';
ROLLBACK;
BEGIN;
CREATE TRIGGER mine BEFORE UPDATE ON parley.members FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE parley.members DISABLE TRIGGER mine;
SELECT rule, found FROM parley.audit_conversations();
ROLLBACK;

-- breaches_that_the_table_itself_refuses
INSERT INTO parley.messages (conversation_id, number, content) VALUES (:c, 3, 'twice');
INSERT INTO parley.messages (conversation_id, number, content) VALUES (:c, 0, 'zeroth');
INSERT INTO parley.messages (conversation_id, number) VALUES (:c, 4);
UPDATE parley.messages SET deleted_at = now() WHERE conversation_id = :c AND number = 1;
UPDATE parley.members SET read_number = -1 WHERE conversation_id = :c;
