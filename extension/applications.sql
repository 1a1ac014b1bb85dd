-- applications: what can be done with a token. A wrong token, another application's and a malformed one get the same response:
-- there is no such application.
--
-- Many callers may create chats in one application, or messages in one chat, at the same time. So the lock of the counter is
-- released before the commit is on disk, and whoever reads what such a transaction wrote waits for the disk.

CREATE FUNCTION parley.random_token() RETURNS text
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'parley_random_token';
COMMENT ON FUNCTION parley.random_token() IS 'returns 192 random bits from the server''s strong generator, as 32 URL-safe characters';

CREATE FUNCTION parley.shard_token(logical_shard integer) RETURNS text
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
RETURN substr('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', logical_shard / 64 + 1, 1)
	|| substr('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', logical_shard % 64 + 1, 1)
	|| left(parley.random_token(), 30);
COMMENT ON FUNCTION parley.shard_token(integer) IS
	'returns a new token for an application on that logical shard: two characters for the shard, and 180 random bits';

CREATE FUNCTION parley.token_shard(token text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN token ~ '^[A-P][A-Za-z0-9_-]{31}$' THEN
	(strpos('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', substr(token, 1, 1)) - 1) * 64
	+ strpos('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', substr(token, 2, 1)) - 1 END;
COMMENT ON FUNCTION parley.token_shard(text) IS
	'returns the logical shard that is encoded in the first two characters of a token, or null if it is not a token';

CREATE FUNCTION parley.create_application(
	name parley.application_name, idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS parley.created_application
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hash bigint := CASE WHEN idempotency_key IS NOT NULL THEN hashtextextended(name, 0) END;
	made parley.applications;
	-- Depends on the key, so that a replay is sent to the same database if applications are spread over several.
	logical_shard integer := hashtextextended(coalesce(idempotency_key, gen_random_uuid()::text), 0) & 1023;
BEGIN
	IF name IS NULL THEN
		RAISE EXCEPTION 'argument "name" must not be null' USING ERRCODE = 'null_value_not_allowed', COLUMN = 'name';
	END IF;
	INSERT INTO parley.applications AS a (id, token, name, idempotency_key, idempotency_hash)
		VALUES (nextval('parley.applications_id_seq') * 1024 + logical_shard, parley.shard_token(logical_shard), create_application.name,
			create_application.idempotency_key, hash)
		ON CONFLICT DO NOTHING
		RETURNING * INTO made;
	IF made.id IS NOT NULL THEN
		RETURN (made.token, made.name, 0, made.created_at, made.updated_at, false)::parley.created_application;
	END IF;
	SELECT * INTO made FROM parley.applications a WHERE a.idempotency_key = create_application.idempotency_key;
	PERFORM parley.require_new_id(made.id, 'application');
	IF made.idempotency_hash <> hash THEN
		RAISE EXCEPTION 'idempotency key "%" was used for another application', idempotency_key
			USING ERRCODE = 'PY422', HINT = 'Use a new key for a new application.', COLUMN = 'idempotency_key';
	ELSIF made.token IS NULL THEN
		RAISE EXCEPTION 'the application created with idempotency key "%" is revoked', idempotency_key
			USING ERRCODE = 'PY409', COLUMN = 'idempotency_key';
	END IF;
	RETURN (made.token, made.name, made.last_chat_number, made.created_at, made.updated_at, true)::parley.created_application;
END $$;
COMMENT ON FUNCTION parley.create_application(parley.application_name, parley.idempotency_key) IS
	'Registers an application and gives it a token. If the key was used before, returns the application that was created with it '
	'(replayed). Errors: 22004 no name, PY422 the key was used with another name.';

CREATE FUNCTION parley.list_applications(page parley.page_number DEFAULT 1, "limit" parley.page_limit DEFAULT 50)
RETURNS SETOF parley.listed_application
LANGUAGE sql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT parley.await_durable();
	SELECT p.token, p.name::text, p.last_chat_number, p.created_at, p.updated_at,
			CASE WHEN lead(p.id) OVER (ORDER BY p.id) IS NOT NULL THEN page::bigint + 1 END, false
		FROM (SELECT * FROM parley.applications a WHERE a.token IS NOT NULL ORDER BY a.id
			OFFSET (page - 1)::bigint * list_applications.limit LIMIT list_applications.limit + 1) p
		ORDER BY p.id LIMIT list_applications.limit;
END;
COMMENT ON FUNCTION parley.list_applications(parley.page_number, parley.page_limit) IS
	'Returns all applications that are not revoked, oldest first.';

CREATE FUNCTION parley.find_application(token text) RETURNS parley.application
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_application parley.application;
BEGIN
	SELECT a.token, a.name, a.last_chat_number, a.created_at, a.updated_at INTO found_application
		FROM parley.applications a WHERE a.token = find_application.token;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'application does not exist' USING ERRCODE = 'no_data_found', COLUMN = 'token';
	END IF;
	RETURN found_application;
END $$;
COMMENT ON FUNCTION parley.find_application(text) IS
	'Returns the application with that token. A crash may still undo what it returns, so only callers that are about to commit may '
	'use it. Errors: P0002 no such application.';

CREATE FUNCTION parley.get_application(token text) RETURNS parley.application
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_application parley.application := parley.find_application(token);
BEGIN
	PERFORM parley.await_durable();
	RETURN found_application;
END $$;
COMMENT ON FUNCTION parley.get_application(text) IS 'Returns the application with that token. Errors: P0002 no such application.';

CREATE FUNCTION parley.rename_application(token text, name parley.application_name) RETURNS parley.application
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE parley.applications a SET name = rename_application.name, updated_at = clock_timestamp()
		WHERE a.token = rename_application.token;
	RETURN parley.find_application(token);
END $$;
COMMENT ON FUNCTION parley.rename_application(text, parley.application_name) IS
	'Renames an application. Errors: P0002 no such application.';

CREATE FUNCTION parley.rotate_token(token text) RETURNS parley.application
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	new_token text;
BEGIN
	UPDATE parley.applications a SET token = parley.shard_token((a.id & 1023)::integer)
		WHERE a.token = rotate_token.token RETURNING a.token INTO new_token;
	RETURN parley.find_application(coalesce(new_token, token));
END $$;
COMMENT ON FUNCTION parley.rotate_token(text) IS
	'Gives an application a new token. The old one stops working when this commits. Errors: P0002 no such application.';

CREATE FUNCTION parley.revoke_application(token text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley.find_application(token);
	UPDATE parley.applications a SET token = NULL WHERE a.token = revoke_application.token;
END $$;
COMMENT ON FUNCTION parley.revoke_application(text) IS
	'Revokes an application''s token, so that nobody can reach the application or its chats any more. They are kept. Errors: P0002 '
	'no such application.';

-- Chats.

CREATE FUNCTION parley.create_chat(token text, idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS parley.created_chat
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owner_id bigint;
	last_chat_number bigint;
	made parley.conversations;
BEGIN
	SELECT a.last_chat_number INTO last_chat_number FROM parley.applications a WHERE a.token = create_chat.token;
	IF idempotency_key IS NOT NULL THEN
		-- Lock the application first: if the same call is in progress elsewhere, wait for it to commit, and then see its chat.
		SELECT a.id INTO owner_id FROM parley.applications a WHERE a.token = create_chat.token FOR NO KEY UPDATE;
		SELECT * INTO made FROM parley.conversations c
			WHERE c.application_id = owner_id AND c.idempotency_key = create_chat.idempotency_key;
		IF FOUND THEN
			RETURN (made.number, made.last_number, made.created_at, coalesce(made.last_message_at, made.created_at), true)::parley.created_chat;
		END IF;
	END IF;
	UPDATE parley.applications a SET last_chat_number = a.last_chat_number + 1
		WHERE a.token = create_chat.token
		RETURNING a.id, a.last_chat_number INTO made.application_id, made.number;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'application does not exist' USING ERRCODE = 'no_data_found', COLUMN = 'token';
	END IF;
	INSERT INTO parley.conversations AS c (kind, application_id, number, idempotency_key, created_at)
		VALUES ('chat', made.application_id, made.number, create_chat.idempotency_key, clock_timestamp())
		ON CONFLICT (id) DO NOTHING
		RETURNING c.id, c.created_at INTO made.id, made.created_at;
	PERFORM parley.require_new_id(made.id, 'conversation');
	PERFORM parley.release_locks_early(made.application_id, made.number > last_chat_number + 1);
	RETURN (made.number, 0, made.created_at, made.created_at, false)::parley.created_chat;
END $$;
COMMENT ON FUNCTION parley.create_chat(text, parley.idempotency_key) IS
	'Opens the application''s next chat, numbered in commit order. If the application has used the key before, returns the chat '
	'that was created with it (replayed). Errors: P0002 no such application.';

CREATE FUNCTION parley.list_chats(token text, page parley.page_number DEFAULT 1, "limit" parley.page_limit DEFAULT 50)
RETURNS TABLE (number bigint, messages_count bigint, created_at timestamptz, updated_at timestamptz, next_page bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	owner_id bigint;
	last_of_page bigint := page::bigint * "limit";
	last_chat_number bigint;
BEGIN
	SELECT a.id, a.last_chat_number INTO owner_id, last_chat_number
		FROM parley.applications a WHERE a.token = list_chats.token;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'application does not exist' USING ERRCODE = 'no_data_found', COLUMN = 'token';
	END IF;
	-- Numbers have no gaps, so a page is a range of numbers.
	RETURN QUERY
		SELECT c.number, c.last_number, c.created_at, coalesce(c.last_message_at, c.created_at),
				CASE WHEN last_of_page < last_chat_number THEN page::bigint + 1 END
			FROM parley.conversations c
			WHERE c.kind = 'chat' AND c.application_id = owner_id
				AND c.number > last_of_page - list_chats.limit AND c.number <= last_of_page
			ORDER BY c.number;
	PERFORM parley.await_durable();
END $$;
COMMENT ON FUNCTION parley.list_chats(text, parley.page_number, parley.page_limit) IS
	'Returns the application''s chats, ordered by number. Errors: P0002 no such application.';

CREATE FUNCTION parley.find_chat(token text, chat_number bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	conversation_id bigint;
BEGIN
	SELECT c.id INTO conversation_id
		FROM parley.applications a JOIN parley.conversations c ON c.kind = 'chat' AND c.application_id = a.id
		WHERE a.token = find_chat.token AND c.number = chat_number;
	IF NOT FOUND THEN
		PERFORM parley.get_application(token);
		RAISE EXCEPTION 'chat % does not exist', chat_number USING ERRCODE = 'no_data_found', COLUMN = 'chat_number';
	END IF;
	RETURN conversation_id;
END $$;
COMMENT ON FUNCTION parley.find_chat(text, bigint) IS
	'Returns the conversation of a chat. Errors: P0002 no such application, or no such chat.';

CREATE FUNCTION parley.get_chat(token text, chat_number bigint) RETURNS parley.chat
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	conversation_id bigint := parley.find_chat(token, chat_number);
	found_chat parley.chat;
BEGIN
	SELECT c.number, c.last_number, c.created_at, coalesce(c.last_message_at, c.created_at) INTO found_chat
		FROM parley.conversations c WHERE c.id = conversation_id;
	PERFORM parley.await_durable();
	RETURN found_chat;
END $$;
COMMENT ON FUNCTION parley.get_chat(text, bigint) IS
	'Returns a chat. updated_at is the time of its newest message. Errors: P0002 no such application, or no such chat.';

-- Messages of a chat.

CREATE FUNCTION parley.post_chat_message(
	token text, chat_number bigint, content parley.message_content, idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS parley.posted_chat_message
LANGUAGE c -- acts as its owner, with a pinned search_path: extension/owner.h
AS 'MODULE_PATHNAME', 'parley_post_chat_message';
COMMENT ON FUNCTION parley.post_chat_message(text, bigint, parley.message_content, parley.idempotency_key) IS
	'Posts a message in a chat; see post_message. Errors: P0002 no such application, or no such chat; PY422 the key was used with '
	'other content.';

CREATE FUNCTION parley.list_chat_messages(
	token text, chat_number bigint, last_id bigint DEFAULT NULL, sort parley.sort_direction DEFAULT 'asc',
	"limit" parley.page_limit DEFAULT 50)
RETURNS TABLE (number bigint, content text, created_at timestamptz, updated_at timestamptz, next_last_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
		SELECT m.message_id, m.content, m.created_at, coalesce(m.edited_at, m.created_at), m.next_last_id
			FROM parley.list_messages(parley.find_chat(token, chat_number), last_id, sort, list_chat_messages.limit) m;
END $$;
COMMENT ON FUNCTION parley.list_chat_messages(text, bigint, bigint, parley.sort_direction, parley.page_limit) IS
	'Returns messages of a chat; see list_messages. Errors: P0002 no such application, or no such chat.';

CREATE FUNCTION parley.find_chat_message(token text, chat_number bigint, message_number bigint) RETURNS parley.chat_message
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_message parley.chat_message;
BEGIN
	SELECT m.number, m.content, m.created_at, coalesce(m.edited_at, m.created_at) INTO found_message
		FROM parley.messages m
		WHERE m.conversation_id = parley.find_chat(token, chat_number) AND m.number = message_number;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'message % of chat % does not exist', message_number, chat_number
			USING ERRCODE = 'no_data_found', COLUMN = 'message_number';
	END IF;
	RETURN found_message;
END $$;
COMMENT ON FUNCTION parley.find_chat_message(text, bigint, bigint) IS
	'Returns one message of a chat. A crash may still undo what it returns, so only callers that are about to write may use it. '
	'Errors: P0002 no such application, chat or message.';

CREATE FUNCTION parley.get_chat_message(token text, chat_number bigint, message_number bigint) RETURNS parley.chat_message
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_message parley.chat_message := parley.find_chat_message(token, chat_number, message_number);
BEGIN
	PERFORM parley.await_durable();
	RETURN found_message;
END $$;
COMMENT ON FUNCTION parley.get_chat_message(text, bigint, bigint) IS
	'Returns one message of a chat. Errors: P0002 no such application, chat or message.';

CREATE FUNCTION parley.edit_chat_message(
	token text, chat_number bigint, message_number bigint, content parley.message_content)
RETURNS parley.chat_message
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- Check this first, so that the error is about the chat and does not contain the conversation's id.
	PERFORM parley.find_chat_message(token, chat_number, message_number);
	PERFORM parley.change_message(parley.find_chat(token, chat_number), message_number, parley.require_content(content), NULL);
	RETURN parley.find_chat_message(token, chat_number, message_number);
END $$;
COMMENT ON FUNCTION parley.edit_chat_message(text, bigint, bigint, parley.message_content) IS
	'Changes the content of a message of a chat. Errors: P0002 no such application, chat or message; 22004 no content; PY409 the '
	'message is deleted.';

CREATE FUNCTION parley.search_chat(
	token text, chat_number bigint, query parley.search_term, "limit" parley.page_limit DEFAULT 50, last_id bigint DEFAULT NULL)
RETURNS TABLE (number bigint, content text, created_at timestamptz, updated_at timestamptz, next_last_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	chat_id bigint := parley.find_chat(token, chat_number);
BEGIN
	RETURN QUERY
		SELECT m.number, m.content::text, m.created_at, coalesce(m.edited_at, m.created_at),
				CASE WHEN lead(m.number) OVER (ORDER BY m.number DESC) IS NOT NULL THEN m.number END
			FROM parley.search_conversation(chat_id, query, coalesce(last_id, 9223372036854775807), search_chat.limit + 1) f(number)
				JOIN parley.messages m ON m.conversation_id = chat_id AND m.number = f.number
			ORDER BY m.number DESC LIMIT search_chat.limit;
	PERFORM parley.await_durable();
END $$;
COMMENT ON FUNCTION parley.search_chat(text, bigint, parley.search_term, parley.page_limit, bigint) IS
	'Returns messages of a chat that contain the query anywhere, even within a word, ignoring case; no character is special. Newest'
	' first, those before the number last_id. The cost depends on the length of the chat, or on the number of messages in all chats'
	' that contain the query, whichever is less. Errors: P0002 no such application, or no such chat.';
