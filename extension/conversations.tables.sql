-- conversations: ordered sequences of messages, and their members.

CREATE TYPE parley.conversation_kind AS ENUM ('contact', 'direct', 'chat');
COMMENT ON TYPE parley.conversation_kind IS
	'contact: the operator and one contact; direct: two contacts; chat: belongs to an application, numbered in it';

-- Sequence × 1024 + logical shard (docs/decisions.md). The limit keeps ids below 2^53, up to which JSON parsers represent
-- integers exactly.
CREATE SEQUENCE parley.conversations_id_seq MAXVALUE 8796093022207;

-- The row is the counter that numbers the conversation's messages, so every message updates it, pages are not filled completely,
-- and vacuum comes early. contact_id, low_contact_id and high_contact_id are keys of the other family (see docs/decisions.md), so there are
-- no foreign keys.
CREATE TABLE parley.conversations (
	id bigint PRIMARY KEY CHECK (id < 9007199254740992),
	kind parley.conversation_kind NOT NULL,
	contact_id bigint,
	low_contact_id bigint,
	high_contact_id bigint,
	application_id bigint,
	number bigint,
	last_number bigint NOT NULL DEFAULT 0,
	last_message_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	idempotency_key parley.idempotency_key,
	is_dated_in_order boolean NOT NULL DEFAULT true,
	operator_read_number bigint NOT NULL DEFAULT 0,
	is_settled boolean NOT NULL DEFAULT false,
	newest_number bigint,
	merged_id bigint NOT NULL DEFAULT 0,
	listed_at timestamptz GENERATED ALWAYS AS (CASE WHEN kind <> 'chat' THEN last_message_at END) STORED,
	has_unread boolean GENERATED ALWAYS AS (operator_read_number < last_number) STORED,
	CONSTRAINT conversations_kind_has_its_key CHECK (CASE kind
		WHEN 'contact' THEN contact_id IS NOT NULL
			AND num_nonnulls(low_contact_id, high_contact_id, application_id, number) = 0
		WHEN 'direct' THEN num_nonnulls(low_contact_id, high_contact_id) = 2 AND low_contact_id < high_contact_id
			AND num_nonnulls(contact_id, application_id, number) = 0
		ELSE num_nonnulls(application_id, number) = 2
			AND num_nonnulls(contact_id, low_contact_id, high_contact_id) = 0
	END)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON TABLE parley.conversations IS 'an ordered sequence of messages; the row is the counter that numbers them';
COMMENT ON COLUMN parley.conversations.id IS
	'conversations_id_seq × 1024 + the logical shard, which is the low ten bits of contact_id, low_contact_id or application_id; '
	'set by a trigger if an insert does not give it';
COMMENT ON COLUMN parley.conversations.contact_id IS 'kind contact: the contact with whom the operator talks';
COMMENT ON COLUMN parley.conversations.low_contact_id IS 'kind direct: the smaller of the two contacts'' ids';
COMMENT ON COLUMN parley.conversations.high_contact_id IS 'kind direct: the larger of the two contacts'' ids';
COMMENT ON COLUMN parley.conversations.number IS 'kind chat: counts 1, 2, 3 … within the application';
COMMENT ON COLUMN parley.conversations.idempotency_key IS 'kind chat: the key of the request that created it';
COMMENT ON COLUMN parley.conversations.last_number IS 'the number of the last message, deleted or not; 0 before the first';
COMMENT ON COLUMN parley.conversations.last_message_at IS
	'created_at of the newest message that is not deleted; null if there is none';
COMMENT ON COLUMN parley.conversations.newest_number IS
	'the number of the newest message that is not deleted; null if there is none. The list of conversations shows this message';
COMMENT ON COLUMN parley.conversations.merged_id IS
	'the conversation''s own id if it came from a contact who was merged into another one: it keeps its id, which has the shard of '
	'the contact with whom it was opened, and exists beside the conversation that opening finds; otherwise 0';
COMMENT ON COLUMN parley.conversations.is_dated_in_order IS
	'no undeleted message is dated before one with a smaller number; true unless dated messages were loaded without post_message';

ALTER SEQUENCE parley.conversations_id_seq OWNED BY parley.conversations.id;

COMMENT ON COLUMN parley.conversations.operator_read_number IS
	'the operator''s read horizon: the highest number that the operator has read; it only advances. It is here and not in '
	'parley.cases, so that a post can advance it in the update that it makes anyway';
COMMENT ON COLUMN parley.conversations.is_settled IS 'its case is snoozed or resolved: a post by anyone except the operator opens it again';
COMMENT ON COLUMN parley.conversations.listed_at IS
	'last_message_at of what is listed, by which the list is ordered; null for chats';
COMMENT ON COLUMN parley.conversations.has_unread IS 'there may be messages that the operator has not read';

-- Partial indexes: a conversation is only in the index of its own kind, which halves what every message writes.
-- No index contains last_number or last_message_at, so a message in a chat changes no indexed column: the update is heap-only, and
-- posts to a crowded chat do not go through the index entries of all its earlier versions.
CREATE UNIQUE INDEX conversations_contact_key ON parley.conversations (contact_id, merged_id) WHERE kind = 'contact';
CREATE UNIQUE INDEX conversations_direct_key ON parley.conversations (low_contact_id, high_contact_id, merged_id) WHERE kind = 'direct';
CREATE INDEX conversations_high_contact ON parley.conversations (high_contact_id) WHERE kind = 'direct';
CREATE UNIQUE INDEX conversations_chat_key ON parley.conversations (application_id, number) WHERE kind = 'chat';
CREATE UNIQUE INDEX conversations_idempotency_key ON parley.conversations (application_id, idempotency_key)
	WHERE idempotency_key IS NOT NULL;
CREATE INDEX conversations_listed_at ON parley.conversations (listed_at DESC, id DESC) WHERE listed_at IS NOT NULL;
-- Open conversations, settled ones, and those that may have unread messages, each in the order of the list.
CREATE INDEX conversations_by_case ON parley.conversations (is_settled DESC, has_unread DESC, listed_at DESC, id DESC)
	WHERE listed_at IS NOT NULL;

CREATE TABLE parley.members (
	conversation_id bigint NOT NULL REFERENCES parley.conversations DEFERRABLE,
	contact_id bigint NOT NULL,
	read_number bigint NOT NULL DEFAULT 0 CHECK (read_number >= 0),
	joined_at timestamptz NOT NULL DEFAULT now(),
	has_written boolean NOT NULL DEFAULT false,
	gave_phone boolean NOT NULL DEFAULT false,
	is_blocked boolean NOT NULL DEFAULT false,
	PRIMARY KEY (conversation_id, contact_id)
) WITH (fillfactor = 90);
COMMENT ON TABLE parley.members IS 'a contact in a conversation';
COMMENT ON COLUMN parley.members.read_number IS 'the read horizon: the highest number that the member has read; it only advances';
COMMENT ON COLUMN parley.members.has_written IS 'has written a message here, so the other side is shown the member''s phone';
COMMENT ON COLUMN parley.members.gave_phone IS 'opened the conversation with the other side''s phone, so the member is shown it';
COMMENT ON COLUMN parley.members.is_blocked IS
	'the other side has blocked the member; a copy of what blocks says, so that a post need not look there';

CREATE INDEX members_contact ON parley.members (contact_id, conversation_id);

CREATE TABLE parley.blocks (
	user_id bigint NOT NULL,
	contact_id bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, contact_id),
	CHECK (user_id <> contact_id)
);
COMMENT ON TABLE parley.blocks IS 'whom users have blocked';
COMMENT ON COLUMN parley.blocks.user_id IS 'who blocks';
COMMENT ON COLUMN parley.blocks.contact_id IS 'who is blocked, and cannot write in the direct conversation of the two';

CREATE TABLE parley.openings (
	user_id bigint PRIMARY KEY,
	since timestamptz NOT NULL,
	count integer NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE parley.openings IS 'how many direct conversations a user has started, which parley.new_conversations_per_day limits';
COMMENT ON COLUMN parley.openings.since IS 'the start of the current 24 hours, after which counting starts again';

SELECT pg_extension_config_dump('parley.conversations', '');
SELECT pg_extension_config_dump('parley.conversations_id_seq', '');
SELECT pg_extension_config_dump('parley.members', '');
SELECT pg_extension_config_dump('parley.blocks', '');
SELECT pg_extension_config_dump('parley.openings', '');
