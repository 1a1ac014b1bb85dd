-- erasures: erases what a contact was and wrote, or all messages before a time.

CREATE FUNCTION parley.gram_index_files() RETURNS oid[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
RETURN ARRAY(SELECT pg_relation_filenode(c.oid) FROM pg_class c
	WHERE c.relnamespace = 'parley'::regnamespace AND c.relname IN ('contacts_grams', 'contacts_name_trgm', 'messages_grams') ORDER BY c.relname);
COMMENT ON FUNCTION parley.gram_index_files() IS 'returns the files of the indexes that contain parts of words until they are rebuilt';

CREATE FUNCTION parley.erase_contact(contact_id bigint, caller_id bigint DEFAULT NULL) RETURNS parley.erasure
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	current_id bigint := parley.current_contact_id(erase_contact.contact_id);
	contact parley.contacts;
	conversation_ids bigint[];
	numbers bigint[];
	deleted record;
	names_count bigint;
	receipt parley.erasure;
BEGIN
	SELECT * INTO contact FROM parley.contacts c WHERE c.id = current_id FOR UPDATE;
	-- Posts to these wait, so no message comes between the list and the deletion.
	PERFORM FROM parley.conversations c WHERE c.id IN (SELECT m.conversation_id FROM parley.members m WHERE m.contact_id = contact.id)
		ORDER BY c.id FOR NO KEY UPDATE;
	SELECT array_agg(w.conversation_id), array_agg(w.number) INTO conversation_ids, numbers
		FROM parley.members m JOIN parley.messages w ON w.conversation_id = m.conversation_id AND w.sender_id = m.contact_id
		WHERE m.contact_id = contact.id AND (w.deleted_at IS NULL OR w.idempotency_hash IS NOT NULL);
	deleted := parley.delete_messages(conversation_ids, numbers);
	UPDATE parley.accounts a SET name = NULL
		WHERE a.name IS NOT NULL AND a.user_id IN (SELECT c.id FROM parley.contacts c WHERE contact.id IN (c.id, c.merged_into_id));
	GET DIAGNOSTICS names_count = ROW_COUNT;
	IF contact.erased_at IS NULL THEN
		DELETE FROM parley.openings o WHERE o.user_id = contact.id;
		UPDATE parley.contacts c SET name = NULL, phone = NULL, email = NULL, attributes = '{}', registered_at = NULL, erased_at = now()
			WHERE c.id = contact.id;
		INSERT INTO parley.erasures (contact_id, caller_id, fields, messages, idempotency_hashes, account_names, index_files)
			VALUES (contact.id, erase_contact.caller_id, ARRAY(SELECT f.name FROM (VALUES ('name', contact.name::text), ('phone', contact.phone),
					('email', contact.email), ('attributes', nullif(contact.attributes, '{}')::text)) AS f(name, value) WHERE f.value IS NOT NULL),
				deleted.messages, deleted.idempotency_hashes, names_count, parley.gram_index_files());
	ELSIF deleted.messages + names_count > 0 THEN
		-- It wrote after the erasure: a post waited for that to end, or a token was not revoked.
		UPDATE parley.erasures e
			SET erased_at = now(), messages = e.messages + deleted.messages, idempotency_hashes = e.idempotency_hashes + deleted.idempotency_hashes,
				account_names = e.account_names + names_count, log_position = pg_current_wal_insert_lsn(), index_files = parley.gram_index_files()
			WHERE e.contact_id = contact.id;
	END IF;
	SELECT e.contact_id, e.erased_at, e.caller_id, e.fields, e.messages, e.idempotency_hashes, e.account_names INTO receipt
		FROM parley.erasures e WHERE e.contact_id = contact.id;
	RETURN receipt;
END $$;
COMMENT ON FUNCTION parley.erase_contact(bigint, bigint) IS
	'Erases a contact: removes name, phone, email and attributes, turns the messages that they wrote into tombstones, removes the '
	'data by which replays are recognized, and removes the names of accounts. The ledger''s transactions stay. All of this happens '
	'in one commit, which sync and streams report. Returns the receipt, which is kept. Repeating it erases what the contact has '
	'written since, if anything, and returns the same receipt, in which that is counted. Errors: P0002 no such contact.';

CREATE FUNCTION parley.erasure_pending(OUT what text, OUT remedy text, OUT erasures bigint, OUT since timestamptz)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT 'old rows of ' || s.relid::regclass, 'VACUUM ' || s.relid::regclass, count(*), min(e.erased_at)
		FROM pg_stat_all_tables s JOIN parley.erasures e ON e.erased_at > coalesce(greatest(s.last_vacuum, s.last_autovacuum), '-infinity')
		WHERE s.relid IN ('parley.contacts'::regclass, 'parley.messages'::regclass, 'parley.accounts'::regclass)
		GROUP BY s.relid
	UNION ALL
	SELECT 'statistics of ' || s.relid::regclass, 'ANALYZE ' || s.relid::regclass, count(*), min(e.erased_at)
		FROM pg_stat_all_tables s JOIN parley.erasures e ON e.erased_at > coalesce(greatest(s.last_analyze, s.last_autoanalyze), '-infinity')
		WHERE s.relid IN ('parley.contacts'::regclass, 'parley.messages'::regclass, 'parley.accounts'::regclass)
		GROUP BY s.relid
	UNION ALL
	SELECT 'parts of words in indexes', 'SELECT parley.scrub() \gexec', count(*), min(e.erased_at)
		FROM parley.erasures e WHERE e.index_files && parley.gram_index_files() HAVING count(*) > 0
	UNION ALL
	SELECT 'the write-ahead log', 'CHECKPOINT, and time until its files are written over', count(*), min(e.erased_at)
		FROM parley.erasures e, pg_control_checkpoint() c
		-- A position that this cluster's log has not reached is another's, from before a restore.
		WHERE e.log_position > c.redo_lsn
			AND e.log_position <= CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END
		HAVING count(*) > 0;
END;
COMMENT ON FUNCTION parley.erasure_pending() IS
	'Returns where texts of erased contacts may still be, what removes them, how many erasures are affected, and the first of '
	'these. No rows: a superuser cannot find them in any table, index or statistics. It does not know about archives, backups and '
	'standbys.';

CREATE FUNCTION parley.erase_batch(
	before timestamptz, kind parley.conversation_kind, size integer, INOUT after_at timestamptz, INOUT after_conversation_id bigint,
	INOUT after_number bigint, OUT messages bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	conversation_ids bigint[];
	numbers bigint[];
	times timestamptz[];
	place integer;
BEGIN
	IF before IS NULL OR size IS NULL OR size < 1 THEN
		RAISE EXCEPTION 'before must be given, and size must be at least 1' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT array_agg(b.conversation_id), array_agg(b.number), array_agg(b.created_at) INTO conversation_ids, numbers, times
		FROM (SELECT m.conversation_id, m.number, m.created_at
			FROM parley.messages m
			WHERE (m.created_at, m.conversation_id, m.number) > (after_at, after_conversation_id, after_number) AND m.created_at < before
				AND m.deleted_at IS NULL
				AND (erase_batch.kind IS NULL OR EXISTS (SELECT FROM parley.conversations c WHERE c.id = m.conversation_id AND c.kind = erase_batch.kind))
			ORDER BY m.created_at, m.conversation_id, m.number LIMIT size) b;
	place := cardinality(times);
	after_at := times[place];
	after_conversation_id := conversation_ids[place];
	after_number := numbers[place];
	messages := coalesce((parley.delete_messages(conversation_ids, numbers)).messages, 0);
END $$;
COMMENT ON FUNCTION parley.erase_batch(timestamptz, parley.conversation_kind, integer, timestamptz, bigint, bigint) IS
	'Processes one batch of erase_messages(): the oldest messages after a place. Returns the next place, or null if there are no '
	'more.';

CREATE PROCEDURE parley.erase_messages(
	before timestamptz, kind parley.conversation_kind DEFAULT NULL, size integer DEFAULT 1000, INOUT messages bigint DEFAULT 0)
LANGUAGE plpgsql
AS $$
DECLARE
	batch record;
	place record;
BEGIN
	SELECT '-infinity'::pg_catalog.timestamptz AS at, 0::bigint AS conversation_id, 0::bigint AS number INTO place;
	messages := 0;
	LOOP
		batch := parley.erase_batch(before, kind, size, place.at, place.conversation_id, place.number);
		COMMIT;
		messages := messages OPERATOR(pg_catalog.+) batch.messages;
		EXIT WHEN batch.after_at IS NULL;
		SELECT batch.after_at AS at, batch.after_conversation_id AS conversation_id, batch.after_number AS number INTO place;
	END LOOP;
END $$;
COMMENT ON PROCEDURE parley.erase_messages(timestamptz, parley.conversation_kind, integer, bigint) IS
	'Turns all messages from before a time into tombstones, in conversations of one kind or of all, oldest first, a batch per '
	'commit, and counts them. Can be interrupted and called again. For the operator.';
