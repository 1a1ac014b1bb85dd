-- cases: their current state, and changing it. A message by the contact reopens a snoozed or resolved case
-- (extension/messages.c).

CREATE FUNCTION parley.case_state(conversation_id bigint) RETURNS parley.case_state
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT asked.id,
		CASE WHEN c.status = 'snoozed' AND c.snoozed_until <= now() THEN 'open' ELSE coalesce(c.status, 'open') END,
		CASE WHEN c.snoozed_until > now() THEN c.snoozed_until END,
		c.assignee_id, coalesce(c.labels, '{}')
	FROM (SELECT case_state.conversation_id) AS asked(id) LEFT JOIN parley.cases c ON c.conversation_id = asked.id;
END;
COMMENT ON FUNCTION parley.case_state(bigint) IS
	'Returns the current case of a conversation; if a snooze has ended, the case is open. Does not check that the conversation '
	'exists.';

CREATE FUNCTION parley.case_json(conversation_id bigint) RETURNS json
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT row_to_json(r) FROM (
		SELECT s.conversation_id, s.status, parley.rfc3339(s.snoozed_until) AS snoozed_until, s.assignee_id, s.labels
		FROM parley.case_state(case_json.conversation_id) s) r;
END;
COMMENT ON FUNCTION parley.case_json(bigint) IS 'Returns case_state as part of a JSON response.';

CREATE FUNCTION parley.set_case(
	conversation_id bigint, status parley.case_status DEFAULT NULL, snoozed_until timestamptz DEFAULT NULL, assignee_id bigint DEFAULT NULL,
	labels parley.labels DEFAULT NULL)
RETURNS parley.case_state
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	was parley.case_state;
	next_status text;
	next_until timestamptz;
	next_assignee bigint;
BEGIN
	-- Lock the conversation's row first, as post_message does. It is updated in any case, because that is how sync notices the
	-- change.
	PERFORM FROM parley.conversations c WHERE c.id = set_case.conversation_id AND c.kind <> 'chat' FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'conversation % does not exist', conversation_id USING ERRCODE = 'no_data_found', COLUMN = 'conversation_id';
	END IF;
	was := parley.case_state(conversation_id);
	next_status := coalesce(status, CASE WHEN snoozed_until IS NOT NULL THEN 'snoozed' END, was.status);
	next_until := CASE WHEN next_status = 'snoozed' THEN coalesce(snoozed_until, was.snoozed_until) END;
	next_assignee := CASE WHEN assignee_id = 0 THEN NULL ELSE coalesce(assignee_id, was.assignee_id) END;
	IF snoozed_until IS NOT NULL AND next_status <> 'snoozed' THEN
		RAISE EXCEPTION 'snoozed_until requires status "snoozed"' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'snoozed_until';
	ELSIF next_status = 'snoozed' AND next_until IS NULL THEN
		RAISE EXCEPTION 'status "snoozed" requires snoozed_until' USING ERRCODE = 'null_value_not_allowed', COLUMN = 'snoozed_until';
	ELSIF snoozed_until <= clock_timestamp() THEN
		RAISE EXCEPTION 'snoozed_until must be in the future' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'snoozed_until';
	ELSIF assignee_id <> 0 AND NOT EXISTS (SELECT FROM parley.agents a WHERE a.id = set_case.assignee_id AND a.disabled_at IS NULL) THEN
		RAISE EXCEPTION 'agent % does not exist or is disabled', assignee_id USING ERRCODE = 'foreign_key_violation', COLUMN = 'assignee_id';
	END IF;
	INSERT INTO parley.cases AS c (conversation_id, status, snoozed_until, assignee_id, labels)
		VALUES (set_case.conversation_id, next_status, next_until, next_assignee,
			coalesce((SELECT array_agg(DISTINCT l ORDER BY l) FROM jsonb_array_elements_text(set_case.labels) l),
				CASE WHEN set_case.labels IS NULL THEN was.labels ELSE '{}' END))
		ON CONFLICT ON CONSTRAINT cases_pkey DO UPDATE
			SET status = excluded.status, snoozed_until = excluded.snoozed_until, assignee_id = excluded.assignee_id, labels = excluded.labels;
	UPDATE parley.conversations c SET is_settled = next_status <> 'open' WHERE c.id = set_case.conversation_id;
	RETURN parley.case_state(conversation_id);
END $$;
COMMENT ON FUNCTION parley.set_case(bigint, parley.case_status, timestamptz, bigint, parley.labels) IS
	'Changes the operator''s side of a conversation. Missing fields do not change. assignee_id 0 means nobody. labels replace the '
	'existing ones. A message by the contact opens the case again. Errors: P0002 no such conversation, 22004 snoozed without a '
	'time, 22023 a time in the past or with another status, 23503 no such agent.';

CREATE FUNCTION parley.operator_unread(conversation_id bigint, read_number bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN parley.count_unread(conversation_id, NULL, read_number);
END $$;
COMMENT ON FUNCTION parley.operator_unread(bigint, bigint) IS
	'Returns how many messages of others, not deleted, follow the operator''s read horizon, counted as in count_unread.';

CREATE FUNCTION parley.mark_operator_read(conversation_id bigint, message_id bigint, OUT read bigint, OUT unread bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	last_number bigint;
BEGIN
	UPDATE parley.conversations c SET operator_read_number = greatest(c.operator_read_number, message_id)
		WHERE c.id = mark_operator_read.conversation_id AND c.kind <> 'chat' AND message_id BETWEEN 1 AND c.last_number
		RETURNING c.operator_read_number INTO read;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'message % of conversation % does not exist', message_id, conversation_id
			USING ERRCODE = 'no_data_found', COLUMN = 'message_id';
	END IF;
	unread := parley.operator_unread(conversation_id, read);
END $$;
COMMENT ON FUNCTION parley.mark_operator_read(bigint, bigint) IS
	'Advances the operator''s read horizon to message_id. It never goes back. Returns the horizon and how many messages of others '
	'follow it, not counting deleted ones, exact up to 1,000. Errors: P0002 no such conversation or message.';
