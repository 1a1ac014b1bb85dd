-- messages: posting (in C), reading, changing; a conversation with its messages; rebuilding and auditing its counters.

CREATE FUNCTION parley.post_message(
	conversation_id bigint, content parley.message_content, sender_id bigint DEFAULT NULL,
	idempotency_key parley.idempotency_key DEFAULT NULL, caller_id bigint DEFAULT NULL, caller_role text DEFAULT NULL)
RETURNS parley.posted_message
LANGUAGE c SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_post_message_1_1';
COMMENT ON FUNCTION parley.post_message(bigint, parley.message_content, bigint, parley.idempotency_key, bigint, text) IS
	'Posts a message with the next number of its conversation, in commit order. If sender_id is null, it is from the operator; if '
	'also caller_id is the id of an agent and caller_role is not user, it is from that agent. If the key was used in the '
	'conversation before, returns the first result again (replayed), whatever became of the message. Errors: P0002 no such '
	'conversation, or the sender is not a member of it; 42501 the sender is blocked; PY422 the key was used with another sender or '
	'content.';

CREATE FUNCTION parley.require_conversation(conversation_id bigint) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM parley.conversations c WHERE c.id = require_conversation.conversation_id) THEN
		RAISE EXCEPTION 'conversation % does not exist', conversation_id USING ERRCODE = 'no_data_found';
	END IF;
END $$;
COMMENT ON FUNCTION parley.require_conversation(bigint) IS 'Raises P0002 if there is no such conversation.';

CREATE FUNCTION parley.list_messages(
	conversation_id bigint, last_id bigint DEFAULT NULL, sort parley.sort_direction DEFAULT 'asc',
	"limit" parley.page_limit DEFAULT 50, "searchValue" parley.search_term DEFAULT NULL)
RETURNS SETOF parley.listed_message
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- Read one more row to find out whether there is a next page.
	IF "searchValue" <> '' THEN
		RETURN QUERY
			SELECT p.conversation_id, p.number, p.sender_id, p.content::text, p.created_at, p.edited_at, p.deleted_at,
				CASE WHEN lead(p.number) OVER (ORDER BY f.place) IS NOT NULL THEN p.number END, p.agent_id, p.transfer_id
			FROM parley.search_conversation(conversation_id, "searchValue", coalesce(last_id, CASE sort WHEN 'asc' THEN 0 ELSE 9223372036854775807 END),
					list_messages.limit + 1, sort = 'asc') WITH ORDINALITY AS f(number, place)
				CROSS JOIN LATERAL (SELECT * FROM parley.messages m
					WHERE m.conversation_id = list_messages.conversation_id AND m.number = f.number LIMIT 1) p
			ORDER BY f.place LIMIT list_messages.limit;
	ELSIF sort = 'asc' THEN
		RETURN QUERY
			SELECT p.conversation_id, p.number, p.sender_id, p.content::text, p.created_at, p.edited_at, p.deleted_at,
				CASE WHEN lead(p.number) OVER (ORDER BY p.number) IS NOT NULL THEN p.number END, p.agent_id, p.transfer_id
			FROM (SELECT * FROM parley.messages m
				WHERE m.conversation_id = list_messages.conversation_id AND m.number > coalesce(last_id, 0)
				ORDER BY m.number LIMIT list_messages.limit + 1) p
			ORDER BY p.number LIMIT list_messages.limit;
	ELSE
		RETURN QUERY
			SELECT p.conversation_id, p.number, p.sender_id, p.content::text, p.created_at, p.edited_at, p.deleted_at,
				CASE WHEN lead(p.number) OVER (ORDER BY p.number DESC) IS NOT NULL THEN p.number END, p.agent_id, p.transfer_id
			FROM (SELECT * FROM parley.messages m
				WHERE m.conversation_id = list_messages.conversation_id
					AND m.number < coalesce(last_id, 9223372036854775807)
				ORDER BY m.number DESC LIMIT list_messages.limit + 1) p
			ORDER BY p.number DESC LIMIT list_messages.limit;
	END IF;
	IF NOT FOUND THEN
		PERFORM parley.require_conversation(conversation_id);
	END IF;
	-- A chat's messages may be visible before they are on disk (extension/ledger/early_release.c).
	PERFORM parley.await_durable() FROM parley.conversations c WHERE c.id = list_messages.conversation_id AND c.kind = 'chat';
END $$;
COMMENT ON FUNCTION parley.list_messages(bigint, bigint, parley.sort_direction, parley.page_limit, parley.search_term) IS
	'Returns messages of a conversation strictly after (asc) or before (desc) the number last_id, or from that end, including '
	'tombstones. With searchValue, returns only those that contain it. The context of message n is last_id n - 26, limit 51. '
	'Errors: P0002 no such conversation.';

CREATE FUNCTION parley.refresh_newest_message(home parley.conversations) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM parley.messages m WHERE m.conversation_id = home.id AND m.number = home.newest_number AND m.deleted_at IS NULL) THEN
		NULL;
	ELSIF home.is_dated_in_order THEN
		SELECT m.number, m.created_at INTO home.newest_number, home.last_message_at FROM parley.messages m
			WHERE m.conversation_id = home.id AND m.number < home.newest_number AND m.deleted_at IS NULL
			ORDER BY m.number DESC LIMIT 1;
	ELSE
		SELECT m.number, m.created_at INTO home.newest_number, home.last_message_at FROM parley.messages m
			WHERE m.conversation_id = home.id AND m.deleted_at IS NULL
			ORDER BY m.created_at DESC, m.number DESC LIMIT 1;
	END IF;
	UPDATE parley.conversations c SET newest_number = home.newest_number, last_message_at = home.last_message_at WHERE c.id = home.id;
END $$;
COMMENT ON FUNCTION parley.refresh_newest_message(parley.conversations) IS
	'Determines the newest message of a conversation after messages were changed or deleted. The conversation''s row must be '
	'locked. It is updated in any case, because that is how sync notices the change.';

CREATE FUNCTION parley.delete_messages(
	conversation_ids bigint[], numbers bigint[], OUT messages bigint, OUT idempotency_hashes bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	home parley.conversations;
BEGIN
	-- In the order of their ids, like everyone who locks several.
	PERFORM FROM parley.conversations c WHERE c.id = ANY (conversation_ids) ORDER BY c.id FOR NO KEY UPDATE;
	SELECT count(*) FILTER (WHERE m.deleted_at IS NULL), count(m.idempotency_hash) INTO messages, idempotency_hashes
		FROM unnest(conversation_ids, numbers) AS r(conversation_id, number)
			JOIN parley.messages m ON m.conversation_id = r.conversation_id AND m.number = r.number;
	UPDATE parley.messages m SET content = NULL, deleted_at = coalesce(m.deleted_at, clock_timestamp()), idempotency_hash = NULL
		FROM unnest(conversation_ids, numbers) AS r(conversation_id, number)
		WHERE m.conversation_id = r.conversation_id AND m.number = r.number AND (m.deleted_at IS NULL OR m.idempotency_hash IS NOT NULL);
	FOR home IN SELECT c.* FROM parley.conversations c WHERE c.id = ANY (conversation_ids) LOOP
		PERFORM parley.refresh_newest_message(home);
	END LOOP;
END $$;
COMMENT ON FUNCTION parley.delete_messages(bigint[], bigint[]) IS
	'Turns messages into tombstones, including receipts, whoever sent them, and removes the data by which replays are recognized. '
	'For erase_contact() and erase_messages(). Returns how many there were. Does not check that the arrays have the same length.';

CREATE FUNCTION parley.change_message(
	conversation_id bigint, message_id bigint, content parley.message_content, author_id bigint)
RETURNS parley.message
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	home parley.conversations;
	was parley.messages;
	changed parley.message;
BEGIN
	-- Lock the conversation's row first, as post_message does. It is updated in any case, because that is how sync notices the
	-- change.
	SELECT * INTO home FROM parley.conversations c WHERE c.id = change_message.conversation_id FOR NO KEY UPDATE;
	SELECT * INTO was FROM parley.messages m
		WHERE m.conversation_id = change_message.conversation_id AND m.number = message_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'message % of conversation % does not exist', message_id, conversation_id USING ERRCODE = 'no_data_found';
	ELSIF was.sender_id IS DISTINCT FROM author_id THEN
		RAISE EXCEPTION 'message % was sent by someone else', message_id USING ERRCODE = 'insufficient_privilege';
	ELSIF was.transfer_id IS NOT NULL THEN
		RAISE EXCEPTION 'message % is a receipt', message_id USING ERRCODE = 'PY409';
	ELSIF was.deleted_at IS NOT NULL AND content IS NOT NULL THEN
		RAISE EXCEPTION 'message % is deleted', message_id USING ERRCODE = 'PY409';
	ELSIF was.deleted_at IS NULL THEN
		UPDATE parley.messages m
			SET content = change_message.content,
				edited_at = CASE WHEN change_message.content IS NULL THEN m.edited_at ELSE clock_timestamp() END,
				deleted_at = CASE WHEN change_message.content IS NULL THEN clock_timestamp() END,
				idempotency_hash = CASE WHEN m.edited_at IS NULL AND m.idempotency_key IS NOT NULL THEN octet_length(m.content)
					ELSE m.idempotency_hash END
			WHERE m.conversation_id = change_message.conversation_id AND m.number = message_id;
		PERFORM parley.refresh_newest_message(home);
	END IF;
	SELECT m.conversation_id, m.number, m.sender_id, m.content, m.created_at, m.edited_at, m.deleted_at, m.agent_id, m.transfer_id INTO changed
		FROM parley.messages m
		WHERE m.conversation_id = change_message.conversation_id AND m.number = message_id;
	RETURN changed;
END $$;
COMMENT ON FUNCTION parley.change_message(bigint, bigint, parley.message_content, bigint) IS
	'The only place where messages change: sets new content or, if that is null, deletes the message and leaves a tombstone. '
	'Deleting it again changes nothing. author_id must be the sender (null: the operator, or an application). Errors: P0002 no such'
	' message, 42501 another sender''s, PY409 deleted, or a receipt.';

CREATE FUNCTION parley.require_content(content parley.message_content) RETURNS parley.message_content
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF content IS NULL THEN
		RAISE EXCEPTION 'argument "content" must not be null' USING ERRCODE = 'null_value_not_allowed', COLUMN = 'content';
	END IF;
	RETURN content;
END $$;
COMMENT ON FUNCTION parley.require_content(parley.message_content) IS
	'Returns the content. It makes sure that an edit without content is not taken for a deletion. Errors: 22004 null.';

CREATE FUNCTION parley.edit_message(conversation_id bigint, message_id bigint, content parley.message_content)
RETURNS parley.message
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT parley.change_message(conversation_id, message_id, parley.require_content(content), NULL);
END;
COMMENT ON FUNCTION parley.edit_message(bigint, bigint, parley.message_content) IS
	'Changes the content of a message of the operator''s. Errors: as change_message, and 22004 no content.';

CREATE FUNCTION parley.delete_message(conversation_id bigint, message_id bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT parley.change_message(conversation_id, message_id, NULL, NULL);
END;
COMMENT ON FUNCTION parley.delete_message(bigint, bigint) IS
	'Deletes a message of the operator''s. Its number stays, its content is removed. Errors: as change_message.';

CREATE FUNCTION parley.scrub() RETURNS SETOF text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT unnest(ARRAY[
		-- What parley 1.0 kept of an edited text.
		'UPDATE parley.messages SET idempotency_hash = NULL WHERE edited_at IS NOT NULL AND idempotency_hash NOT BETWEEN 0 AND 40000',
		'VACUUM (ANALYZE) parley.messages, parley.contacts, parley.accounts',
		'REINDEX INDEX CONCURRENTLY parley.messages_grams',
		'REINDEX INDEX CONCURRENTLY parley.contacts_grams',
		'REINDEX INDEX CONCURRENTLY parley.contacts_name_trgm',
		'VACUUM pg_catalog.pg_statistic']);
END;
COMMENT ON FUNCTION parley.scrub() IS
	'Returns the statements that remove what is left of deleted and edited texts from the tables and indexes. A superuser must run '
	'them one by one, for example with psql''s \gexec, because VACUUM and REINDEX CONCURRENTLY cannot run in a function. Readers '
	'and writers do not wait.';

CREATE FUNCTION parley.count_unread(conversation_id bigint, contact_id bigint, read_number bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT count(*) FROM (SELECT FROM parley.messages m
		WHERE m.conversation_id = count_unread.conversation_id
			AND m.number > greatest(read_number, (SELECT c.last_number - 5000 FROM parley.conversations c WHERE c.id = count_unread.conversation_id))
			AND m.deleted_at IS NULL AND m.sender_id IS DISTINCT FROM count_unread.contact_id
		LIMIT 1000) u);
END $$;
COMMENT ON FUNCTION parley.count_unread(bigint, bigint, bigint) IS
	'Returns how many messages after read_number are neither deleted nor the contact''s own. The count is exact up to 1,000, which '
	'it never exceeds. Looks at the newest 5,000 messages only.';

CREATE FUNCTION parley.message_json(message parley.message) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN row_to_json(ROW(message.conversation_id, message.message_id, message.sender_id, message.content,
	parley.rfc3339(message.created_at), parley.rfc3339(message.edited_at), parley.rfc3339(message.deleted_at),
	message.agent_id, message.transfer_id)::parley.shown_message);
COMMENT ON FUNCTION parley.message_json(parley.message) IS
	'returns a message for use in a JSON response, as the gateway formats a single one';

CREATE FUNCTION parley.conversation(
	conversation_id bigint, OUT id bigint, OUT kind parley.conversation_kind, OUT created_at timestamptz,
	OUT last_message_id bigint, OUT participants json, OUT messages json, OUT "case" json)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT c.id, c.kind, c.created_at, nullif(c.last_number, 0) INTO id, kind, created_at, last_message_id
		FROM parley.conversations c WHERE c.id = conversation.conversation_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'conversation % does not exist', conversation_id USING ERRCODE = 'no_data_found';
	END IF;
	SELECT '[' || coalesce(string_agg(row_to_json(p)::text, ',' ORDER BY p.id), '') || ']' INTO participants
		FROM (SELECT k.id, k.name, coalesce(k.phone, k.email) AS identifier,
				CASE WHEN k.phone IS NOT NULL THEN 'phone' WHEN k.email IS NOT NULL THEN 'email' END AS type,
				m.read_number AS read_message_id
			FROM parley.members m JOIN parley.contacts k ON k.id = m.contact_id
			WHERE m.conversation_id = conversation.conversation_id) p;
	SELECT '[' || coalesce(string_agg(parley.message_json((n.conversation_id, n.message_id, n.sender_id, n.content,
			n.created_at, n.edited_at, n.deleted_at, n.agent_id, n.transfer_id))::text, ',' ORDER BY n.message_id DESC), '') || ']'
		INTO messages
		FROM parley.list_messages(conversation.conversation_id, sort => 'desc', "limit" => 50) n;
	IF kind <> 'chat' THEN
		"case" := parley.case_json(conversation_id);
	END IF;
END $$;
COMMENT ON FUNCTION parley.conversation(bigint) IS
	'Returns a conversation with its participants, how far each of them has read, its case, and its newest 50 messages, newest '
	'first. last_message_id is null before the first message. Errors: P0002 no such conversation.';

CREATE VIEW parley.misdated_messages AS
	SELECT conversation_id, number FROM (
		SELECT m.conversation_id, m.number,
			m.created_at < lag(m.created_at) OVER (PARTITION BY m.conversation_id ORDER BY m.number) AS is_misdated
		FROM parley.messages m WHERE m.deleted_at IS NULL) m
	WHERE is_misdated;
COMMENT ON VIEW parley.misdated_messages IS 'undeleted messages that are dated before the previous one';

CREATE VIEW parley.newest_messages AS
	SELECT DISTINCT ON (m.conversation_id) m.conversation_id, m.number, m.created_at
	FROM parley.messages m WHERE m.deleted_at IS NULL
	ORDER BY m.conversation_id, m.created_at DESC, m.number DESC;
COMMENT ON VIEW parley.newest_messages IS 'the newest message of every conversation that has one; reads all messages';

CREATE FUNCTION parley.rebuild_conversations() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	repaired bigint;
BEGIN
	-- EXCLUSIVE, so that this also waits for those who have locked only a row so far and are about to write: otherwise there
	-- would be a deadlock.
	LOCK TABLE parley.conversations, parley.messages IN EXCLUSIVE MODE;
	WITH truth AS (
		SELECT c.id, coalesce(l.last_number, 0) AS last_number, n.number AS newest_number, n.created_at AS last_message_at,
			d.conversation_id IS NULL AS is_dated_in_order
		FROM parley.conversations c
			LEFT JOIN (SELECT m.conversation_id, max(m.number) AS last_number FROM parley.messages m GROUP BY m.conversation_id) l
				ON l.conversation_id = c.id
			LEFT JOIN parley.newest_messages n ON n.conversation_id = c.id
			LEFT JOIN (SELECT DISTINCT conversation_id FROM parley.misdated_messages) d ON d.conversation_id = c.id
	)
	UPDATE parley.conversations c
		SET last_number = t.last_number, newest_number = t.newest_number, last_message_at = t.last_message_at,
			is_dated_in_order = t.is_dated_in_order
		FROM truth t
		WHERE t.id = c.id AND (c.last_number, c.newest_number, c.last_message_at, c.is_dated_in_order)
			IS DISTINCT FROM (t.last_number, t.newest_number, t.last_message_at, t.is_dated_in_order);
	GET DIAGNOSTICS repaired = ROW_COUNT;
	RETURN repaired;
END $$;
COMMENT ON FUNCTION parley.rebuild_conversations() IS
	'Sets last_number, newest_number, last_message_at and is_dated_in_order of every conversation from its messages, after rows '
	'were loaded without post_message. Returns how many it changed. Writers wait meanwhile.';

CREATE FUNCTION parley.audit_conversations(OUT rule text, OUT conversation_id bigint, OUT found text)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH truth AS (
		SELECT m.conversation_id, count(*) AS messages, min(m.number) AS first, max(m.number) AS last,
			max(m.created_at) FILTER (WHERE m.deleted_at IS NULL) AS newest
		FROM parley.messages m GROUP BY m.conversation_id
	)
	SELECT 'numbers run from 1 without a gap', t.conversation_id, format('%s messages numbered %s to %s', t.messages, t.first, t.last)
		FROM truth t WHERE t.first <> 1 OR t.last <> t.messages
	UNION ALL
	SELECT 'a message has its conversation', t.conversation_id, format('%s messages without one', t.messages)
		FROM truth t WHERE NOT EXISTS (SELECT FROM parley.conversations c WHERE c.id = t.conversation_id)
	UNION ALL
	SELECT 'last_number is the last message''s', c.id, format('%s, not %s', c.last_number, coalesce(t.last, 0))
		FROM parley.conversations c LEFT JOIN truth t ON t.conversation_id = c.id
		WHERE c.last_number <> coalesce(t.last, 0)
	UNION ALL
	SELECT 'last_message_at is the newest undeleted message''s', c.id,
			format('%s, not %s', coalesce(c.last_message_at::text, 'null'), coalesce(t.newest::text, 'null'))
		FROM parley.conversations c LEFT JOIN truth t ON t.conversation_id = c.id
		WHERE c.last_message_at IS DISTINCT FROM t.newest
	UNION ALL
	SELECT 'newest_number is the newest undeleted message''s', c.id,
			format('%s, not %s', coalesce(c.newest_number::text, 'null'), coalesce(n.number::text, 'null'))
		FROM parley.conversations c LEFT JOIN parley.newest_messages n ON n.conversation_id = c.id
		WHERE c.newest_number IS DISTINCT FROM n.number
	UNION ALL
	SELECT 'messages are dated in the order of their numbers', c.id, format('message %s is dated before an earlier one', min(d.number))
		FROM parley.conversations c JOIN parley.misdated_messages d ON d.conversation_id = c.id
		WHERE c.is_dated_in_order GROUP BY c.id
	UNION ALL
	SELECT 'a read horizon is not past the end', m.conversation_id, format('member %s read %s of %s', m.contact_id, m.read_number, c.last_number)
		FROM parley.members m JOIN parley.conversations c ON c.id = m.conversation_id
		WHERE m.read_number > c.last_number
	UNION ALL
	SELECT 'the operator''s read horizon is not past the end', c.id, format('read %s of %s', c.operator_read_number, c.last_number)
		FROM parley.conversations c WHERE c.operator_read_number > c.last_number
	UNION ALL
	SELECT 'is_settled is what the case says', c.id, format('%s, and the case is %s', c.is_settled, coalesce(s.status, 'open'))
		FROM parley.conversations c LEFT JOIN parley.cases s ON s.conversation_id = c.id
		WHERE c.is_settled <> (coalesce(s.status, 'open') <> 'open')
	UNION ALL
	SELECT 'a member is a contact', m.conversation_id, format('member %s does not exist', m.contact_id)
		FROM parley.members m WHERE NOT EXISTS (SELECT FROM parley.contacts p WHERE p.id = m.contact_id)
	UNION ALL
	SELECT 'whom a conversation is with is a member of it', c.id, format('contact %s is none', w.contact_id)
		FROM parley.conversations c, unnest(ARRAY[c.contact_id, c.low_contact_id, c.high_contact_id]) AS w(contact_id)
		WHERE w.contact_id IS NOT NULL
			AND NOT EXISTS (SELECT FROM parley.members m WHERE m.conversation_id = c.id AND m.contact_id = w.contact_id)
	UNION ALL
	SELECT 'a member is blocked where the other side blocks them', c.id, format('member %s', m.contact_id)
		FROM parley.conversations c JOIN parley.members m ON m.conversation_id = c.id
		WHERE c.kind = 'direct' AND m.is_blocked <> EXISTS (SELECT FROM parley.blocks b
			WHERE b.contact_id = m.contact_id AND b.user_id = CASE m.contact_id WHEN c.low_contact_id THEN c.high_contact_id ELSE c.low_contact_id END)
	UNION ALL
	SELECT 'a sender is a member', s.conversation_id, format('sender %s is none', s.sender_id)
		FROM (SELECT DISTINCT m.conversation_id, m.sender_id FROM parley.messages m WHERE m.sender_id IS NOT NULL) s
		WHERE NOT EXISTS (SELECT FROM parley.members m WHERE m.conversation_id = s.conversation_id AND m.contact_id = s.sender_id)
	UNION ALL
	SELECT 'grams are folded as the collation folds', NULL, format('the database has collation version %s and the system %s: REINDEX INDEX '
			'CONCURRENTLY parley.messages_grams and parley.contacts_grams, then ALTER DATABASE %I REFRESH COLLATION VERSION',
			d.datcollversion, coalesce(pg_database_collation_actual_version(d.oid), 'none'), d.datname)
		FROM pg_database d WHERE d.datname = current_database() AND d.datcollversion IS NOT NULL
			AND d.datcollversion IS DISTINCT FROM pg_database_collation_actual_version(d.oid)
	UNION ALL
	-- A restore with --disable-triggers leaves them so: enabled, but no longer always, or disabled where it broke off.
	SELECT 'parley''s triggers fire', NULL,
			format('trigger %I of %s is %s', g.tgname, g.tgrelid::regclass, CASE g.tgenabled WHEN 'O' THEN 'not ENABLE ALWAYS' ELSE 'disabled' END)
		FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid JOIN pg_proc p ON p.oid = g.tgfoid
		WHERE t.relnamespace = 'parley'::regnamespace AND (g.tgisinternal OR p.pronamespace = 'parley'::regnamespace)
			AND (g.tgenabled IN ('D', 'R') OR g.tgenabled = 'O' AND g.tgname IN ('conversations_wake', 'members_wake'));
END;
COMMENT ON FUNCTION parley.audit_conversations() IS
	'Returns the conversations that violate a rule that must always hold, and how, and triggers of parley that do not fire; no rows if all is '
	'well. Reads every message.';
