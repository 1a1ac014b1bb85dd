-- cases: the operator's side of a conversation, the operator's people, read horizon, edits and deletions.
\set VERBOSITY terse
BEGIN;
SELECT id AS ann FROM parley.create_contact('Ann', '+1 555 010 0001') \gset
SELECT id AS bob FROM parley.create_contact('Bob', '+1 555 010 0002') \gset
SELECT id AS talk FROM parley.open_contact_conversation(:ann) \gset
SELECT id AS direct FROM parley.open_direct_conversation(:ann, :bob) \gset

-- agents: made, changed, disabled; emails are one each, whatever their case
SELECT id AS mara FROM parley.create_agent('Mara', 'mara@example.org') \gset
SELECT id AS tom FROM parley.create_agent('Tom', 'tom@example.org') \gset
SELECT name, email, disabled_at FROM parley.list_agents();
SAVEPOINT s;
SELECT parley.create_agent('Mara II', 'MARA@example.org');
ROLLBACK TO s;
SELECT parley.change_agent(:tom, email => 'Mara@example.org');
ROLLBACK TO s;
SELECT parley.change_agent(-1, 'Nobody');
ROLLBACK TO s;
SELECT name, email, disabled_at IS NOT NULL AS disabled FROM parley.change_agent(:tom, 'Tom O.', disabled => true);
SELECT name, disabled_at IS NOT NULL AS disabled FROM parley.change_agent(:tom, disabled => false);

-- a conversation that nobody said anything about is open and nobody's
SELECT status, snoozed_until, assignee_id, labels FROM parley.case_state(:talk);

-- what is absent stays; assignee 0 is nobody; labels are a set
SELECT status, assignee_id = :mara AS mara, labels FROM parley.set_case(:talk, assignee_id => :mara, labels => '["vip", "billing", "vip"]');
SELECT status, assignee_id = :mara AS mara, labels FROM parley.set_case(:talk, 'resolved');
SELECT status, assignee_id, labels FROM parley.set_case(:talk, 'open', assignee_id => 0, labels => '[]');

-- what makes no sense is refused, by the name of the field
SAVEPOINT s;
SELECT parley.set_case(:talk, 'snoozed');
ROLLBACK TO s;
SELECT parley.set_case(:talk, 'snoozed', now() - interval '1 hour');
ROLLBACK TO s;
SELECT parley.set_case(:talk, 'resolved', now() + interval '1 hour');
ROLLBACK TO s;
SELECT parley.set_case(:talk, 'gone');
ROLLBACK TO s;
SELECT parley.set_case(:talk, labels => '["a", 1]');
ROLLBACK TO s;
SELECT parley.set_case(:talk, labels => '{"a": "b"}');
ROLLBACK TO s;
SELECT parley.set_case(:talk, labels => '[""]');
ROLLBACK TO s;
SELECT parley.set_case(-1, 'open');
ROLLBACK TO s;
SELECT parley.change_agent(:tom, disabled => true) IS NOT NULL AS disabled;
\set VERBOSITY sqlstate
SELECT parley.set_case(:talk, assignee_id => :tom);
ROLLBACK TO s;

\set VERBOSITY terse

-- a snooze ends by itself
SELECT status, snoozed_until > now() AS later FROM parley.set_case(:talk, snoozed_until => clock_timestamp() + interval '1 hour');
UPDATE parley.cases SET snoozed_until = now() WHERE conversation_id = :talk;
SELECT status, snoozed_until FROM parley.case_state(:talk);

-- the contact's message opens it again, the operator's own does not; other conversations stay as they are
SELECT status FROM parley.set_case(:talk, 'resolved');
SELECT status FROM parley.set_case(:direct, 'resolved');
SELECT message_id FROM parley.post_message(:talk, 'anything else?');
SELECT status FROM parley.case_state(:talk);
SELECT message_id FROM parley.post_message(:talk, 'yes', :ann);
SELECT status FROM parley.case_state(:talk);
SELECT status FROM parley.case_state(:direct);
SELECT message_id FROM parley.post_user_message(:direct, 'hello', :bob);
SELECT status FROM parley.case_state(:direct);

-- the operator's read horizon: own messages after it are no news, it only advances, deleted ones do not count
SELECT * FROM parley.mark_operator_read(:talk, 1);
SELECT * FROM parley.mark_operator_read(:talk, 2);
SELECT * FROM parley.mark_operator_read(:talk, 1);
SELECT message_id FROM parley.post_message(:talk, 'gladly');
SELECT operator_read_number, last_number FROM parley.conversations WHERE id = :talk;
SELECT message_id FROM parley.post_message(:talk, 'one', :ann);
SELECT message_id FROM parley.post_message(:talk, 'two', :ann);
SELECT message_id FROM parley.post_message(:talk, 'three');
SELECT operator_read_number, last_number FROM parley.conversations WHERE id = :talk;
SELECT parley.operator_unread(:talk, 3);
SELECT parley.delete_user_message(:ann, :talk, 4);
SELECT parley.operator_unread(:talk, 3);
SAVEPOINT s;
\set VERBOSITY sqlstate
SELECT * FROM parley.mark_operator_read(:talk, 7);
ROLLBACK TO s;

\set VERBOSITY terse

-- the operator's own messages can be edited and deleted, others' not
SELECT content, edited_at IS NOT NULL AS edited FROM parley.edit_message(:talk, 6, 'three, edited');
SELECT parley.edit_message(:talk, 5, 'forged');
ROLLBACK TO s;
SELECT parley.delete_message(:talk, 6);

-- what an agent sends says so: in the first answer and when it is repeated, in lists, in the conversation, in sync; an id that is no
-- agent's, or a user's, says nothing, and nor does what is sent for a member
SELECT agent_id = :mara AS maras FROM parley.post_message(:talk, 'from Mara', NULL, 'mara-1', :mara, 'operator');
SELECT agent_id = :mara AS maras, replayed FROM parley.post_message(:talk, 'from Mara', NULL, 'mara-1', :tom, 'operator');
SELECT content, agent_id = :mara AS maras FROM parley.list_messages(:talk, sort => 'desc', "limit" => 2);
SELECT content, agent_id FROM parley.post_message(:talk, 'from nobody', caller_id => -1, caller_role => 'operator');
SELECT content, agent_id FROM parley.post_message(:talk, 'from a user', caller_id => :mara, caller_role => 'user');
SELECT content, agent_id FROM parley.post_message(:talk, 'for Ann', :ann, caller_id => :mara, caller_role => 'operator');
SELECT (m ->> 'agent_id')::bigint = :mara AS maras FROM parley.conversation(:talk), json_array_elements(messages) m WHERE m ->> 'content' = 'from Mara';
SELECT (m ->> 'agent_id')::bigint = :mara AS maras FROM parley.sync(:ann), json_array_elements(messages) m WHERE m ->> 'content' = 'from Mara';
SELECT agent_id = :mara AS maras FROM parley.get_user_message(:ann, :talk, (SELECT max(number) - 3 FROM parley.messages WHERE conversation_id = :talk));
SELECT agent_id = :mara AS maras FROM parley.edit_message(:talk, (SELECT max(number) - 3 FROM parley.messages WHERE conversation_id = :talk), 'from Mara, edited');

-- all of it stands in the conversation
SELECT "case" -> 'status' AS status, "case" -> 'labels' AS labels, participants -> 0 -> 'read_message_id' AS read
	FROM parley.conversation(:talk);

-- the audit sees a flag that disagrees with its case, and a horizon past the end
SELECT status FROM parley.set_case(:talk, 'resolved');
SELECT rule FROM parley.audit_conversations() WHERE conversation_id = :talk;
UPDATE parley.conversations SET is_settled = false, operator_read_number = 99 WHERE id = :talk;
SELECT rule FROM parley.audit_conversations() WHERE conversation_id = :talk ORDER BY rule;
ROLLBACK;
