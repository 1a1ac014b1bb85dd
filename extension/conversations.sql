-- conversations: opening them. Reading them belongs to messages, on which this module does not depend.

CREATE FUNCTION parley.number_conversation() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	new.id := nextval('parley.conversations_id_seq') * 1024 + (coalesce(new.contact_id, new.low_contact_id, new.application_id) & 1023);
	RETURN new;
END $$;
COMMENT ON FUNCTION parley.number_conversation() IS 'Trigger: gives a new conversation its id, whose low ten bits are its logical shard.';

CREATE TRIGGER conversations_are_numbered BEFORE INSERT ON parley.conversations
	FOR EACH ROW WHEN (new.id IS NULL) EXECUTE FUNCTION parley.number_conversation();

CREATE FUNCTION parley.open_contact_conversation(
	INOUT contact_id bigint, OUT id bigint, OUT kind parley.conversation_kind, OUT created_at timestamptz, OUT created boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	contact_id := parley.current_contact_id(contact_id);
	created := false;
	IF NOT EXISTS (SELECT FROM parley.conversations c WHERE c.kind = 'contact' AND c.contact_id = open_contact_conversation.contact_id) THEN
		-- If the contact is being merged at this moment, wait for that, and see it.
		PERFORM FROM parley.contacts c WHERE c.id = open_contact_conversation.contact_id FOR SHARE;
		contact_id := parley.current_contact_id(contact_id);
		INSERT INTO parley.conversations AS c (kind, contact_id)
			SELECT 'contact', open_contact_conversation.contact_id
			WHERE NOT EXISTS (SELECT FROM parley.conversations o WHERE o.kind = 'contact' AND o.contact_id = open_contact_conversation.contact_id)
			ON CONFLICT DO NOTHING
			RETURNING c.id INTO id;
		created := id IS NOT NULL;
	END IF;
	IF created THEN
		INSERT INTO parley.members (conversation_id, contact_id) VALUES (id, open_contact_conversation.contact_id);
	END IF;
	SELECT c.id, c.kind, c.created_at INTO id, kind, created_at
		FROM parley.conversations c
		WHERE c.kind = 'contact' AND c.contact_id = open_contact_conversation.contact_id
		ORDER BY c.merged_id LIMIT 1;
	PERFORM parley.require_new_id(id, 'conversation');
END $$;
COMMENT ON FUNCTION parley.open_contact_conversation(bigint) IS
	'Returns the operator''s conversation with a contact, and creates it if it did not exist (created). Errors: P0002 no such '
	'contact.';

CREATE FUNCTION parley.show_contact_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE parley.conversations c SET contact_id = c.contact_id
		FROM (SELECT o.id FROM parley.members m JOIN parley.conversations o ON o.id = m.conversation_id
			WHERE m.contact_id = NEW.id AND (o.kind = 'contact' OR EXISTS (SELECT FROM parley.messages w
				WHERE w.conversation_id = o.id AND w.number = o.newest_number AND w.sender_id = NEW.id))
			ORDER BY o.id FOR NO KEY UPDATE OF o) shown
		WHERE c.id = shown.id;
	IF OLD.phone_digits <> NEW.phone_digits OR NEW.phone IS NULL THEN
		UPDATE parley.members m SET gave_phone = false
			FROM parley.members me
			WHERE me.contact_id = NEW.id AND m.conversation_id = me.conversation_id AND m.contact_id <> NEW.id AND m.gave_phone;
	END IF;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION parley.show_contact_change() IS
	'Trigger: tells followers of the operator''s list that a contact has changed its name or phone, which the list shows of '
	'contacts and, in direct conversations, of the author of the newest message. Whoever gave the old phone did not give the new one.';

CREATE TRIGGER contacts_show_change AFTER UPDATE OF name, phone ON parley.contacts
	FOR EACH ROW WHEN ((OLD.name, OLD.phone) IS DISTINCT FROM (NEW.name, NEW.phone)) EXECUTE FUNCTION parley.show_contact_change();

-- Users reach people they know. The operator, and SQL without a caller's role, reach everyone.

CREATE FUNCTION parley.shares_conversation(user_id bigint, contact_id bigint) RETURNS boolean
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT EXISTS (SELECT FROM parley.members a JOIN parley.members b USING (conversation_id)
		WHERE a.contact_id = shares_conversation.user_id AND b.contact_id = shares_conversation.contact_id);
END;
COMMENT ON FUNCTION parley.shares_conversation(bigint, bigint) IS 'returns whether both are members of the same conversation';

CREATE FUNCTION parley.find_recipient(
	user_id bigint, recipient_id bigint, phone parley.phone_number, email parley.email_address, caller_role text)
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	recipient parley.contacts;
	given text := CASE WHEN recipient_id IS NOT NULL THEN 'recipient_id' WHEN phone IS NOT NULL THEN 'phone' ELSE 'email' END;
BEGIN
	IF num_nonnulls(recipient_id, phone, email) <> 1 THEN
		RAISE EXCEPTION 'exactly one of recipient_id, phone and email must be given'
			USING ERRCODE = 'invalid_parameter_value', COLUMN = 'recipient_id';
	END IF;
	SELECT c.* INTO recipient FROM parley.contacts c
		WHERE c.id = (SELECT coalesce(o.merged_into_id, o.id) FROM parley.contacts o WHERE o.id = recipient_id) OR c.phone_digits = parley.phone_digits(find_recipient.phone) OR lower(c.email) = lower(find_recipient.email);
	-- For a user, contacts out of reach do not exist.
	IF recipient.id IS NULL OR (caller_role = 'user' AND recipient.id <> user_id AND (given = 'recipient_id' OR recipient.registered_at IS NULL)
			AND NOT parley.shares_conversation(user_id, recipient.id)) THEN
		RAISE EXCEPTION '%', CASE given WHEN 'recipient_id' THEN 'contact ' || recipient_id || ' does not exist' ELSE 'no contact has that ' || given END
			USING ERRCODE = 'no_data_found', COLUMN = given;
	ELSIF recipient.id = user_id THEN
		RAISE EXCEPTION 'contact % cannot have a direct conversation with itself', user_id
			USING ERRCODE = 'invalid_parameter_value', COLUMN = given;
	END IF;
	RETURN recipient.id;
END $$;
COMMENT ON FUNCTION parley.find_recipient(bigint, bigint, parley.phone_number, parley.email_address, text) IS
	'Returns the contact with that id, phone or email, if the user may reach them. If caller_role is user, these are contacts who '
	'registered, by phone and email, and those with whom the user shares a conversation, by any of the three. Errors: 22023 none or'
	' several given, or the user; P0002 no such contact.';

CREATE FUNCTION parley.count_opening(user_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bound integer := parley.new_conversations_per_day();
	opened integer;
BEGIN
	INSERT INTO parley.openings AS o (user_id, since, count) VALUES (count_opening.user_id, now(), 1)
		ON CONFLICT ON CONSTRAINT openings_pkey DO UPDATE
			SET count = CASE WHEN o.since > now() - interval '24 hours' THEN o.count + 1 ELSE 1 END,
				since = CASE WHEN o.since > now() - interval '24 hours' THEN o.since ELSE now() END
		RETURNING o.count INTO opened;
	IF bound > 0 AND opened > bound THEN
		RAISE EXCEPTION 'user cannot start more than % conversations within 24 hours', bound
			USING ERRCODE = 'PY429', HINT = 'Try again tomorrow. Existing conversations are not affected.';
	END IF;
END $$;
COMMENT ON FUNCTION parley.count_opening(bigint) IS
	'Counts a conversation that a user starts. Errors: PY429 more than parley.new_conversations_per_day within 24 hours.';

CREATE FUNCTION parley.new_conversations_per_day() RETURNS integer
LANGUAGE c STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_new_conversations_per_day';
COMMENT ON FUNCTION parley.new_conversations_per_day() IS 'returns the setting of that name';

CREATE FUNCTION parley.open_direct_conversation(
	user_id bigint, recipient_id bigint DEFAULT NULL, phone parley.phone_number DEFAULT NULL,
	email parley.email_address DEFAULT NULL, caller_role text DEFAULT NULL,
	OUT id bigint, OUT kind parley.conversation_kind, OUT user1_id bigint, OUT user2_id bigint, OUT created_at timestamptz,
	OUT created boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	other_id bigint;
BEGIN
	PERFORM parley.get_contact(user_id);
	other_id := parley.find_recipient(user_id, recipient_id, phone, email, caller_role);
	user1_id := least(user_id, other_id);
	user2_id := greatest(user_id, other_id);
	created := false;
	IF NOT EXISTS (SELECT FROM parley.conversations c
			WHERE c.kind = 'direct' AND c.low_contact_id = user1_id AND c.high_contact_id = user2_id) THEN
		-- If one of them blocks the other at this moment, either that waits for us, or we see it.
		PERFORM FROM parley.contacts c WHERE c.id IN (user1_id, user2_id) ORDER BY c.id FOR SHARE;
		IF EXISTS (SELECT FROM parley.contacts c WHERE c.id IN (user1_id, user2_id) AND c.merged_into_id IS NOT NULL) THEN
			RAISE EXCEPTION 'contact % or % was merged into another', user1_id, user2_id USING ERRCODE = 'PY409';
		END IF;
		-- If someone else opens the same conversation at the same time, wait for their commit, and then find it.
		INSERT INTO parley.conversations AS c (kind, low_contact_id, high_contact_id) VALUES ('direct', user1_id, user2_id)
			ON CONFLICT DO NOTHING
			RETURNING c.id INTO id;
		created := id IS NOT NULL;
	END IF;
	IF created THEN
		INSERT INTO parley.members (conversation_id, contact_id, is_blocked)
			SELECT id, m.contact_id, EXISTS (SELECT FROM parley.blocks b WHERE b.user_id = m.other_id AND b.contact_id = m.contact_id)
			FROM (VALUES (user1_id, user2_id), (user2_id, user1_id)) AS m(contact_id, other_id);
		IF caller_role = 'user' THEN
			PERFORM parley.count_opening(user_id);
		END IF;
	END IF;
	SELECT c.id, c.kind, c.created_at INTO id, kind, created_at
		FROM parley.conversations c
		WHERE c.kind = 'direct' AND c.low_contact_id = user1_id AND c.high_contact_id = user2_id
		ORDER BY c.merged_id LIMIT 1;
	PERFORM parley.require_new_id(id, 'conversation');
	UPDATE parley.members m SET gave_phone = true
		WHERE phone IS NOT NULL AND m.conversation_id = id AND m.contact_id = user_id AND NOT m.gave_phone;
END $$;
COMMENT ON FUNCTION parley.open_direct_conversation(bigint, bigint, parley.phone_number, parley.email_address, text) IS
	'Returns the direct conversation of a user and a recipient, who is given by id, phone or email, and creates it if it did not '
	'exist (created). user1_id is the smaller id. A user (caller_role) reaches contacts who registered by phone or email, and those'
	' with whom they share a conversation by id. Errors: P0002 no such user or recipient, 22023 with oneself, or not exactly one of'
	' recipient_id, phone and email; PY429 too many new ones in a day.';

-- Blocks.

CREATE FUNCTION parley.set_blocked(user_id bigint, contact_id bigint, blocked boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	UPDATE parley.members m SET is_blocked = blocked
		FROM parley.conversations c
		WHERE c.kind = 'direct' AND c.low_contact_id = least(set_blocked.user_id, set_blocked.contact_id)
			AND c.high_contact_id = greatest(set_blocked.user_id, set_blocked.contact_id)
			AND m.conversation_id = c.id AND m.contact_id = set_blocked.contact_id AND m.is_blocked <> blocked;
END;
COMMENT ON FUNCTION parley.set_blocked(bigint, bigint, boolean) IS 'copies what blocks says into the direct conversation of the two';

CREATE FUNCTION parley.block_contact(user_id bigint, contact_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	contact_id := parley.current_contact_id(contact_id);
	-- If someone opens the conversation of the two or merges one of them at this moment, one of us waits for the other.
	PERFORM FROM parley.contacts c WHERE c.id IN (user_id, block_contact.contact_id) ORDER BY c.id FOR NO KEY UPDATE;
	contact_id := parley.current_contact_id(contact_id);
	IF parley.current_contact_id(user_id) <> user_id THEN
		RAISE EXCEPTION 'user % does not exist', user_id USING ERRCODE = 'no_data_found', COLUMN = 'user_id';
	ELSIF contact_id = user_id THEN
		RAISE EXCEPTION 'contact % cannot block itself', user_id USING ERRCODE = 'invalid_parameter_value', COLUMN = 'contact_id';
	END IF;
	INSERT INTO parley.blocks (user_id, contact_id) VALUES (block_contact.user_id, block_contact.contact_id)
		ON CONFLICT ON CONSTRAINT blocks_pkey DO NOTHING;
	PERFORM parley.set_blocked(user_id, contact_id, true);
END $$;
COMMENT ON FUNCTION parley.block_contact(bigint, bigint) IS
	'Prevents the contact from writing in the direct conversation with the user. Repeating it changes nothing. Errors: P0002 no '
	'such user or contact, 22023 oneself.';

CREATE FUNCTION parley.unblock_contact(user_id bigint, contact_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	contact_id := (SELECT coalesce(c.merged_into_id, c.id) FROM parley.contacts c WHERE c.id = unblock_contact.contact_id);
	PERFORM FROM parley.contacts c WHERE c.id IN (user_id, unblock_contact.contact_id) ORDER BY c.id FOR NO KEY UPDATE;
	DELETE FROM parley.blocks b WHERE b.user_id = unblock_contact.user_id AND b.contact_id = unblock_contact.contact_id;
	PERFORM parley.set_blocked(user_id, contact_id, false);
END $$;
COMMENT ON FUNCTION parley.unblock_contact(bigint, bigint) IS 'Removes a block; does nothing if there is none.';

CREATE FUNCTION parley.get_block(user_id bigint, INOUT contact_id bigint, OUT created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	contact_id := coalesce((SELECT c.merged_into_id FROM parley.contacts c WHERE c.id = get_block.contact_id), contact_id);
	SELECT b.created_at INTO created_at
		FROM parley.blocks b WHERE b.user_id = get_block.user_id AND b.contact_id = get_block.contact_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'contact % is not blocked', contact_id USING ERRCODE = 'no_data_found', COLUMN = 'contact_id';
	END IF;
END $$;
COMMENT ON FUNCTION parley.get_block(bigint, bigint) IS 'Returns since when the user has blocked the contact. Errors: P0002 not blocked.';
