-- search: the types of its results.

CREATE TYPE parley.recent_conversation AS (
	conversation_id bigint, message_id bigint, content text, "timestamp" timestamptz,
	contact_id bigint, name text, phone_number text, kind parley.conversation_kind,
	total_count bigint, next_cursor text,
	match_start integer, match_length integer, status text, assignee_id bigint, labels text[], unread bigint, sender_id bigint, agent_id bigint,
	incomplete boolean
);
COMMENT ON TYPE parley.recent_conversation IS
	'a conversation in a list: its newest (matching) message, and its contact or, in a direct conversation, the author of that '
	'message; match_start (from 1) and match_length are the place of the term in content, in characters, and are null if the '
	'contact matches; incomplete is true if one of several databases is away, whose conversations are missing';

CREATE TYPE parley.user_conversation AS (
	conversation_id bigint, message_id bigint, content text, "timestamp" timestamptz,
	contact_id bigint, name text, phone_number text, kind parley.conversation_kind, unread bigint,
	total_count bigint, next_cursor text,
	match_start integer, match_length integer, read_message_id bigint, sender_id bigint, agent_id bigint, incomplete boolean
);
COMMENT ON TYPE parley.user_conversation IS
	'a conversation in a user''s list: its newest (matching) message, its other side, the number of messages that the user has not '
	'read, and how far the other side has read (read_message_id); match_start, match_length and incomplete are as in '
	'recent_conversation';

CREATE DOMAIN parley.sender_filter AS text
	CHECK (VALUE ~ '^(contact|operator|[1-9][0-9]{0,17})$');
COMMENT ON DOMAIN parley.sender_filter IS 'contact (whichever), operator, or a contact''s id';
