-- search: the shape of its answer.

CREATE TYPE parley.recent_conversation AS (
	conversation_id bigint, message_id bigint, content text, "timestamp" timestamptz,
	contact_id bigint, name text, phone_number text, kind parley.conversation_kind,
	total_count bigint, next_cursor text
);
COMMENT ON TYPE parley.recent_conversation IS
	'a conversation in a list: its newest (matching) message, and its contact or, in a direct one, that message''s author';

CREATE TYPE parley.user_conversation AS (
	conversation_id bigint, message_id bigint, content text, "timestamp" timestamptz,
	contact_id bigint, name text, phone_number text, kind parley.conversation_kind, unread bigint,
	total_count bigint, next_cursor text
);
COMMENT ON TYPE parley.user_conversation IS
	'a conversation in a user''s list: its newest (matching) message, its other side, and how many messages the user has not read';
