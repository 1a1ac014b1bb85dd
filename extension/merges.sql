-- merges: merges two contacts who are the same person.

CREATE FUNCTION parley.merge_accounts(contact_id bigint, from_contact_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	account parley.accounts;
	target_id bigint;
	moved parley.posted_transfer;
	faulty parley.accounts;
BEGIN
	SELECT a.* INTO faulty FROM parley.accounts a
		WHERE a.user_id = from_contact_id AND (a.balance < 0 OR a.balance > 0 AND EXISTS (SELECT FROM parley.accounts o
			WHERE o.user_id = merge_accounts.contact_id AND o.currency = a.currency AND o.balance <> 0))
		ORDER BY a.id LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'both contacts have money in %, or one is overdrawn', faulty.currency USING ERRCODE = 'PY409',
			DETAIL = format('Account %s of contact %s has %s.', faulty.id, from_contact_id, parley.format_amount(faulty.balance, faulty.currency)),
			HINT = 'Move it by a transfer first.';
	END IF;
	FOR account IN SELECT a.* FROM parley.accounts a WHERE a.user_id = from_contact_id ORDER BY a.id LOOP
		IF account.balance > 0 THEN
			SELECT min(o.id) INTO target_id FROM parley.accounts o
				WHERE o.user_id = merge_accounts.contact_id AND o.currency = account.currency AND o.closed_at IS NULL;
			IF target_id IS NULL THEN
				target_id := (parley.open_account(contact_id, account.currency, account.name)).id;
			END IF;
			moved := parley.post_transfer(from_contact_id, account.id, contact_id, target_id, account.balance, 'merge of contacts');
			-- Money was paid out in the meantime. Repeating the merge moves what is left.
			IF moved.refused IS NOT NULL THEN
				RAISE EXCEPTION '%', moved.refused_detail USING ERRCODE = moved.refused;
			END IF;
		END IF;
		PERFORM parley.close_account(from_contact_id, account.id);
	END LOOP;
END $$;
COMMENT ON FUNCTION parley.merge_accounts(bigint, bigint) IS
	'Moves the money in the accounts of one contact to another''s by transfers, and closes them. Their transactions stay where they'
	' are. Errors: PY409 both have money in one currency, or an account is overdrawn.';

CREATE FUNCTION parley.merge_conversations(contact_id bigint, from_contact_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[] := ARRAY(SELECT m.conversation_id FROM parley.members m WHERE m.contact_id = from_contact_id);
BEGIN
	PERFORM FROM parley.conversations c WHERE c.id = ANY (ids) ORDER BY c.id FOR NO KEY UPDATE;
	-- Whoever gave the other contact's phone did not give this one's.
	UPDATE parley.members m SET gave_phone = false
		FROM parley.contacts k
		WHERE k.id = merge_conversations.contact_id AND k.phone IS NOT NULL AND m.conversation_id = ANY (ids)
			AND m.contact_id <> from_contact_id AND m.gave_phone;
	UPDATE parley.members m SET contact_id = merge_conversations.contact_id WHERE m.contact_id = from_contact_id;
	-- Update all of them, so that sync tells the members of the conversation who wrote what. The hash is draft_hash() in
	-- extension/messages.c.
	UPDATE parley.messages m
		SET sender_id = CASE m.sender_id WHEN from_contact_id THEN merge_conversations.contact_id ELSE m.sender_id END,
			idempotency_hash = CASE WHEN m.sender_id = from_contact_id AND m.idempotency_hash IS NOT NULL AND m.edited_at IS NULL AND m.deleted_at IS NULL
				THEN hashtextextended(m.content::text COLLATE "C", merge_conversations.contact_id) ELSE m.idempotency_hash END
		WHERE m.conversation_id = ANY (ids);
	UPDATE parley.conversations c
		SET contact_id = CASE WHEN c.kind = 'contact' THEN merge_conversations.contact_id END,
			low_contact_id = CASE WHEN c.kind = 'direct' THEN least(o.other_id, merge_conversations.contact_id) END,
			high_contact_id = CASE WHEN c.kind = 'direct' THEN greatest(o.other_id, merge_conversations.contact_id) END,
			merged_id = c.id
		FROM (SELECT d.id, CASE d.low_contact_id WHEN from_contact_id THEN d.high_contact_id ELSE d.low_contact_id END AS other_id
			FROM parley.conversations d WHERE d.id = ANY (ids)) o
		WHERE o.id = c.id;
END $$;
COMMENT ON FUNCTION parley.merge_conversations(bigint, bigint) IS
	'Gives the conversations of one contact to another. Each keeps its id and the numbers of its messages, beside those that the '
	'other contact already has.';

CREATE FUNCTION parley.merge_blocks(contact_id bigint, from_contact_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	WITH old AS (
		DELETE FROM parley.blocks b WHERE from_contact_id IN (b.user_id, b.contact_id) RETURNING b.*
	), new AS (
		SELECT CASE o.user_id WHEN from_contact_id THEN merge_blocks.contact_id ELSE o.user_id END AS user_id,
			CASE o.contact_id WHEN from_contact_id THEN merge_blocks.contact_id ELSE o.contact_id END AS contact_id, o.created_at
		FROM old o
	)
	INSERT INTO parley.blocks SELECT n.* FROM new n WHERE n.user_id <> n.contact_id
		ON CONFLICT ON CONSTRAINT blocks_pkey DO NOTHING;
	UPDATE parley.members m SET is_blocked = true
		FROM parley.members me, parley.conversations c, parley.blocks b
		WHERE me.contact_id = merge_blocks.contact_id AND c.id = me.conversation_id AND c.kind = 'direct' AND m.conversation_id = c.id
			AND b.contact_id = m.contact_id AND b.user_id = c.low_contact_id + c.high_contact_id - m.contact_id AND NOT m.is_blocked;
END $$;
COMMENT ON FUNCTION parley.merge_blocks(bigint, bigint) IS
	'Applies the blocks by one contact, and of that contact, to another contact, in all conversations that they have.';

CREATE FUNCTION parley.merge_contacts(contact_id bigint, from_contact_id bigint) RETURNS parley.contact
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET parley.early_release = off
AS $$
DECLARE
	target_id bigint := parley.current_contact_id(contact_id);
	target parley.contacts;
	source parley.contacts;
BEGIN
	IF from_contact_id = target_id THEN
		RAISE EXCEPTION 'contact % cannot be merged into itself', target_id USING ERRCODE = 'invalid_parameter_value', COLUMN = 'from_contact_id';
	END IF;
	PERFORM parley.current_contact_id(from_contact_id);
	PERFORM FROM parley.contacts c WHERE c.id IN (target_id, from_contact_id) ORDER BY c.id FOR UPDATE;
	SELECT * INTO target FROM parley.contacts c WHERE c.id = target_id;
	SELECT * INTO source FROM parley.contacts c WHERE c.id = from_contact_id;
	IF source.merged_into_id = target_id THEN
		RETURN parley.get_contact(target_id);
	ELSIF num_nonnulls(source.merged_into_id, target.merged_into_id, source.erased_at, target.erased_at) > 0 THEN
		RAISE EXCEPTION 'contact % or % is erased or was merged already', target_id, from_contact_id USING ERRCODE = 'PY409';
	ELSIF EXISTS (SELECT FROM parley.conversations c WHERE c.kind = 'direct' AND c.low_contact_id = least(target_id, from_contact_id)
			AND c.high_contact_id = greatest(target_id, from_contact_id)) THEN
		RAISE EXCEPTION 'contacts % and % have a conversation with each other', target_id, from_contact_id USING ERRCODE = 'PY409';
	ELSIF octet_length((source.attributes || target.attributes)::text) > 8192 THEN
		RAISE EXCEPTION 'the attributes of both contacts are larger than 8,192 bytes together' USING ERRCODE = 'PY409',
			HINT = 'Remove some of them first.';
	END IF;
	PERFORM parley.merge_accounts(target_id, from_contact_id), parley.merge_conversations(target_id, from_contact_id);
	PERFORM parley.merge_blocks(target_id, from_contact_id);
	DELETE FROM parley.openings o WHERE o.user_id = from_contact_id;
	UPDATE parley.contacts c SET merged_into_id = target_id WHERE c.merged_into_id = from_contact_id;
	UPDATE parley.contacts c SET name = NULL, phone = NULL, email = NULL, attributes = '{}', registered_at = NULL, merged_into_id = target_id
		WHERE c.id = from_contact_id;
	UPDATE parley.contacts c
		SET name = coalesce(c.name, source.name), phone = coalesce(c.phone, source.phone), email = coalesce(c.email, source.email),
			attributes = source.attributes || c.attributes, registered_at = least(c.registered_at, source.registered_at)
		WHERE c.id = target_id;
	RETURN parley.get_contact(target_id);
END $$;
COMMENT ON FUNCTION parley.merge_contacts(bigint, bigint) IS
	'Merges two contacts: contact_id keeps what it has, and gets what it lacks, as well as the conversations, the memberships, the '
	'blocks and the money of from_contact_id, whose id leads to it from then on. Repeating it returns the same result. Errors: '
	'P0002 no such contact; 22023 the same contact; PY409 erased, merged into another, in a conversation with each other, with '
	'money in one currency, or with attributes that are too large together.';
