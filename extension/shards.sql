-- shards: every conversation and application belongs to one of 1,024 logical shards, which is encoded in its id (and in an
-- application's token).

CREATE FUNCTION parley.audit_shards(OUT rule text, OUT conversation_id bigint, OUT found text)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT 'a conversation''s id carries its logical shard', c.id,
			CASE WHEN c.id <= s.last_value THEN 'old: parley 1.0 gave it'
				ELSE format('shard %s, not %s', c.id & 1023, coalesce(c.contact_id, c.low_contact_id, c.application_id) & 1023) END
		FROM parley.conversations c, parley.conversations_id_seq s
		WHERE c.id & 1023 <> coalesce(c.contact_id, c.low_contact_id, c.application_id) & 1023 AND c.merged_id = 0
	UNION ALL
	SELECT 'an application''s token carries its logical shard', NULL,
			format(CASE WHEN a.id <= s.last_value THEN 'old: parley 1.0 gave it to application %s'
				ELSE 'application %s: shard %s, not %s' END, a.id, coalesce(parley.token_shard(a.token)::text, 'none'), a.id & 1023)
		FROM parley.applications a, parley.applications_id_seq s WHERE a.token IS NOT NULL AND parley.token_shard(a.token) IS DISTINCT FROM (a.id & 1023)::integer;
END;
COMMENT ON FUNCTION parley.audit_shards() IS
	'Returns the conversations and applications whose id or token does not contain their logical shard, and how; no rows if all is '
	'well. Those created by parley 1.0 are reported as old: rekey_conversations() renumbers conversations, and rotate_token() gives'
	' an application a new token.';

CREATE FUNCTION parley.rekey_batch(after bigint, size integer) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old_ids bigint[];
	new_ids bigint[];
	referrer regclass;
BEGIN
	LOCK TABLE parley.conversations IN SHARE ROW EXCLUSIVE MODE;
	SELECT array_agg(c.id ORDER BY c.id), array_agg(c.new_id ORDER BY c.id) INTO old_ids, new_ids
		FROM (SELECT b.id, nextval('parley.conversations_id_seq') * 1024 + b.shard AS new_id
			FROM (SELECT c.id, coalesce(c.contact_id, c.low_contact_id, c.application_id) & 1023 AS shard FROM parley.conversations c
				WHERE c.id > after AND c.id & 1023 <> coalesce(c.contact_id, c.low_contact_id, c.application_id) & 1023 AND c.merged_id = 0
				ORDER BY c.id LIMIT size) b) c;
	-- The only change that is ever made to rows of transfers and refusals: the id of the conversation with their receipt.
	ALTER TABLE parley.transfers DISABLE TRIGGER transfers_are_immutable;
	ALTER TABLE parley.refusals DISABLE TRIGGER refusals_are_immutable;
	SET CONSTRAINTS ALL DEFERRED;
	UPDATE parley.conversations c SET id = r.new_id FROM unnest(old_ids, new_ids) r(old_id, new_id) WHERE c.id = r.old_id;
	FOR referrer IN SELECT a.attrelid FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
			WHERE t.relnamespace = 'parley'::regnamespace AND t.relkind IN ('r', 'p') AND a.attname = 'conversation_id' AND NOT a.attisdropped
	LOOP
		EXECUTE format('UPDATE %s t SET conversation_id = r.new_id FROM unnest($1, $2) r(old_id, new_id) WHERE t.conversation_id = r.old_id',
			referrer) USING old_ids, new_ids;
	END LOOP;
	SET CONSTRAINTS ALL IMMEDIATE;
	ALTER TABLE parley.transfers ENABLE ALWAYS TRIGGER transfers_are_immutable;
	ALTER TABLE parley.refusals ENABLE ALWAYS TRIGGER refusals_are_immutable;
	RETURN old_ids[cardinality(old_ids)];
END $$;
COMMENT ON FUNCTION parley.rekey_batch(bigint, integer) IS
	'Processes one batch of rekey_conversations(): the next ids after a given one. Returns the last, or null if there are no more.';

CREATE PROCEDURE parley.rekey_conversations(size integer DEFAULT 1000)
LANGUAGE plpgsql
AS $$
DECLARE
	after bigint := pg_catalog.int8 '-9223372036854775808';
BEGIN
	LOOP
		after := parley.rekey_batch(after, size);
		COMMIT;
		EXIT WHEN after IS NULL;
	END LOOP;
END $$;
COMMENT ON PROCEDURE parley.rekey_conversations(integer) IS
	'Gives every conversation whose id does not contain its logical shard a new id, in all tables that refer to it, a batch per '
	'commit. It can be interrupted and called again. Use it while the installation has no callers: clients cannot find the ids that'
	' they have, and sync delivers everything again. Afterwards audit_shards() returns no rows for conversations.';
