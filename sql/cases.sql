-- cases: the operator's side of a conversation, the operator's people, read horizon, edits and deletions.
\set VERBOSITY terse
BEGIN;
SELECT id AS ann FROM parley.create_contact('Ann', '+1 555 010 0001') \gset
SELECT id AS bob FROM parley.create_contact('Bob', '+1 555 010 0002') \gset
SELECT id AS talk FROM parley.open_contact_conversation(:ann) \gset
SELECT id AS direct FROM parley.open_direct_conversation(:ann, :bob) \gset

-- agents_are_created_changed_and_disabled; emails are unique without regard to case
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

-- a_conversation_without_a_case_is_open_and_unassigned
SELECT status, snoozed_until, assignee_id, labels FROM parley.case_state(:talk);

-- missing_fields_stay; assignee 0 is nobody; labels are a set
SELECT status, assignee_id = :mara AS mara, labels FROM parley.set_case(:talk, assignee_id => :mara, labels => '["vip", "billing", "vip"]');
SELECT status, assignee_id = :mara AS mara, labels FROM parley.set_case(:talk, 'resolved');
SELECT status, assignee_id, labels FROM parley.set_case(:talk, 'open', assignee_id => 0, labels => '[]');

-- invalid_values_are_refused_by_the_name_of_the_field
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

-- a_snooze_ends_by_itself
SELECT status, snoozed_until > now() AS later FROM parley.set_case(:talk, snoozed_until => clock_timestamp() + interval '1 hour');
UPDATE parley.cases SET snoozed_until = now() WHERE conversation_id = :talk;
SELECT status, snoozed_until FROM parley.case_state(:talk);

-- the_contacts_message_reopens_it, the operator's own does not; other conversations do not change
SELECT status FROM parley.set_case(:talk, 'resolved');
SELECT status FROM parley.set_case(:direct, 'resolved');
SELECT message_id FROM parley.post_message(:talk, 'anything else?');
SELECT status FROM parley.case_state(:talk);
SELECT message_id FROM parley.post_message(:talk, 'yes', :ann);
SELECT status FROM parley.case_state(:talk);
SELECT status FROM parley.case_state(:direct);
SELECT message_id FROM parley.post_user_message(:direct, 'hello', :bob);
SELECT status FROM parley.case_state(:direct);

-- the_operators_read_horizon: own messages after it are not unread, it only advances, deleted messages do not count
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

-- news_is_unread_however_many_messages_of_others_were_erased_before_it
SELECT id AS cal FROM parley.create_contact('Cal', '+1 555 010 0003') \gset
SELECT id AS long FROM parley.open_contact_conversation(:cal) \gset
INSERT INTO parley.messages (conversation_id, number, sender_id, deleted_at) SELECT :long, n, :cal, now() FROM generate_series(1, 5001) n;
UPDATE parley.conversations SET last_number = 5001 WHERE id = :long;
SELECT message_id FROM parley.post_message(:long, 'still there?', :cal);
SELECT parley.operator_unread(:long, 0), (SELECT unread FROM parley.list_conversations('still there?', sender => :'cal')) AS listed,
	(SELECT count(*) FROM parley.list_conversations(sender => :'cal', unread => true)) AS filtered;

-- the_operators_own_messages_can_be_edited_and_deleted, others' cannot
SELECT content, edited_at IS NOT NULL AS edited FROM parley.edit_message(:talk, 6, 'three, edited');
SELECT parley.edit_message(:talk, 5, 'forged');
ROLLBACK TO s;
SELECT parley.delete_message(:talk, 6);

-- a_message_sent_by_an_agent_says_so: in the first response and in repetitions, in lists, in the conversation, in sync. An id
-- that is not an agent's, or is a user's, is not recorded, nor is one on messages sent for a member.
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

-- all_of_it_is_in_the_conversation
SELECT "case" -> 'status' AS status, "case" -> 'labels' AS labels, participants -> 0 -> 'read_message_id' AS read
	FROM parley.conversation(:talk);

-- the_audit_reports_a_flag_that_disagrees_with_its_case, and a horizon past the end
SELECT status FROM parley.set_case(:talk, 'resolved');
SELECT rule FROM parley.audit_conversations() WHERE conversation_id = :talk;
UPDATE parley.conversations SET is_settled = false, operator_read_number = 99 WHERE id = :talk;
SELECT rule FROM parley.audit_conversations() WHERE conversation_id = :talk ORDER BY rule;
ROLLBACK;
