-- messages: identified by (conversation_id, number), numbered 1, 2, 3 … without a gap, in commit order.

-- No foreign key to conversations: the only writer, post_message, holds the lock of that row, and audit_conversations() looks for
-- orphans. A foreign key check would look at the row again for every message.
CREATE TABLE parley.messages (
	conversation_id bigint NOT NULL,
	number bigint NOT NULL CHECK (number >= 1),
	sender_id bigint,
	created_at timestamptz NOT NULL DEFAULT now(),
	edited_at timestamptz,
	deleted_at timestamptz,
	idempotency_hash bigint,
	idempotency_key parley.idempotency_key,
	content parley.message_content,
	transfer_id bigint,
	agent_id bigint,
	PRIMARY KEY (conversation_id, number),
	CONSTRAINT messages_tombstone_is_empty CHECK ((deleted_at IS NULL) = (content IS NOT NULL))
);
COMMENT ON TABLE parley.messages IS 'a message; a deleted one keeps its row and number as a tombstone without content';
COMMENT ON COLUMN parley.messages.number IS 'counts 1, 2, 3 … within the conversation, in commit order; message_id in JSON';
COMMENT ON COLUMN parley.messages.sender_id IS 'null for the operator, and in an application''s chat';
COMMENT ON COLUMN parley.messages.idempotency_key IS 'the key of the request that created the message';
COMMENT ON COLUMN parley.messages.idempotency_hash IS
	'hash of the sender and content that came with the key; after an edit or deletion, only the length of the first content in '
	'bytes';

COMMENT ON COLUMN parley.messages.transfer_id IS
	'the transfer for which this is the receipt, set only by the ledger; such a message is never edited or deleted';
COMMENT ON COLUMN parley.messages.agent_id IS 'the agent who sent it for the operator; null if sent by a member, or not by an agent';

CREATE UNIQUE INDEX messages_idempotency_key ON parley.messages (conversation_id, idempotency_key)
	WHERE idempotency_key IS NOT NULL;

-- For search (docs/search.md): every part of every content; the newest messages first; and the oldest and newest time of each run
-- of blocks.
CREATE INDEX messages_grams ON parley.messages USING gin (content parley.gram_ops);
CREATE INDEX messages_newest ON parley.messages (created_at DESC, conversation_id DESC, number DESC);
CREATE INDEX messages_block_times ON parley.messages USING brin (created_at) WITH (pages_per_range = 32, autosummarize = on);

-- What sync has to look at in addition to the newest numbers. Messages that were never changed have no entry.
CREATE INDEX messages_changed ON parley.messages (conversation_id, number)
	WHERE edited_at IS NOT NULL OR deleted_at IS NOT NULL;

-- A message, as every function and the API show it. Posted and listed messages also have the columns that the gateway turns into
-- headers.
CREATE TYPE parley.message AS (
	conversation_id bigint, message_id bigint, sender_id bigint, content text,
	created_at timestamptz, edited_at timestamptz, deleted_at timestamptz, agent_id bigint,
	transfer_id bigint
);
CREATE TYPE parley.shown_message AS (
	conversation_id bigint, message_id bigint, sender_id bigint, content text,
	created_at text, edited_at text, deleted_at text, agent_id bigint, transfer_id bigint
);
COMMENT ON TYPE parley.shown_message IS 'a message in a JSON response, with times as RFC 3339';
CREATE TYPE parley.posted_message AS (
	conversation_id bigint, message_id bigint, sender_id bigint, content text,
	created_at timestamptz, edited_at timestamptz, deleted_at timestamptz, replayed boolean,
	agent_id bigint, transfer_id bigint
);
CREATE TYPE parley.listed_message AS (
	conversation_id bigint, message_id bigint, sender_id bigint, content text,
	created_at timestamptz, edited_at timestamptz, deleted_at timestamptz, next_last_id bigint,
	agent_id bigint, transfer_id bigint
);

SELECT pg_extension_config_dump('parley.messages', '');
