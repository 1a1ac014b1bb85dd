-- applications: the owners of chats. A chat is a conversation of kind chat, numbered within its application.

CREATE DOMAIN parley.application_name AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 200);
COMMENT ON DOMAIN parley.application_name IS 'a name of 1 to 200 characters';

CREATE SEQUENCE parley.applications_id_seq MAXVALUE 8796093022207;

-- The row is the counter that numbers the application's chats, so pages are not filled completely, and no index contains a
-- counter.
CREATE TABLE parley.applications (
	id bigint PRIMARY KEY,
	token text UNIQUE,
	name parley.application_name NOT NULL,
	last_chat_number bigint NOT NULL DEFAULT 0 CHECK (last_chat_number >= 0),
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	idempotency_hash bigint,
	idempotency_key parley.idempotency_key UNIQUE
) WITH (fillfactor = 50);
COMMENT ON TABLE parley.applications IS 'owners of chats, known to the outside only by their token';
COMMENT ON COLUMN parley.applications.id IS 'applications_id_seq × 1024 + the logical shard of the application and all its chats';
COMMENT ON COLUMN parley.applications.token IS
	'whoever knows it may use the application; the first two characters encode the logical shard; null if revoked';
COMMENT ON COLUMN parley.applications.last_chat_number IS 'the number of the last chat, and the number of chats';
COMMENT ON COLUMN parley.applications.updated_at IS 'when the name was last set';
COMMENT ON COLUMN parley.applications.idempotency_hash IS 'hash of the name that came with the key';

ALTER SEQUENCE parley.applications_id_seq OWNED BY parley.applications.id;

-- What the API shows, without internal ids.
CREATE TYPE parley.application AS (
	token text, name text, chats_count bigint, created_at timestamptz, updated_at timestamptz
);
CREATE TYPE parley.listed_application AS (
	token text, name text, chats_count bigint, created_at timestamptz, updated_at timestamptz, next_page bigint, incomplete boolean
);
COMMENT ON TYPE parley.listed_application IS 'an application in the list of all; incomplete is as in recent_conversation';
CREATE TYPE parley.created_application AS (
	token text, name text, chats_count bigint, created_at timestamptz, updated_at timestamptz, replayed boolean
);
CREATE TYPE parley.chat AS (
	number bigint, messages_count bigint, created_at timestamptz, updated_at timestamptz
);
CREATE TYPE parley.created_chat AS (
	number bigint, messages_count bigint, created_at timestamptz, updated_at timestamptz, replayed boolean
);
CREATE TYPE parley.chat_message AS (
	number bigint, content text, created_at timestamptz, updated_at timestamptz
);
CREATE TYPE parley.posted_chat_message AS (
	number bigint, content text, created_at timestamptz, updated_at timestamptz, replayed boolean
);

SELECT pg_extension_config_dump('parley.applications', '');
SELECT pg_extension_config_dump('parley.applications_id_seq', '');
