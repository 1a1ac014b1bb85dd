-- conversations: opening one. Looking at one is with the messages, which this module does not know.

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
END $$;
COMMENT ON FUNCTION parley.open_contact_conversation(bigint) IS
	'The operator''s one conversation with a contact, made if it was not there (created). Errors: P0002 no such contact.';
