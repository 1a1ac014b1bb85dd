-- api: the rows of parley.routes, the only surface the gateway knows. docs/routes.md says how a function becomes an endpoint.

CREATE TABLE parley.routes (
	method text NOT NULL CHECK (method IN ('GET', 'POST', 'PUT', 'DELETE')),
	path text NOT NULL CHECK (path ~ '^(/([a-z0-9_.-]+|\{[a-z_]+\}))+$'),
	function text NOT NULL,
	auth text NOT NULL CHECK (auth IN ('operator', 'user', 'application', 'none')),
	status smallint NOT NULL DEFAULT 200 CHECK (status BETWEEN 200 AND 204),
	built_in boolean NOT NULL DEFAULT false,
	PRIMARY KEY (path, method)
);
COMMENT ON TABLE parley.routes IS 'the HTTP surface: one row an endpoint';
COMMENT ON COLUMN parley.routes.path IS 'path template; {name} is a segment bound to the function''s argument of that name';
COMMENT ON COLUMN parley.routes.function IS 'schema-qualified name of the one function that answers';
COMMENT ON COLUMN parley.routes.auth IS
	'who may call: operator; user: {user_id} or the operator; application: who knows the token in the path; none: anyone';
COMMENT ON COLUMN parley.routes.status IS 'the status of success';
COMMENT ON COLUMN parley.routes.built_in IS 'comes with the extension, and so is left out of dumps';

-- The contract of HTTP, one row an endpoint.
INSERT INTO parley.routes (method, path, function, auth, status, built_in) VALUES
	('GET', '/conversations', 'parley.list_conversations', 'operator', 200, true),
	('GET', '/conversations/{conversation_id}', 'parley.conversation', 'operator', 200, true),
	('GET', '/conversations/{conversation_id}/messages', 'parley.list_messages', 'operator', 200, true),
	('POST', '/conversations/{conversation_id}/messages', 'parley.post_message', 'operator', 201, true),
	('POST', '/contacts', 'parley.create_contact', 'operator', 201, true),
	('GET', '/contacts/{contact_id}', 'parley.get_contact', 'operator', 200, true),
	('POST', '/contacts/{contact_id}/conversation', 'parley.open_contact_conversation', 'operator', 201, true),
	('POST', '/users', 'parley.create_user', 'none', 201, true),
	('GET', '/users/{user_id}', 'parley.get_user', 'user', 200, true),
	('GET', '/users/{user_id}/conversations', 'parley.list_user_conversations', 'user', 200, true),
	('POST', '/users/{user_id}/conversations', 'parley.open_direct_conversation', 'user', 201, true),
	('POST', '/users/{user_id}/conversations/{conversation_id}/messages', 'parley.post_user_message', 'user', 201, true),
	('GET', '/users/{user_id}/conversations/{conversation_id}/messages', 'parley.list_user_messages', 'user', 200, true),
	('GET', '/users/{user_id}/conversations/{conversation_id}/messages/{message_id}', 'parley.get_user_message', 'user', 200, true),
	('PUT', '/users/{user_id}/conversations/{conversation_id}/messages/{message_id}', 'parley.edit_user_message', 'user', 200, true),
	('DELETE', '/users/{user_id}/conversations/{conversation_id}/messages/{message_id}', 'parley.delete_user_message', 'user', 204, true),
	('PUT', '/users/{user_id}/conversations/{conversation_id}/read', 'parley.mark_read', 'user', 200, true),
	('GET', '/users/{user_id}/sync', 'parley.sync', 'user', 200, true),
	('POST', '/users/{user_id}/accounts', 'parley.open_account', 'user', 201, true),
	('GET', '/users/{user_id}/accounts', 'parley.list_accounts', 'user', 200, true),
	('POST', '/users/{user_id}/accounts/{account_id}/transactions', 'parley.post_transaction', 'user', 201, true),
	('GET', '/users/{user_id}/accounts/{account_id}/transactions', 'parley.list_transactions', 'user', 200, true),
	('GET', '/users/{user_id}/accounts/{account_id}/balance', 'parley.get_balance', 'user', 200, true),
	('GET', '/users/{user_id}/transactions/max', 'parley.find_largest_expense', 'user', 200, true),
	('POST', '/users/{user_id}/transfers', 'parley.post_transfer', 'user', 201, true),
	('POST', '/applications', 'parley.create_application', 'operator', 201, true),
	('GET', '/applications', 'parley.list_applications', 'operator', 200, true),
	('GET', '/applications/{token}', 'parley.get_application', 'application', 200, true),
	('PUT', '/applications/{token}', 'parley.rename_application', 'application', 200, true),
	('POST', '/applications/{token}/chats', 'parley.create_chat', 'application', 201, true),
	('GET', '/applications/{token}/chats', 'parley.list_chats', 'application', 200, true),
	('GET', '/applications/{token}/chats/{chat_number}', 'parley.get_chat', 'application', 200, true),
	('POST', '/applications/{token}/chats/{chat_number}/messages', 'parley.post_chat_message', 'application', 201, true),
	('GET', '/applications/{token}/chats/{chat_number}/messages', 'parley.list_chat_messages', 'application', 200, true),
	('GET', '/applications/{token}/chats/{chat_number}/messages/search', 'parley.search_chat', 'application', 200, true),
	('GET', '/applications/{token}/chats/{chat_number}/messages/{message_number}', 'parley.get_chat_message', 'application', 200, true),
	('PUT', '/applications/{token}/chats/{chat_number}/messages/{message_number}', 'parley.edit_chat_message', 'application', 200, true);

SELECT pg_extension_config_dump('parley.routes', 'WHERE NOT built_in');
