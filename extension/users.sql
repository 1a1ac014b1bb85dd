-- users: what contacts do through the API. Conversations of which they are not members do not exist for them.

CREATE FUNCTION parley.create_user(
	phone parley.phone_number DEFAULT NULL, name parley.person_name DEFAULT NULL, email parley.email_address DEFAULT NULL,
	caller_phone text DEFAULT NULL)
RETURNS parley.registered_user
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made parley.registered_user;
BEGIN
	IF caller_phone IS NULL THEN
		IF num_nonnulls(phone, email) = 0 THEN
			RAISE EXCEPTION 'a user needs a phone or an email' USING ERRCODE = 'null_value_not_allowed', COLUMN = 'phone';
		END IF;
		SELECT i.id, i.name, i.phone, i.email, i.created_at INTO made FROM parley.insert_contact(name, phone, email, now()) i;
		RETURN made;
	END IF;
	IF parley.phone_digits(caller_phone) = '' THEN
		RAISE EXCEPTION 'registration requires a token with a verified phone' USING ERRCODE = 'PY403';
	ELSIF parley.phone_digits(phone) <> parley.phone_digits(caller_phone) THEN
		RAISE EXCEPTION 'phone is not the verified one' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'phone';
	ELSIF email IS NOT NULL THEN
		RAISE EXCEPTION 'email must not be given, because it is not verified' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'email';
	END IF;
	-- The phone is the caller's own, so if it is registered already, the caller is that user, and gets the same response.
	INSERT INTO parley.contacts AS c (name, phone, registered_at)
		VALUES (create_user.name, parley.clean_phone(coalesce(create_user.phone, create_user.caller_phone)), now())
		ON CONFLICT DO NOTHING
		RETURNING c.id, c.name, c.phone, c.email, c.created_at INTO made;
	IF made.id IS NULL THEN
		UPDATE parley.contacts c SET registered_at = coalesce(c.registered_at, now()), name = coalesce(c.name, create_user.name)
			WHERE c.phone_digits = parley.phone_digits(caller_phone)
			RETURNING c.id, c.name, c.phone, c.email, c.created_at INTO made;
	END IF;
	PERFORM parley.require_new_id(made.id, 'contact');
	RETURN made;
END $$;
COMMENT ON FUNCTION parley.create_user(parley.phone_number, parley.person_name, parley.email_address, text) IS
	'Registers a user by phone or email. If two register the same phone at once, one is created. With caller_phone, from a verified'
	' token (parleyd --verified-phone-claim), that is the phone, and a phone that is already registered gets the same response as a'
	' new one. Errors: 22004 neither phone nor email, 23505 phone or email taken; with caller_phone PY403 the token has no phone, '
	'22023 another phone, or an email.';

CREATE FUNCTION parley.require_member(user_id bigint, conversation_id bigint) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM parley.members m
			WHERE m.conversation_id = require_member.conversation_id AND m.contact_id = user_id) THEN
		RAISE EXCEPTION 'contact % has no conversation %', user_id, conversation_id
			USING ERRCODE = 'no_data_found', COLUMN = 'conversation_id';
	END IF;
END $$;
COMMENT ON FUNCTION parley.require_member(bigint, bigint) IS
	'Raises P0002 if the user is not a member of the conversation, with the same message whether it exists or not.';

CREATE FUNCTION parley.post_user_message(
	conversation_id bigint, content parley.message_content, user_id bigint, idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS parley.posted_message
LANGUAGE c SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_post_user_message_1_1';
COMMENT ON FUNCTION parley.post_user_message(bigint, parley.message_content, bigint, parley.idempotency_key) IS
	'Posts a message from a member; see post_message. Errors: as post_message.';

CREATE FUNCTION parley.list_user_messages(
	user_id bigint, conversation_id bigint, last_id bigint DEFAULT NULL, sort parley.sort_direction DEFAULT 'asc',
	"limit" parley.page_limit DEFAULT 50, "searchValue" parley.search_term DEFAULT NULL)
RETURNS SETOF parley.listed_message
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley.require_member(user_id, conversation_id);
	RETURN QUERY SELECT * FROM parley.list_messages(conversation_id, last_id, sort, "limit", "searchValue");
END $$;
COMMENT ON FUNCTION parley.list_user_messages(bigint, bigint, bigint, parley.sort_direction, parley.page_limit, parley.search_term) IS
	'Returns messages for a member; see list_messages. Errors: P0002 no such conversation of this user.';

CREATE FUNCTION parley.get_user_message(user_id bigint, conversation_id bigint, message_id bigint) RETURNS parley.message
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_message parley.message;
BEGIN
	PERFORM parley.require_member(user_id, conversation_id);
	SELECT m.conversation_id, m.number, m.sender_id, m.content, m.created_at, m.edited_at, m.deleted_at, m.agent_id, m.transfer_id
		INTO found_message
		FROM parley.messages m
		WHERE m.conversation_id = get_user_message.conversation_id AND m.number = message_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'message % of conversation % does not exist', message_id, conversation_id
			USING ERRCODE = 'no_data_found', COLUMN = 'message_id';
	END IF;
	RETURN found_message;
END $$;
COMMENT ON FUNCTION parley.get_user_message(bigint, bigint, bigint) IS
	'Returns one message, or its tombstone, for a member. Errors: P0002 no such conversation of this user, or no such message.';

CREATE FUNCTION parley.edit_user_message(
	user_id bigint, conversation_id bigint, message_id bigint, content parley.message_content)
RETURNS parley.message
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley.require_member(user_id, conversation_id);
	IF (SELECT m.is_blocked FROM parley.members m
			WHERE m.conversation_id = edit_user_message.conversation_id AND m.contact_id = user_id) THEN
		RAISE EXCEPTION 'you cannot write in this conversation' USING ERRCODE = 'insufficient_privilege';
	END IF;
	RETURN parley.change_message(conversation_id, message_id, parley.require_content(content), user_id);
END $$;
COMMENT ON FUNCTION parley.edit_user_message(bigint, bigint, bigint, parley.message_content) IS
	'Changes the content of one of the user''s own messages. Errors: as change_message, 22004 no content, P0002 no such '
	'conversation of this user, 42501 blocked.';

CREATE FUNCTION parley.delete_user_message(user_id bigint, conversation_id bigint, message_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley.require_member(user_id, conversation_id);
	PERFORM parley.change_message(conversation_id, message_id, NULL, user_id);
END $$;
COMMENT ON FUNCTION parley.delete_user_message(bigint, bigint, bigint) IS
	'Deletes one of the user''s own messages. Its number stays, its content is removed. Errors: as edit_user_message.';

CREATE FUNCTION parley.mark_read(
	user_id bigint, conversation_id bigint, message_id bigint, OUT read bigint, OUT unread bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	last_number bigint;
BEGIN
	PERFORM parley.require_member(user_id, conversation_id);
	SELECT c.last_number INTO last_number FROM parley.conversations c WHERE c.id = mark_read.conversation_id;
	IF message_id NOT BETWEEN 1 AND last_number THEN
		RAISE EXCEPTION 'message % of conversation % does not exist', message_id, conversation_id
			USING ERRCODE = 'no_data_found', COLUMN = 'message_id';
	END IF;
	UPDATE parley.members m SET read_number = greatest(m.read_number, message_id)
		WHERE m.conversation_id = mark_read.conversation_id AND m.contact_id = user_id
		RETURNING m.read_number INTO read;
	unread := parley.count_unread(conversation_id, user_id, read);
END $$;
COMMENT ON FUNCTION parley.mark_read(bigint, bigint, bigint) IS
	'Advances the user''s read horizon to message_id. It never goes back. Returns the horizon and how many messages of others '
	'follow it, not counting deleted ones, exact up to 1,000. Errors: P0002 no such conversation of this user, or no such message.';
