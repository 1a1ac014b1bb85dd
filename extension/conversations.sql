-- conversations: opening one. Looking at one is with the messages, which this module does not know.

CREATE FUNCTION parley.number_conversation() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	new.id := nextval('parley.conversations_id_seq') * 1024 + (coalesce(new.contact_id, new.low_contact_id, new.application_id) & 1023);
	RETURN new;
END $$;
COMMENT ON FUNCTION parley.number_conversation() IS 'gives a new conversation its id, whose low ten bits are its logical shard';

CREATE TRIGGER conversations_are_numbered BEFORE INSERT ON parley.conversations
	FOR EACH ROW WHEN (new.id IS NULL) EXECUTE FUNCTION parley.number_conversation();

CREATE FUNCTION parley.require_new_id(id bigint) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF id IS NULL THEN
		RAISE EXCEPTION 'the next conversation id is taken' USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'Conversations were loaded past their sequence: set parley.conversations_id_seq to the largest id / 1024.';
	END IF;
END $$;
COMMENT ON FUNCTION parley.require_new_id(bigint) IS
	'Raises 55000 where an insert met a conversation that has its id, not its key, and so made none.';

CREATE FUNCTION parley.open_contact_conversation(
	INOUT contact_id bigint, OUT id bigint, OUT kind parley.conversation_kind, OUT created_at timestamptz, OUT created boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley.get_contact(contact_id);
	INSERT INTO parley.conversations AS c (kind, contact_id) VALUES ('contact', open_contact_conversation.contact_id)
		ON CONFLICT DO NOTHING
		RETURNING c.id INTO id;
	created := id IS NOT NULL;
	IF created THEN
		INSERT INTO parley.members (conversation_id, contact_id) VALUES (id, open_contact_conversation.contact_id);
	END IF;
	SELECT c.id, c.kind, c.created_at INTO id, kind, created_at
		FROM parley.conversations c
		WHERE c.kind = 'contact' AND c.contact_id = open_contact_conversation.contact_id;
	PERFORM parley.require_new_id(id);
END $$;
COMMENT ON FUNCTION parley.open_contact_conversation(bigint) IS
	'The operator''s one conversation with a contact, made if it was not there (created). Errors: P0002 no such contact.';

CREATE FUNCTION parley.find_recipient(recipient_id bigint, phone parley.phone_number) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_id bigint;
BEGIN
	IF num_nonnulls(recipient_id, phone) <> 1 THEN
		RAISE EXCEPTION 'either recipient_id or phone says whom the conversation is with'
			USING ERRCODE = 'invalid_parameter_value', COLUMN = 'recipient_id';
	END IF;
	SELECT c.id INTO found_id FROM parley.contacts c
		WHERE c.id = recipient_id OR c.phone_digits = parley.phone_digits(find_recipient.phone);
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no contact %', coalesce(recipient_id::text, phone)
			USING ERRCODE = 'no_data_found', COLUMN = CASE WHEN phone IS NULL THEN 'recipient_id' ELSE 'phone' END;
	END IF;
	RETURN found_id;
END $$;
COMMENT ON FUNCTION parley.find_recipient(bigint, parley.phone_number) IS
	'The contact named by id or by phone. Errors: 22023 neither or both given, P0002 no such contact.';

CREATE FUNCTION parley.open_direct_conversation(
	user_id bigint, recipient_id bigint DEFAULT NULL, phone parley.phone_number DEFAULT NULL,
	OUT id bigint, OUT kind parley.conversation_kind, OUT user1_id bigint, OUT user2_id bigint, OUT created_at timestamptz,
	OUT created boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	other_id bigint := parley.find_recipient(recipient_id, phone);
BEGIN
	PERFORM parley.get_contact(user_id);
	IF other_id = user_id THEN
		RAISE EXCEPTION 'contact % cannot have a direct conversation with itself', user_id
			USING ERRCODE = 'invalid_parameter_value', COLUMN = CASE WHEN phone IS NULL THEN 'recipient_id' ELSE 'phone' END;
	END IF;
	user1_id := least(user_id, other_id);
	user2_id := greatest(user_id, other_id);
	-- Whoever opens the same one at the same instant waits here for the other's commit, and then finds it.
	INSERT INTO parley.conversations AS c (kind, low_contact_id, high_contact_id) VALUES ('direct', user1_id, user2_id)
		ON CONFLICT DO NOTHING
		RETURNING c.id INTO id;
	created := id IS NOT NULL;
	IF created THEN
		INSERT INTO parley.members (conversation_id, contact_id) VALUES (id, user1_id), (id, user2_id);
	END IF;
	SELECT c.id, c.kind, c.created_at INTO id, kind, created_at
		FROM parley.conversations c
		WHERE c.kind = 'direct' AND c.low_contact_id = user1_id AND c.high_contact_id = user2_id;
	PERFORM parley.require_new_id(id);
END $$;
COMMENT ON FUNCTION parley.open_direct_conversation(bigint, bigint, parley.phone_number) IS
	'The one direct conversation of a user and a recipient, named by id or phone; made if it was not there (created). user1_id is the '
	'smaller id. Errors: P0002 no such user or recipient, 22023 with oneself, or neither or both of recipient_id and phone.';
