-- api: parley.routes, the only part that the gateway knows. docs/routes.md explains how a function becomes an endpoint.

CREATE TABLE parley.routes (
	method text NOT NULL CHECK (method IN ('GET', 'POST', 'PUT', 'DELETE')),
	path text NOT NULL CHECK (path ~ '^(/([a-z0-9_.-]+|\{[a-z_]+\}))+$'),
	function text NOT NULL,
	auth text NOT NULL CHECK (auth IN ('operator', 'user', 'application', 'none')),
	status smallint NOT NULL DEFAULT 200 CHECK (status BETWEEN 200 AND 204),
	built_in boolean NOT NULL DEFAULT false,
	changed boolean NOT NULL DEFAULT false,
	runs_on text NOT NULL DEFAULT 'home' CHECK (runs_on ~ '^[a-z_]+$'),
	internal boolean NOT NULL DEFAULT false,
	streams boolean NOT NULL DEFAULT false,
	PRIMARY KEY (path, method)
);
COMMENT ON TABLE parley.routes IS 'the HTTP API: one row per endpoint';
COMMENT ON COLUMN parley.routes.path IS 'path template; {name} is a segment that is passed as the function''s argument of that name';
COMMENT ON COLUMN parley.routes.function IS 'schema-qualified name of the function, which must not be overloaded';
COMMENT ON COLUMN parley.routes.auth IS
	'who may call it: operator; user: the user of {user_id}, or the operator; application: whoever knows the token in the path; '
	'none: anyone';
COMMENT ON COLUMN parley.routes.status IS 'the HTTP status on success';
COMMENT ON COLUMN parley.routes.runs_on IS
	'where it runs if there are several databases: home; front (in two steps, or on all); or the name of an argument, whose logical'
	' shard decides';
COMMENT ON COLUMN parley.routes.streams IS
	'the response is a stream of server-sent events: the function is called again, with the last value of its column cursor, when '
	'the user in the path, or else the operator, has something new';
COMMENT ON COLUMN parley.routes.built_in IS 'comes with the extension, so it is not dumped unless it was changed';
COMMENT ON COLUMN parley.routes.changed IS 'comes with the extension and was changed by this installation';
COMMENT ON COLUMN parley.routes.internal IS 'served only on --admin-listen, if that is set';

CREATE TABLE parley.closed_routes (
	path text NOT NULL,
	method text NOT NULL,
	PRIMARY KEY (path, method)
);
COMMENT ON TABLE parley.closed_routes IS
	'routes that come with the extension and that this installation deleted; INSERT INTO parley.routes restores one';

-- The HTTP API: one row per endpoint.
INSERT INTO parley.routes (method, path, function, auth, status, built_in, runs_on) VALUES
	('GET', '/conversations', 'parley.list_conversations', 'operator', 200, true, 'front'),
	('GET', '/conversations/{conversation_id}', 'parley.conversation', 'operator', 200, true, 'conversation_id'),
	('GET', '/conversations/{conversation_id}/messages', 'parley.list_messages', 'operator', 200, true, 'conversation_id'),
	('POST', '/conversations/{conversation_id}/messages', 'parley.post_message', 'operator', 201, true, 'conversation_id'),
	('PUT', '/conversations/{conversation_id}/messages/{message_id}', 'parley.edit_message', 'operator', 200, true, 'conversation_id'),
	('DELETE', '/conversations/{conversation_id}/messages/{message_id}', 'parley.delete_message', 'operator', 204, true, 'conversation_id'),
	('PUT', '/conversations/{conversation_id}/case', 'parley.set_case', 'operator', 200, true, 'conversation_id'),
	('PUT', '/conversations/{conversation_id}/read', 'parley.mark_operator_read', 'operator', 200, true, 'conversation_id'),
	('GET', '/agents', 'parley.list_agents', 'operator', 200, true, 'home'),
	('POST', '/agents', 'parley.create_agent', 'operator', 201, true, 'home'),
	('PUT', '/agents/{agent_id}', 'parley.change_agent', 'operator', 200, true, 'home'),
	('POST', '/contacts', 'parley.create_contact', 'operator', 201, true, 'home'),
	('GET', '/contacts', 'parley.list_contacts', 'operator', 200, true, 'home'),
	('GET', '/contacts/{contact_id}', 'parley.get_contact', 'operator', 200, true, 'home'),
	('PUT', '/contacts/{contact_id}', 'parley.change_contact', 'operator', 200, true, 'front'),
	('POST', '/contacts/{contact_id}/merge', 'parley.merge_contacts', 'operator', 200, true, 'front'),
	('POST', '/contacts/{contact_id}/erasure', 'parley.erase_contact', 'operator', 200, true, 'front'),
	('POST', '/contacts/{contact_id}/conversation', 'parley.open_contact_conversation', 'operator', 201, true, 'front'),
	('POST', '/users', 'parley.create_user', 'none', 201, true, 'home'),
	('GET', '/users/{user_id}', 'parley.get_user', 'user', 200, true, 'home'),
	('GET', '/users/{user_id}/conversations', 'parley.list_user_conversations', 'user', 200, true, 'front'),
	('POST', '/users/{user_id}/conversations', 'parley.open_direct_conversation', 'user', 201, true, 'front'),
	('POST', '/users/{user_id}/conversations/{conversation_id}/messages', 'parley.post_user_message', 'user', 201, true, 'conversation_id'),
	('GET', '/users/{user_id}/conversations/{conversation_id}/messages', 'parley.list_user_messages', 'user', 200, true, 'conversation_id'),
	('GET', '/users/{user_id}/conversations/{conversation_id}/messages/{message_id}', 'parley.get_user_message', 'user', 200, true, 'conversation_id'),
	('PUT', '/users/{user_id}/conversations/{conversation_id}/messages/{message_id}', 'parley.edit_user_message', 'user', 200, true, 'conversation_id'),
	('DELETE', '/users/{user_id}/conversations/{conversation_id}/messages/{message_id}', 'parley.delete_user_message', 'user', 204, true, 'conversation_id'),
	('PUT', '/users/{user_id}/conversations/{conversation_id}/read', 'parley.mark_read', 'user', 200, true, 'conversation_id'),
	('PUT', '/users/{user_id}/blocks/{contact_id}', 'parley.block_contact', 'user', 204, true, 'front'),
	('DELETE', '/users/{user_id}/blocks/{contact_id}', 'parley.unblock_contact', 'user', 204, true, 'front'),
	('GET', '/users/{user_id}/blocks/{contact_id}', 'parley.get_block', 'user', 200, true, 'home'),
	('GET', '/users/{user_id}/sync', 'parley.sync', 'user', 200, true, 'front'),
	('POST', '/users/{user_id}/accounts', 'parley.open_account', 'user', 201, true, 'home'),
	('GET', '/users/{user_id}/accounts', 'parley.list_accounts', 'user', 200, true, 'home'),
	('POST', '/users/{user_id}/accounts/{account_id}/transactions', 'parley.post_transaction', 'user', 201, true, 'home'),
	('GET', '/users/{user_id}/accounts/{account_id}/transactions', 'parley.list_transactions', 'user', 200, true, 'home'),
	('GET', '/users/{user_id}/accounts/{account_id}/balance', 'parley.get_balance', 'user', 200, true, 'home'),
	('GET', '/users/{user_id}/transactions/max', 'parley.find_largest_expense', 'user', 200, true, 'home'),
	('GET', '/ledger/trial-balance', 'parley.trial_balance', 'operator', 200, true, 'home'),
	('POST', '/users/{user_id}/transfers', 'parley.post_transfer', 'user', 201, true, 'front'),
	('POST', '/applications', 'parley.create_application', 'operator', 201, true, 'front'),
	('GET', '/applications', 'parley.list_applications', 'operator', 200, true, 'front'),
	('GET', '/applications/{token}', 'parley.get_application', 'application', 200, true, 'token'),
	('PUT', '/applications/{token}', 'parley.rename_application', 'application', 200, true, 'token'),
	('POST', '/applications/{token}/token', 'parley.rotate_token', 'application', 200, true, 'token'),
	('DELETE', '/applications/{token}', 'parley.revoke_application', 'operator', 204, true, 'token'),
	('POST', '/applications/{token}/chats', 'parley.create_chat', 'application', 201, true, 'token'),
	('GET', '/applications/{token}/chats', 'parley.list_chats', 'application', 200, true, 'token'),
	('GET', '/applications/{token}/chats/{chat_number}', 'parley.get_chat', 'application', 200, true, 'token'),
	('POST', '/applications/{token}/chats/{chat_number}/messages', 'parley.post_chat_message', 'application', 201, true, 'token'),
	('GET', '/applications/{token}/chats/{chat_number}/messages', 'parley.list_chat_messages', 'application', 200, true, 'token'),
	('GET', '/applications/{token}/chats/{chat_number}/messages/search', 'parley.search_chat', 'application', 200, true, 'token'),
	('GET', '/applications/{token}/chats/{chat_number}/messages/{message_number}', 'parley.get_chat_message', 'application', 200, true, 'token'),
	('PUT', '/applications/{token}/chats/{chat_number}/messages/{message_number}', 'parley.edit_chat_message', 'application', 200, true, 'token');
INSERT INTO parley.routes (method, path, function, auth, built_in, runs_on, internal) VALUES
	('GET', '/openapi.json', 'parley.openapi', 'none', true, 'home', true);
INSERT INTO parley.routes (method, path, function, auth, status, built_in, runs_on, streams) VALUES
	('GET', '/events', 'parley.sync_list', 'operator', 200, true, 'front', true),
	('GET', '/users/{user_id}/events', 'parley.sync', 'user', 200, true, 'front', true);

SELECT pg_extension_config_dump('parley.routes', 'WHERE NOT built_in OR changed');
SELECT pg_extension_config_dump('parley.closed_routes', '');
