-- schema: the roles, and the types whose rules hold wherever a value of theirs is stored or passed.

\echo Use "CREATE EXTENSION parley CASCADE" to load this file. \quit

-- Roles belong to the cluster, not to the database: another database's parley may have made them already.
DO $$
DECLARE
	role_name text;
BEGIN
	FOREACH role_name IN ARRAY ARRAY['parley_operator', 'parley_gateway'] LOOP
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
		EXCEPTION WHEN duplicate_object OR unique_violation THEN
			NULL;
		END;
	END LOOP;
END $$;

-- Made here, not by the control file, so that it belongs to the extension and goes with it.
CREATE SCHEMA parley;
REVOKE ALL ON SCHEMA parley FROM PUBLIC;
GRANT USAGE ON SCHEMA parley TO parley_operator, parley_gateway;

-- A domain's check is enforced by PostgreSQL, and its bounds and comment are read by parley.describe_routes(), so that the
-- gateway can name every offending field at once. Bounds are therefore written in the few shapes which that function knows.
CREATE DOMAIN parley.person_name AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 200);
COMMENT ON DOMAIN parley.person_name IS 'a name of 1 to 200 characters';

CREATE DOMAIN parley.phone_number AS text
	CHECK (VALUE ~ '^\+?[0-9 ()./-]{1,40}$' AND char_length(regexp_replace(VALUE, '[^0-9]', '', 'g')) BETWEEN 7 AND 15);
COMMENT ON DOMAIN parley.phone_number IS 'a phone number of 7 to 15 digits; blanks, ( ) . / - and a leading + are kept as given';

CREATE DOMAIN parley.email_address AS text
	CHECK (char_length(VALUE) BETWEEN 3 AND 254 AND VALUE ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$');
COMMENT ON DOMAIN parley.email_address IS 'an email address of at most 254 characters';

CREATE DOMAIN parley.message_content AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 10000);
COMMENT ON DOMAIN parley.message_content IS 'text of 1 to 10,000 characters, any Unicode but NUL';

-- In C, because every post comes with a key and the regular expression costs as much as an index.
CREATE FUNCTION parley.is_printable_ascii(value text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'parley_is_printable_ascii';
COMMENT ON FUNCTION parley.is_printable_ascii(text) IS 'whether a text is of characters from blank to ~ alone';

CREATE DOMAIN parley.idempotency_key AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 64 AND parley.is_printable_ascii(VALUE));
COMMENT ON DOMAIN parley.idempotency_key IS '1 to 64 printable ASCII characters; a UUID is usual';

CREATE DOMAIN parley.page_number AS integer
	CHECK (VALUE >= 1);
COMMENT ON DOMAIN parley.page_number IS 'a page, counted from 1';

CREATE DOMAIN parley.page_limit AS integer
	CHECK (VALUE BETWEEN 1 AND 200);
COMMENT ON DOMAIN parley.page_limit IS 'how many rows at most: 1 to 200';

CREATE DOMAIN parley.search_term AS text
	CHECK (char_length(VALUE) <= 1000);
COMMENT ON DOMAIN parley.search_term IS 'what to search for: up to 1,000 characters, none of them special';

CREATE DOMAIN parley.sort_direction AS text
	CHECK (VALUE IN ('asc', 'desc'));
COMMENT ON DOMAIN parley.sort_direction IS 'asc: oldest first; desc: newest first';

CREATE DOMAIN parley.count_mode AS text
	CHECK (VALUE IN ('exact'));
COMMENT ON DOMAIN parley.count_mode IS 'exact: also count all rows, which costs more than a page';
-- grams: the operator class by which GIN finds any part of a text, of one character up, in any script.

CREATE FUNCTION parley.term_clues(term text) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'parley_term_clues';
COMMENT ON FUNCTION parley.term_clues(text) IS 'what parley.gram_ops can be asked for to find the texts that may contain the term';

CREATE FUNCTION parley.has_clues(content text, clues bytea) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'parley_has_clues';
COMMENT ON FUNCTION parley.has_clues(text, bytea) IS 'whether a text may contain the term whose clues these are; never false where it does';

CREATE OPERATOR parley.@~ (
	FUNCTION = parley.has_clues, LEFTARG = text, RIGHTARG = bytea, RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR parley.@~ (text, bytea) IS 'may contain the term of the clues';

CREATE FUNCTION parley.gram_extract_value(text, internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parley_gram_extract_value';
CREATE FUNCTION parley.gram_extract_query(bytea, internal, int2, internal, internal, internal, internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parley_gram_extract_query';
CREATE FUNCTION parley.gram_compare_partial(int8, int8, int2, internal) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parley_gram_compare_partial';
CREATE FUNCTION parley.gram_consistent(internal, int2, bytea, integer, internal, internal, internal) RETURNS "char"
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parley_gram_consistent';

CREATE OPERATOR CLASS parley.gram_ops FOR TYPE text USING gin AS
	OPERATOR 1 parley.@~ (text, bytea),
	FUNCTION 1 btint8cmp(int8, int8),
	FUNCTION 2 parley.gram_extract_value(text, internal),
	FUNCTION 3 parley.gram_extract_query(bytea, internal, int2, internal, internal, internal, internal),
	FUNCTION 5 parley.gram_compare_partial(int8, int8, int2, internal),
	FUNCTION 6 parley.gram_consistent(internal, int2, bytea, integer, internal, internal, internal),
	STORAGE int8;

COMMENT ON FUNCTION parley.gram_extract_value(text, internal) IS 'what gram_ops keeps of a text, for GIN alone';
COMMENT ON FUNCTION parley.gram_extract_query(bytea, internal, int2, internal, internal, internal, internal) IS
	'what gram_ops looks for, for GIN alone';
COMMENT ON FUNCTION parley.gram_compare_partial(int8, int8, int2, internal) IS 'whether a gram is in a range looked for, for GIN alone';
COMMENT ON FUNCTION parley.gram_consistent(internal, int2, bytea, integer, internal, internal, internal) IS
	'whether a text with these grams may be looked for, for GIN alone';
COMMENT ON OPERATOR CLASS parley.gram_ops USING gin IS 'any part of a text, of one character up, in any script';
-- contacts: everyone reachable by phone or email. A user is a contact who acts through the API: same row, same id.

CREATE FUNCTION parley.phone_digits(phone text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.regexp_replace(phone, '[^0-9]', '', 'g');
COMMENT ON FUNCTION parley.phone_digits(text) IS 'the digits of a phone number, by which phones are compared';

CREATE TABLE parley.contacts (
	id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	name parley.person_name,
	phone parley.phone_number,
	phone_digits text GENERATED ALWAYS AS (parley.phone_digits(phone)) STORED,
	email parley.email_address,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT contacts_are_reachable CHECK (num_nonnulls(name, phone, email) >= 1)
);
COMMENT ON TABLE parley.contacts IS 'someone reachable by phone or email; a user is a contact who acts through the API';
COMMENT ON COLUMN parley.contacts.phone IS 'as given; phone_digits is what is unique and searched';

-- Neither can carry the id first: a phone is what finds the id. A sharded installation needs a directory for these two.
CREATE UNIQUE INDEX contacts_phone_digits_key ON parley.contacts (phone_digits);
CREATE UNIQUE INDEX contacts_email_key ON parley.contacts (lower(email));

CREATE INDEX contacts_name_trgm ON parley.contacts USING gin (name gin_trgm_ops);
CREATE INDEX contacts_phone_trgm ON parley.contacts USING gin (phone gin_trgm_ops);
CREATE INDEX contacts_phone_digits_trgm ON parley.contacts USING gin (phone_digits gin_trgm_ops);
CREATE INDEX contacts_grams ON parley.contacts USING gin (name parley.gram_ops, phone parley.gram_ops, phone_digits parley.gram_ops);

-- One contact as every function and the API show it.
CREATE TYPE parley.contact AS (
	id bigint,
	name text,
	phone text,
	email text,
	created_at timestamptz
);

SELECT pg_extension_config_dump('parley.contacts', '');
SELECT pg_extension_config_dump('parley.contacts_id_seq', '');
-- conversations: ordered runs of messages, and who is in them.

CREATE TYPE parley.conversation_kind AS ENUM ('contact', 'direct', 'chat');
COMMENT ON TYPE parley.conversation_kind IS
	'contact: the operator and one contact; direct: two contacts; chat: belongs to an application, numbered in it';

-- The row is the counter that numbers the conversation's messages, so it is updated by every message: the page keeps room.
-- contact_id, low_contact_id and high_contact_id are keys of the other family (see docs/decisions.md): no foreign key.
CREATE TABLE parley.conversations (
	id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
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
	CONSTRAINT conversations_kind_has_its_key CHECK (CASE kind
		WHEN 'contact' THEN contact_id IS NOT NULL
			AND num_nonnulls(low_contact_id, high_contact_id, application_id, number) = 0
		WHEN 'direct' THEN num_nonnulls(low_contact_id, high_contact_id) = 2 AND low_contact_id < high_contact_id
			AND num_nonnulls(contact_id, application_id, number) = 0
		ELSE num_nonnulls(application_id, number) = 2
			AND num_nonnulls(contact_id, low_contact_id, high_contact_id) = 0
	END)
) WITH (fillfactor = 70);
COMMENT ON TABLE parley.conversations IS 'an ordered run of messages; the row is the counter that numbers them';
COMMENT ON COLUMN parley.conversations.contact_id IS 'kind contact: the contact whom the operator talks with';
COMMENT ON COLUMN parley.conversations.low_contact_id IS 'kind direct: the smaller of the two contacts'' ids';
COMMENT ON COLUMN parley.conversations.high_contact_id IS 'kind direct: the larger of the two contacts'' ids';
COMMENT ON COLUMN parley.conversations.number IS 'kind chat: counts 1, 2, 3 … within the application';
COMMENT ON COLUMN parley.conversations.idempotency_key IS 'kind chat: what the application named the request that made it';
COMMENT ON COLUMN parley.conversations.last_number IS 'the number of the last message, deleted or not; 0 before the first';
COMMENT ON COLUMN parley.conversations.last_message_at IS
	'created_at of the newest message that is not deleted; null where there is none. What the list of conversations is ordered by';

COMMENT ON COLUMN parley.conversations.is_dated_in_order IS
	'no undeleted message is dated before one with a smaller number: always so but where dated messages were loaded past post_message';

-- Partial: a conversation has an entry in the index of its own kind alone, which halves what every message writes.
CREATE UNIQUE INDEX conversations_contact_key ON parley.conversations (contact_id) WHERE kind = 'contact';
CREATE UNIQUE INDEX conversations_direct_key ON parley.conversations (low_contact_id, high_contact_id) WHERE kind = 'direct';
CREATE INDEX conversations_high_contact ON parley.conversations (high_contact_id) WHERE kind = 'direct';
CREATE UNIQUE INDEX conversations_chat_key ON parley.conversations (application_id, number) WHERE kind = 'chat';
CREATE UNIQUE INDEX conversations_idempotency_key ON parley.conversations (application_id, idempotency_key)
	WHERE idempotency_key IS NOT NULL;
CREATE INDEX conversations_last_message_at ON parley.conversations (last_message_at DESC, id DESC)
	WHERE kind <> 'chat' AND last_message_at IS NOT NULL;

CREATE TABLE parley.members (
	conversation_id bigint NOT NULL REFERENCES parley.conversations,
	contact_id bigint NOT NULL,
	read_number bigint NOT NULL DEFAULT 0 CHECK (read_number >= 0),
	joined_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (conversation_id, contact_id)
) WITH (fillfactor = 90);
COMMENT ON TABLE parley.members IS 'a contact in a conversation';
COMMENT ON COLUMN parley.members.read_number IS 'the read horizon: the highest number the member has read; it only advances';

CREATE INDEX members_contact ON parley.members (contact_id, conversation_id);

SELECT pg_extension_config_dump('parley.conversations', '');
SELECT pg_extension_config_dump('parley.conversations_id_seq', '');
SELECT pg_extension_config_dump('parley.members', '');
-- messages: identified by (conversation_id, number), numbered 1, 2, 3 … without a gap, in commit order.

-- No foreign key to conversations: the one writer, post_message, holds that row's lock, and audit_conversations() looks for
-- orphans; a key check would cost every message a second look at the row just locked.
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
	PRIMARY KEY (conversation_id, number),
	CONSTRAINT messages_tombstone_is_empty CHECK ((deleted_at IS NULL) = (content IS NOT NULL))
);
COMMENT ON TABLE parley.messages IS 'a message; deleted ones keep their row and number as a tombstone without content';
COMMENT ON COLUMN parley.messages.number IS 'counts 1, 2, 3 … within the conversation, in commit order; message_id in JSON';
COMMENT ON COLUMN parley.messages.sender_id IS 'null: the operator, or an application''s chat';
COMMENT ON COLUMN parley.messages.idempotency_key IS 'what the sender named the request that made the message';
COMMENT ON COLUMN parley.messages.idempotency_hash IS
	'of the sender and content that came with the key, so that a replay is known after an edit; null once deleted';

CREATE UNIQUE INDEX messages_idempotency_key ON parley.messages (conversation_id, idempotency_key)
	WHERE idempotency_key IS NOT NULL;

-- For search (docs/search.md): every part of every content; the newest first; and the oldest and newest of each run of blocks.
CREATE INDEX messages_grams ON parley.messages USING gin (content parley.gram_ops);
CREATE INDEX messages_newest ON parley.messages (created_at DESC, conversation_id DESC, number DESC);
CREATE INDEX messages_block_times ON parley.messages USING brin (created_at) WITH (pages_per_range = 32, autosummarize = on);

-- What sync has to look at beside the newest numbers; a message that nobody changed has no entry.
CREATE INDEX messages_changed ON parley.messages (conversation_id, number)
	WHERE edited_at IS NOT NULL OR deleted_at IS NOT NULL;

-- One message as every function and the API show it; posted and listed, with what the gateway makes headers of.
CREATE TYPE parley.message AS (
	conversation_id bigint, message_id bigint, sender_id bigint, content text,
	created_at timestamptz, edited_at timestamptz, deleted_at timestamptz
);
CREATE TYPE parley.posted_message AS (
	conversation_id bigint, message_id bigint, sender_id bigint, content text,
	created_at timestamptz, edited_at timestamptz, deleted_at timestamptz, replayed boolean
);
CREATE TYPE parley.listed_message AS (
	conversation_id bigint, message_id bigint, sender_id bigint, content text,
	created_at timestamptz, edited_at timestamptz, deleted_at timestamptz, next_last_id bigint
);

SELECT pg_extension_config_dump('parley.messages', '');
-- bulk_load: filling the conversations' tables at COPY's own speed, and what is remembered of it: enough to go on after any crash.

CREATE TABLE parley.bulk_loads (
	id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	source text NOT NULL,
	contacts_count bigint,
	messages_count bigint,
	began_at timestamptz NOT NULL DEFAULT now(),
	finished_at timestamptz
);
COMMENT ON TABLE parley.bulk_loads IS 'the bulk loads of this database; one that is not finished has left indexes to be built';
COMMENT ON COLUMN parley.bulk_loads.source IS 'who loaded what, as given to begin_bulk_load()';
COMMENT ON COLUMN parley.bulk_loads.contacts_count IS 'how many contacts there were after it, where the loader said so';
COMMENT ON COLUMN parley.bulk_loads.messages_count IS 'how many messages there were after it, where the loader said so';

CREATE UNIQUE INDEX bulk_loads_one_at_a_time ON parley.bulk_loads ((true)) WHERE finished_at IS NULL;

CREATE TABLE parley.bulk_load_indexes (
	name text PRIMARY KEY,
	definition text NOT NULL
);
COMMENT ON TABLE parley.bulk_load_indexes IS 'indexes that a bulk load has dropped and not yet built again';
COMMENT ON COLUMN parley.bulk_load_indexes.definition IS 'the statement that builds it';

SELECT pg_extension_config_dump('parley.bulk_loads', '');
SELECT pg_extension_config_dump('parley.bulk_loads_id_seq', '');
SELECT pg_extension_config_dump('parley.bulk_load_indexes', '');
-- applications: who owns chats. A chat is a conversation of kind chat, numbered within its application.

CREATE DOMAIN parley.application_name AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 200);
COMMENT ON DOMAIN parley.application_name IS 'a name of 1 to 200 characters';

-- The row is the counter that numbers its chats, so the page keeps room and no counter is in an index.
CREATE TABLE parley.applications (
	id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	token text NOT NULL UNIQUE,
	name parley.application_name NOT NULL,
	last_chat_number bigint NOT NULL DEFAULT 0 CHECK (last_chat_number >= 0),
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	idempotency_hash bigint,
	idempotency_key parley.idempotency_key UNIQUE
) WITH (fillfactor = 50);
COMMENT ON TABLE parley.applications IS 'who owns chats; known to the outside by its token alone';
COMMENT ON COLUMN parley.applications.token IS 'whoever knows it may use the application';
COMMENT ON COLUMN parley.applications.last_chat_number IS 'the number of the last chat, and how many there are';
COMMENT ON COLUMN parley.applications.updated_at IS 'when the name was set';
COMMENT ON COLUMN parley.applications.idempotency_hash IS 'of the name that came with the key';

-- What the API shows; no internal id among it.
CREATE TYPE parley.application AS (
	token text, name text, chats_count bigint, created_at timestamptz, updated_at timestamptz
);
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
-- ledger: accounts and their immutable transactions. What always holds is in audit_ledger(), which looks for its breach.

-- ISO 4217, without the codes of bonds, metals and tests.
CREATE DOMAIN parley.currency_code AS text
	CHECK (VALUE IN (
		'AED', 'AFN', 'ALL', 'AMD', 'ANG', 'AOA', 'ARS', 'AUD', 'AWG', 'AZN', 'BAM', 'BBD', 'BDT', 'BGN', 'BHD', 'BIF', 'BMD',
		'BND', 'BOB', 'BOV', 'BRL', 'BSD', 'BTN', 'BWP', 'BYN', 'BZD', 'CAD', 'CDF', 'CHE', 'CHF', 'CHW', 'CLF', 'CLP', 'CNY',
		'COP', 'COU', 'CRC', 'CUP', 'CVE', 'CZK', 'DJF', 'DKK', 'DOP', 'DZD', 'EGP', 'ERN', 'ETB', 'EUR', 'FJD', 'FKP', 'GBP',
		'GEL', 'GHS', 'GIP', 'GMD', 'GNF', 'GTQ', 'GYD', 'HKD', 'HNL', 'HTG', 'HUF', 'IDR', 'ILS', 'INR', 'IQD', 'IRR', 'ISK',
		'JMD', 'JOD', 'JPY', 'KES', 'KGS', 'KHR', 'KMF', 'KPW', 'KRW', 'KWD', 'KYD', 'KZT', 'LAK', 'LBP', 'LKR', 'LRD', 'LSL',
		'LYD', 'MAD', 'MDL', 'MGA', 'MKD', 'MMK', 'MNT', 'MOP', 'MRU', 'MUR', 'MVR', 'MWK', 'MXN', 'MXV', 'MYR', 'MZN', 'NAD',
		'NGN', 'NIO', 'NOK', 'NPR', 'NZD', 'OMR', 'PAB', 'PEN', 'PGK', 'PHP', 'PKR', 'PLN', 'PYG', 'QAR', 'RON', 'RSD', 'RUB',
		'RWF', 'SAR', 'SBD', 'SCR', 'SDG', 'SEK', 'SGD', 'SHP', 'SLE', 'SOS', 'SRD', 'SSP', 'STN', 'SVC', 'SYP', 'SZL', 'THB',
		'TJS', 'TMT', 'TND', 'TOP', 'TRY', 'TTD', 'TWD', 'TZS', 'UAH', 'UGX', 'USD', 'USN', 'UYI', 'UYU', 'UYW', 'UZS', 'VED',
		'VES', 'VND', 'VUV', 'WST', 'XAF', 'XCD', 'XCG', 'XOF', 'XPF', 'YER', 'ZAR', 'ZMW', 'ZWG'));
COMMENT ON DOMAIN parley.currency_code IS 'a currency code of ISO 4217, in capitals';

CREATE DOMAIN parley.account_name AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 100);
COMMENT ON DOMAIN parley.account_name IS 'a name of 1 to 100 characters';

-- Without the smallest bigint, so that every amount has its opposite.
CREATE DOMAIN parley.amount AS bigint
	CHECK (VALUE <> 0 AND VALUE > '-9223372036854775808'::bigint);
COMMENT ON DOMAIN parley.amount IS 'minor units (cents), in when positive, out when negative, never 0';

CREATE DOMAIN parley.paid_amount AS bigint
	CHECK (VALUE >= 1);
COMMENT ON DOMAIN parley.paid_amount IS 'minor units (cents) to pay, at least 1';

CREATE DOMAIN parley.memo AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 500);
COMMENT ON DOMAIN parley.memo IS 'what a transaction is for: 1 to 500 characters';

-- The row is locked and updated by every transaction, so the page keeps room, but not more: whoever reads a page that is
-- fuller than its fillfactor prunes it first. No index has a column that changes, so that each update is a HOT one. ledger_rows.c knows
-- the columns by position.
CREATE TABLE parley.accounts (
	user_id bigint NOT NULL,
	id bigint NOT NULL,
	balance bigint NOT NULL DEFAULT 0,
	last_number bigint NOT NULL DEFAULT 0,
	last_transaction_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	closed_at timestamptz,
	allow_negative boolean NOT NULL DEFAULT false,
	has_refusals boolean NOT NULL DEFAULT false,
	currency parley.currency_code NOT NULL,
	name parley.account_name,
	idempotency_key parley.idempotency_key,
	PRIMARY KEY (user_id, id),
	CONSTRAINT accounts_balance_is_covered CHECK (balance >= 0 OR allow_negative),
	CONSTRAINT accounts_closed_is_empty CHECK (balance = 0 OR closed_at IS NULL)
) WITH (fillfactor = 80);
COMMENT ON TABLE parley.accounts IS 'money of one user in one currency, bigint minor units (cents)';
COMMENT ON COLUMN parley.accounts.id IS 'counts 1, 2, 3 … within the user';
COMMENT ON COLUMN parley.accounts.last_number IS 'the number of the last transaction; 0 before the first';
COMMENT ON COLUMN parley.accounts.last_transaction_at IS 'created_at of the last transaction, which the next one does not precede';
COMMENT ON COLUMN parley.accounts.allow_negative IS 'the balance may be below zero; once given, it stays';
COMMENT ON COLUMN parley.accounts.has_refusals IS 'whether a key has to be looked for in refusals too';
COMMENT ON COLUMN parley.accounts.idempotency_key IS 'what the user named the request that opened the account';

CREATE UNIQUE INDEX accounts_idempotency_key ON parley.accounts (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- Eight columns, since a ninth makes the null bitmap of every row 8 bytes longer: what a transfer adds has its own table.
-- No foreign key to accounts: the one writer, in ledger.c, holds that row's lock. ledger_rows.c knows the columns by position.
CREATE TABLE parley.transactions (
	user_id bigint NOT NULL,
	account_id bigint NOT NULL,
	number bigint NOT NULL,
	amount bigint NOT NULL,
	balance bigint NOT NULL,
	created_at timestamptz NOT NULL,
	idempotency_key parley.idempotency_key,
	memo parley.memo,
	PRIMARY KEY (user_id, account_id, number)
);
COMMENT ON TABLE parley.transactions IS 'a signed line of an account, never updated or deleted';
COMMENT ON COLUMN parley.transactions.number IS
	'counts 1, 2, 3 … within the account, in commit order, created_at never decreasing; id in JSON';
COMMENT ON COLUMN parley.transactions.balance IS 'the account''s balance after it';
COMMENT ON COLUMN parley.transactions.idempotency_key IS 'what the user named the request that made it; none on a transfer''s receiving line';

-- On a hash of the key, half as large as on the key. Not unique, and need not be: who looks or writes holds the account's lock
-- and compares the key itself.
CREATE INDEX transactions_idempotency_key
	ON parley.transactions (user_id, account_id, pg_catalog.hashtextextended(idempotency_key, 0))
	WHERE idempotency_key IS NOT NULL;

-- The largest expense of every 64 transactions of an account, of every 64 such blocks, and so on, for find_largest_expense().
CREATE TABLE parley.expense_peaks (
	user_id bigint NOT NULL,
	account_id bigint NOT NULL,
	level integer NOT NULL,
	block bigint NOT NULL,
	number bigint NOT NULL,
	amount bigint NOT NULL,
	PRIMARY KEY (user_id, account_id, level, block)
);
COMMENT ON TABLE parley.expense_peaks IS 'the largest expense of a block of 64^level transactions of an account, the latest of equals';
COMMENT ON COLUMN parley.expense_peaks.block IS 'counts 1, 2, 3 … within the level; without a row where a block has no expense';
COMMENT ON COLUMN parley.expense_peaks.number IS 'the transaction''s';

CREATE TABLE parley.transfers (
	user_id bigint NOT NULL,
	account_id bigint NOT NULL,
	number bigint NOT NULL,
	to_user_id bigint NOT NULL,
	to_account_id bigint NOT NULL,
	to_number bigint NOT NULL,
	conversation_id bigint,
	message_number bigint,
	PRIMARY KEY (user_id, account_id, number)
);
COMMENT ON TABLE parley.transfers IS
	'two transactions of one commit whose amounts sum to zero: the paying one is the key, to_… is the receiving one';
COMMENT ON COLUMN parley.transfers.conversation_id IS 'where the receipt was posted, as message_number';

CREATE TABLE parley.refusals (
	user_id bigint NOT NULL,
	account_id bigint NOT NULL,
	idempotency_key parley.idempotency_key NOT NULL,
	amount bigint NOT NULL,
	balance bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	to_user_id bigint,
	to_account_id bigint,
	conversation_id bigint,
	memo parley.memo,
	PRIMARY KEY (user_id, account_id, idempotency_key)
);
COMMENT ON TABLE parley.refusals IS 'a transaction or transfer that was refused for want of money, kept so that its key gets the same answer again';
COMMENT ON COLUMN parley.refusals.amount IS 'what would have been posted: negative';
COMMENT ON COLUMN parley.refusals.balance IS 'of the account when it refused';
COMMENT ON COLUMN parley.refusals.to_user_id IS 'null: it was no transfer';

-- One account, one transaction as every function and the API show them, with what the gateway makes headers and errors of.
CREATE TYPE parley.account AS (
	id bigint, user_id bigint, currency text, name text, balance bigint, created_at timestamptz, replayed boolean
);
CREATE TYPE parley.listed_account AS (
	id bigint, user_id bigint, currency text, name text, balance bigint, created_at timestamptz, next_last_id bigint
);
CREATE TYPE parley.posted_transaction AS (
	id bigint, account_id bigint, amount bigint, balance bigint, memo text, created_at timestamptz,
	replayed boolean, refused text, refused_detail text
);
CREATE TYPE parley.listed_transaction AS (
	id bigint, account_id bigint, amount bigint, balance bigint, memo text, created_at timestamptz, next_last_id bigint
);
CREATE TYPE parley.posted_transfer AS (
	from_transaction json, to_transaction json, message_id bigint, replayed boolean, refused text, refused_detail text
);
COMMENT ON TYPE parley.account IS 'an account, and whether an earlier request with the same key opened it';
COMMENT ON TYPE parley.listed_account IS 'an account in a list';
COMMENT ON TYPE parley.posted_transaction IS 'the transaction that was posted, or refused, the SQLSTATE of why not';
COMMENT ON TYPE parley.listed_transaction IS 'a transaction in a list';
COMMENT ON TYPE parley.posted_transfer IS
	'both transactions of a transfer, the receipt''s number in its conversation, or refused, the SQLSTATE of why not';

CREATE FUNCTION parley.refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME
		USING ERRCODE = 'insufficient_privilege', HINT = 'Post an opposite transaction.';
END $$;
COMMENT ON FUNCTION parley.refuse_change() IS 'Trigger: refuses to change a table, whoever asks. Errors: 42501.';

CREATE TRIGGER transactions_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON parley.transactions
	EXECUTE FUNCTION parley.refuse_change();
CREATE TRIGGER transfers_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON parley.transfers
	EXECUTE FUNCTION parley.refuse_change();
CREATE TRIGGER refusals_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON parley.refusals
	EXECUTE FUNCTION parley.refuse_change();
-- ALWAYS: session_replication_role does not switch them off.
ALTER TABLE parley.transactions ENABLE ALWAYS TRIGGER transactions_are_immutable;
ALTER TABLE parley.transfers ENABLE ALWAYS TRIGGER transfers_are_immutable;
ALTER TABLE parley.refusals ENABLE ALWAYS TRIGGER refusals_are_immutable;

SELECT pg_extension_config_dump('parley.accounts', '');
SELECT pg_extension_config_dump('parley.transactions', '');
SELECT pg_extension_config_dump('parley.expense_peaks', '');
SELECT pg_extension_config_dump('parley.transfers', '');
SELECT pg_extension_config_dump('parley.refusals', '');
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

SELECT pg_extension_config_dump('parley.routes', 'WHERE NOT built_in');
-- schema: what every module may use.

CREATE FUNCTION parley.rfc3339(at timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (pg_catalog.to_json(at AT TIME ZONE 'UTC') #>> '{}') || 'Z';
COMMENT ON FUNCTION parley.rfc3339(timestamptz) IS 'a time as JSON shows it: RFC 3339, UTC, with Z';

CREATE FUNCTION parley.release_locks_early(locked_row bigint, contended boolean) RETURNS void
LANGUAGE c STRICT
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_release_locks_early';
COMMENT ON FUNCTION parley.release_locks_early(bigint, boolean) IS
	'Has the transaction let go of its locks before its commit is on disk, and wait for the disk before anyone is told '
	'(extension/early_release.c): if it had to wait for the row itself (contended), this session did lately, or somebody waits for it. '
	'locked_row is any number that is the same for the same row.';

CREATE FUNCTION parley.await_durable() RETURNS void
LANGUAGE c PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_await_durable';
COMMENT ON FUNCTION parley.await_durable() IS
	'Returns when all that the caller has seen is on disk. Who reads what release_locks_early lets be seen, and tells somebody of it, calls '
	'this in between.';
-- grams: a text and a term, without an index.

CREATE FUNCTION parley.contains(content text, term text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'parley_contains';
COMMENT ON FUNCTION parley.contains(text, text) IS
	'what content ILIKE ''%term%'' says with no character of the term special, in a fraction of its time';
-- contacts: creation and lookup.

CREATE FUNCTION parley.create_contact(
	name parley.person_name DEFAULT NULL, phone parley.phone_number DEFAULT NULL, email parley.email_address DEFAULT NULL)
RETURNS parley.contact
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made parley.contact;
BEGIN
	IF num_nonnulls(name, phone, email) = 0 THEN
		RAISE EXCEPTION 'a contact needs a name, a phone or an email'
			USING ERRCODE = 'null_value_not_allowed', COLUMN = 'phone';
	END IF;
	-- Whoever inserts the same phone at the same instant waits here for the other's commit, and is then told.
	INSERT INTO parley.contacts AS c (name, phone, email)
		VALUES (create_contact.name, create_contact.phone, create_contact.email)
		ON CONFLICT DO NOTHING
		RETURNING c.id, c.name, c.phone, c.email, c.created_at INTO made;
	IF made.id IS NULL AND EXISTS (SELECT FROM parley.contacts c WHERE c.phone_digits = parley.phone_digits(create_contact.phone)) THEN
		RAISE EXCEPTION 'phone % is taken', create_contact.phone USING ERRCODE = 'unique_violation', COLUMN = 'phone';
	ELSIF made.id IS NULL AND EXISTS (SELECT FROM parley.contacts c WHERE lower(c.email) = lower(create_contact.email)) THEN
		RAISE EXCEPTION 'email % is taken', create_contact.email USING ERRCODE = 'unique_violation', COLUMN = 'email';
	ELSIF made.id IS NULL THEN
		RAISE EXCEPTION 'the next contact id is taken' USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'Contacts were loaded past their sequence: set parley.contacts_id_seq to the largest id.';
	END IF;
	RETURN made;
END $$;
COMMENT ON FUNCTION parley.create_contact(parley.person_name, parley.phone_number, parley.email_address) IS
	'Creates a contact from at least one of name, phone and email. Phones are compared by their digits, emails without case. '
	'Errors: 22004 nothing given, 23505 phone or email taken.';

CREATE FUNCTION parley.get_contact(contact_id bigint) RETURNS parley.contact
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_contact parley.contact;
BEGIN
	SELECT c.id, c.name, c.phone, c.email, c.created_at INTO found_contact
		FROM parley.contacts c WHERE c.id = get_contact.contact_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no contact %', contact_id USING ERRCODE = 'no_data_found';
	END IF;
	RETURN found_contact;
END $$;
COMMENT ON FUNCTION parley.get_contact(bigint) IS 'The contact of that id. Errors: P0002 no such contact.';
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

CREATE FUNCTION parley.find_recipient(recipient_id bigint, phone parley.phone_number) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_id bigint;
BEGIN
	IF num_nonnulls(recipient_id, phone) <> 1 THEN
		RAISE EXCEPTION 'either recipient_id or phone says whom the conversation is with'
			USING ERRCODE = 'invalid_parameter_value', COLUMN = 'recipient_id';
	END IF;
	SELECT c.id INTO found_id FROM parley.contacts c
		WHERE c.id = recipient_id OR c.phone_digits = parley.phone_digits(find_recipient.phone);
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no contact %', coalesce(recipient_id::text, phone)
			USING ERRCODE = 'no_data_found', COLUMN = CASE WHEN phone IS NULL THEN 'recipient_id' ELSE 'phone' END;
	END IF;
	RETURN found_id;
END $$;
COMMENT ON FUNCTION parley.find_recipient(bigint, parley.phone_number) IS
	'The contact named by id or by phone. Errors: 22023 neither or both given, P0002 no such contact.';

CREATE FUNCTION parley.open_direct_conversation(
	user_id bigint, recipient_id bigint DEFAULT NULL, phone parley.phone_number DEFAULT NULL,
	OUT id bigint, OUT kind parley.conversation_kind, OUT user1_id bigint, OUT user2_id bigint, OUT created_at timestamptz,
	OUT created boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	other_id bigint := parley.find_recipient(recipient_id, phone);
BEGIN
	PERFORM parley.get_contact(user_id);
	IF other_id = user_id THEN
		RAISE EXCEPTION 'contact % cannot have a direct conversation with itself', user_id
			USING ERRCODE = 'invalid_parameter_value', COLUMN = CASE WHEN phone IS NULL THEN 'recipient_id' ELSE 'phone' END;
	END IF;
	user1_id := least(user_id, other_id);
	user2_id := greatest(user_id, other_id);
	-- Whoever opens the same one at the same instant waits here for the other's commit, and then finds it.
	INSERT INTO parley.conversations AS c (kind, low_contact_id, high_contact_id) VALUES ('direct', user1_id, user2_id)
		ON CONFLICT DO NOTHING
		RETURNING c.id INTO id;
	created := id IS NOT NULL;
	IF created THEN
		INSERT INTO parley.members (conversation_id, contact_id) VALUES (id, user1_id), (id, user2_id);
	END IF;
	SELECT c.id, c.kind, c.created_at INTO id, kind, created_at
		FROM parley.conversations c
		WHERE c.kind = 'direct' AND c.low_contact_id = user1_id AND c.high_contact_id = user2_id;
END $$;
COMMENT ON FUNCTION parley.open_direct_conversation(bigint, bigint, parley.phone_number) IS
	'The one direct conversation of a user and a recipient, named by id or phone; made if it was not there (created). user1_id is the '
	'smaller id. Errors: P0002 no such user or recipient, 22023 with oneself, or neither or both of recipient_id and phone.';
-- messages: posting (in C), reading, changing; a conversation with its messages; its counters rebuilt and audited.

CREATE FUNCTION parley.post_message(
	conversation_id bigint, content parley.message_content, sender_id bigint DEFAULT NULL,
	idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS parley.posted_message
LANGUAGE c SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_post_message';
COMMENT ON FUNCTION parley.post_message(bigint, parley.message_content, bigint, parley.idempotency_key) IS
	'Posts a message: the next number of its conversation, in commit order. sender_id null: from the operator. A key that the '
	'conversation has seen answers the message that it made (replayed). Errors: P0002 no such conversation, or the sender is no '
	'member of it; PY422 the key came with another sender or content.';

CREATE FUNCTION parley.require_conversation(conversation_id bigint) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM parley.conversations c WHERE c.id = require_conversation.conversation_id) THEN
		RAISE EXCEPTION 'no conversation %', conversation_id USING ERRCODE = 'no_data_found';
	END IF;
END $$;
COMMENT ON FUNCTION parley.require_conversation(bigint) IS 'Raises P0002 where there is no such conversation.';

CREATE FUNCTION parley.list_messages(
	conversation_id bigint, last_id bigint DEFAULT NULL, sort parley.sort_direction DEFAULT 'asc',
	"limit" parley.page_limit DEFAULT 50)
RETURNS SETOF parley.listed_message
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- One row more than asked for tells whether there is a next page.
	IF sort = 'asc' THEN
		RETURN QUERY
			SELECT p.conversation_id, p.number, p.sender_id, p.content::text, p.created_at, p.edited_at, p.deleted_at,
				CASE WHEN lead(p.number) OVER (ORDER BY p.number) IS NOT NULL THEN p.number END
			FROM (SELECT * FROM parley.messages m
				WHERE m.conversation_id = list_messages.conversation_id AND m.number > coalesce(last_id, 0)
				ORDER BY m.number LIMIT list_messages.limit + 1) p
			ORDER BY p.number LIMIT list_messages.limit;
	ELSE
		RETURN QUERY
			SELECT p.conversation_id, p.number, p.sender_id, p.content::text, p.created_at, p.edited_at, p.deleted_at,
				CASE WHEN lead(p.number) OVER (ORDER BY p.number DESC) IS NOT NULL THEN p.number END
			FROM (SELECT * FROM parley.messages m
				WHERE m.conversation_id = list_messages.conversation_id
					AND m.number < coalesce(last_id, 9223372036854775807)
				ORDER BY m.number DESC LIMIT list_messages.limit + 1) p
			ORDER BY p.number DESC LIMIT list_messages.limit;
	END IF;
	IF NOT FOUND THEN
		PERFORM parley.require_conversation(conversation_id);
	END IF;
	-- A chat's messages may be seen before the disk has them (extension/early_release.c).
	PERFORM parley.await_durable() FROM parley.conversations c WHERE c.id = list_messages.conversation_id AND c.kind = 'chat';
END $$;
COMMENT ON FUNCTION parley.list_messages(bigint, bigint, parley.sort_direction, parley.page_limit) IS
	'Messages of a conversation strictly after (asc) or before (desc) the number last_id, or from that end; tombstones included. '
	'Errors: P0002 no such conversation.';

CREATE FUNCTION parley.change_message(
	conversation_id bigint, message_id bigint, content parley.message_content, author_id bigint)
RETURNS parley.message
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	was parley.messages;
	changed parley.message;
BEGIN
	-- The conversation's row first, as post_message has it. It is updated in any case: that is how sync learns of the change.
	PERFORM FROM parley.conversations c WHERE c.id = change_message.conversation_id FOR NO KEY UPDATE;
	SELECT * INTO was FROM parley.messages m
		WHERE m.conversation_id = change_message.conversation_id AND m.number = message_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no message % in conversation %', message_id, conversation_id USING ERRCODE = 'no_data_found';
	ELSIF was.sender_id IS DISTINCT FROM author_id THEN
		RAISE EXCEPTION 'message % is another''s', message_id USING ERRCODE = 'insufficient_privilege';
	ELSIF was.deleted_at IS NOT NULL AND content IS NOT NULL THEN
		RAISE EXCEPTION 'message % is deleted', message_id USING ERRCODE = 'PY409';
	ELSIF was.deleted_at IS NULL THEN
		UPDATE parley.messages m
			SET content = change_message.content,
				edited_at = CASE WHEN change_message.content IS NULL THEN m.edited_at ELSE clock_timestamp() END,
				deleted_at = CASE WHEN change_message.content IS NULL THEN clock_timestamp() END,
				idempotency_hash = CASE WHEN change_message.content IS NOT NULL THEN m.idempotency_hash END
			WHERE m.conversation_id = change_message.conversation_id AND m.number = message_id;
		-- Rows may have been loaded in any order of time, so what is newest now is looked for in the whole conversation, but only
		-- where the newest itself went.
		UPDATE parley.conversations c
			SET last_message_at = CASE WHEN change_message.content IS NOT NULL OR c.last_message_at > was.created_at
				THEN c.last_message_at
				ELSE (SELECT max(m.created_at) FROM parley.messages m
					WHERE m.conversation_id = change_message.conversation_id AND m.deleted_at IS NULL) END
			WHERE c.id = change_message.conversation_id;
	END IF;
	SELECT m.conversation_id, m.number, m.sender_id, m.content, m.created_at, m.edited_at, m.deleted_at INTO changed
		FROM parley.messages m
		WHERE m.conversation_id = change_message.conversation_id AND m.number = message_id;
	RETURN changed;
END $$;
COMMENT ON FUNCTION parley.change_message(bigint, bigint, parley.message_content, bigint) IS
	'The one place where a message changes: new content, or null to delete it and leave a tombstone; deleting again changes nothing. '
	'author_id must be the sender (null: the operator, an application). Errors: P0002 no such message, 42501 another''s, '
	'PY409 deleted.';

CREATE FUNCTION parley.require_content(content parley.message_content) RETURNS parley.message_content
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF content IS NULL THEN
		RAISE EXCEPTION 'content is missing' USING ERRCODE = 'null_value_not_allowed', COLUMN = 'content';
	END IF;
	RETURN content;
END $$;
COMMENT ON FUNCTION parley.require_content(parley.message_content) IS
	'The content, so that an edit that has none is not taken for a deletion. Errors: 22004 null.';

CREATE FUNCTION parley.edit_message(conversation_id bigint, message_id bigint, content parley.message_content)
RETURNS parley.message
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT parley.change_message(conversation_id, message_id, parley.require_content(content), NULL);
END;
COMMENT ON FUNCTION parley.edit_message(bigint, bigint, parley.message_content) IS
	'Gives a message of the operator''s new content. Errors: as change_message, and 22004 no content.';

CREATE FUNCTION parley.delete_message(conversation_id bigint, message_id bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT parley.change_message(conversation_id, message_id, NULL, NULL);
END;
COMMENT ON FUNCTION parley.delete_message(bigint, bigint) IS
	'Deletes a message of the operator''s: its number stays, its content goes. Errors: as change_message.';

CREATE FUNCTION parley.message_json(message parley.message) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT row_to_json(m) FROM (SELECT message.conversation_id, message.message_id, message.sender_id, message.content,
	parley.rfc3339(message.created_at) AS created_at, parley.rfc3339(message.edited_at) AS edited_at,
	parley.rfc3339(message.deleted_at) AS deleted_at) m);
COMMENT ON FUNCTION parley.message_json(parley.message) IS 'a message within a JSON answer, as the gateway writes one alone';

CREATE FUNCTION parley.conversation(
	conversation_id bigint, OUT id bigint, OUT kind parley.conversation_kind, OUT created_at timestamptz,
	OUT last_message_id bigint, OUT participants json, OUT messages json)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT c.id, c.kind, c.created_at, nullif(c.last_number, 0) INTO id, kind, created_at, last_message_id
		FROM parley.conversations c WHERE c.id = conversation.conversation_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no conversation %', conversation_id USING ERRCODE = 'no_data_found';
	END IF;
	SELECT '[' || coalesce(string_agg(row_to_json(p)::text, ',' ORDER BY p.id), '') || ']' INTO participants
		FROM (SELECT k.id, k.name, coalesce(k.phone, k.email) AS identifier,
				CASE WHEN k.phone IS NOT NULL THEN 'phone' WHEN k.email IS NOT NULL THEN 'email' END AS type
			FROM parley.members m JOIN parley.contacts k ON k.id = m.contact_id
			WHERE m.conversation_id = conversation.conversation_id) p;
	SELECT '[' || coalesce(string_agg(parley.message_json((n.conversation_id, n.message_id, n.sender_id, n.content,
			n.created_at, n.edited_at, n.deleted_at))::text, ',' ORDER BY n.message_id DESC), '') || ']'
		INTO messages
		FROM parley.list_messages(conversation.conversation_id, sort => 'desc', "limit" => 50) n;
END $$;
COMMENT ON FUNCTION parley.conversation(bigint) IS
	'One conversation with its participants and its newest 50 messages, newest first. last_message_id is null before the first '
	'message. Errors: P0002 no such conversation.';

CREATE VIEW parley.misdated_messages AS
	SELECT conversation_id, number FROM (
		SELECT m.conversation_id, m.number,
			m.created_at < lag(m.created_at) OVER (PARTITION BY m.conversation_id ORDER BY m.number) AS is_misdated
		FROM parley.messages m WHERE m.deleted_at IS NULL) m
	WHERE is_misdated;
COMMENT ON VIEW parley.misdated_messages IS 'the undeleted messages that are dated before the one before them';

CREATE FUNCTION parley.rebuild_conversations() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	repaired bigint;
BEGIN
	-- EXCLUSIVE, so that who is about to write, and has locked a row alone so far, is waited for too: they would deadlock.
	LOCK TABLE parley.conversations, parley.messages IN EXCLUSIVE MODE;
	WITH truth AS (
		SELECT c.id, coalesce(max(m.number), 0) AS last_number,
			max(m.created_at) FILTER (WHERE m.deleted_at IS NULL) AS last_message_at,
			bool_and(d.conversation_id IS NULL) AS is_dated_in_order
		FROM parley.conversations c
			LEFT JOIN parley.messages m ON m.conversation_id = c.id
			LEFT JOIN (SELECT DISTINCT conversation_id FROM parley.misdated_messages) d ON d.conversation_id = c.id
		GROUP BY c.id
	)
	UPDATE parley.conversations c
		SET last_number = t.last_number, last_message_at = t.last_message_at, is_dated_in_order = t.is_dated_in_order
		FROM truth t
		WHERE t.id = c.id AND (c.last_number, c.last_message_at, c.is_dated_in_order)
			IS DISTINCT FROM (t.last_number, t.last_message_at, t.is_dated_in_order);
	GET DIAGNOSTICS repaired = ROW_COUNT;
	RETURN repaired;
END $$;
COMMENT ON FUNCTION parley.rebuild_conversations() IS
	'Sets last_number, last_message_at and is_dated_in_order of every conversation from its messages, after rows were loaded past '
	'post_message; answers how many it changed. Writers wait meanwhile.';

CREATE FUNCTION parley.audit_conversations(OUT rule text, OUT conversation_id bigint, OUT found text)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH truth AS (
		SELECT m.conversation_id, count(*) AS messages, min(m.number) AS first, max(m.number) AS last,
			max(m.created_at) FILTER (WHERE m.deleted_at IS NULL) AS newest
		FROM parley.messages m GROUP BY m.conversation_id
	)
	SELECT 'numbers run from 1 without a gap', t.conversation_id, format('%s messages numbered %s to %s', t.messages, t.first, t.last)
		FROM truth t WHERE t.first <> 1 OR t.last <> t.messages
	UNION ALL
	SELECT 'a message has its conversation', t.conversation_id, format('%s messages without one', t.messages)
		FROM truth t WHERE NOT EXISTS (SELECT FROM parley.conversations c WHERE c.id = t.conversation_id)
	UNION ALL
	SELECT 'last_number is the last message''s', c.id, format('%s, not %s', c.last_number, coalesce(t.last, 0))
		FROM parley.conversations c LEFT JOIN truth t ON t.conversation_id = c.id
		WHERE c.last_number <> coalesce(t.last, 0)
	UNION ALL
	SELECT 'last_message_at is the newest undeleted message''s', c.id,
			format('%s, not %s', coalesce(c.last_message_at::text, 'null'), coalesce(t.newest::text, 'null'))
		FROM parley.conversations c LEFT JOIN truth t ON t.conversation_id = c.id
		WHERE c.last_message_at IS DISTINCT FROM t.newest
	UNION ALL
	SELECT 'messages are dated in the order of their numbers', c.id, format('message %s is dated before an earlier one', min(d.number))
		FROM parley.conversations c JOIN parley.misdated_messages d ON d.conversation_id = c.id
		WHERE c.is_dated_in_order GROUP BY c.id
	UNION ALL
	SELECT 'a read horizon is not past the end', m.conversation_id, format('member %s read %s of %s', m.contact_id, m.read_number, c.last_number)
		FROM parley.members m JOIN parley.conversations c ON c.id = m.conversation_id
		WHERE m.read_number > c.last_number
	UNION ALL
	SELECT 'a member is a contact', m.conversation_id, format('member %s does not exist', m.contact_id)
		FROM parley.members m WHERE NOT EXISTS (SELECT FROM parley.contacts p WHERE p.id = m.contact_id)
	UNION ALL
	SELECT 'whom a conversation is with is a member of it', c.id, format('contact %s is none', w.contact_id)
		FROM parley.conversations c, unnest(ARRAY[c.contact_id, c.low_contact_id, c.high_contact_id]) AS w(contact_id)
		WHERE w.contact_id IS NOT NULL
			AND NOT EXISTS (SELECT FROM parley.members m WHERE m.conversation_id = c.id AND m.contact_id = w.contact_id)
	UNION ALL
	SELECT 'a sender is a member', s.conversation_id, format('sender %s is none', s.sender_id)
		FROM (SELECT DISTINCT m.conversation_id, m.sender_id FROM parley.messages m WHERE m.sender_id IS NOT NULL) s
		WHERE NOT EXISTS (SELECT FROM parley.members m WHERE m.conversation_id = s.conversation_id AND m.contact_id = s.sender_id);
END;
COMMENT ON FUNCTION parley.audit_conversations() IS
	'The conversations that break a rule which always holds, and how; no row when all is well. Reads every message.';
-- bulk_load: drops the indexes of the conversations' tables, and builds them again after the load. In between, whoever loads is
-- alone with the tables: COPY into them, number the messages of each conversation from 1 without a gap, in the order of created_at,
-- and set last_number and last_message_at of the conversations.
--
-- Everything is remembered in tables, so that a load that died between the two is finished by finish_bulk_load(), by anyone.

-- What can go and come back: no index that something relies on, as a foreign key does, nor one of some other extension's.
CREATE FUNCTION parley.bulk_load_candidates()
RETURNS TABLE (name text, definition text, removal text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT c.relname::text,
		CASE WHEN k.oid IS NULL THEN pg_get_indexdef(c.oid)
			ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', i.indrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) END,
		CASE WHEN k.oid IS NULL THEN format('DROP INDEX %s', c.oid::regclass)
			ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', i.indrelid::regclass, k.conname) END
	FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid
		LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
	WHERE i.indrelid IN ('parley.contacts'::regclass, 'parley.conversations'::regclass, 'parley.members'::regclass,
			'parley.messages'::regclass)
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refobjid IN (c.oid, k.oid) AND d.deptype = 'n')
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('e', 'x'));
END;
COMMENT ON FUNCTION parley.bulk_load_candidates() IS 'the indexes that a bulk load may drop, with the statements that build and drop them';

CREATE FUNCTION parley.begin_bulk_load(source text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	candidate record;
	load_id bigint;
BEGIN
	SELECT id INTO load_id FROM parley.bulk_loads WHERE finished_at IS NULL FOR UPDATE;
	IF load_id IS NULL THEN
		INSERT INTO parley.bulk_loads (source) VALUES (begin_bulk_load.source) RETURNING id INTO load_id;
	ELSE
		UPDATE parley.bulk_loads l
		SET source = begin_bulk_load.source, began_at = now(), contacts_count = NULL, messages_count = NULL
		WHERE l.id = load_id;
	END IF;
	FOR candidate IN SELECT * FROM parley.bulk_load_candidates() LOOP
		INSERT INTO parley.bulk_load_indexes (name, definition) VALUES (candidate.name, candidate.definition)
		ON CONFLICT ON CONSTRAINT bulk_load_indexes_pkey DO UPDATE SET definition = excluded.definition;
		EXECUTE candidate.removal;
	END LOOP;
	RETURN load_id;
END
$$;
COMMENT ON FUNCTION parley.begin_bulk_load(text) IS
	'drops the indexes of contacts, conversations, members and messages for a load; takes over one that was left unfinished';

CREATE FUNCTION parley.build_bulk_load_index(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	statement text;
BEGIN
	DELETE FROM parley.bulk_load_indexes i WHERE i.name = build_bulk_load_index.name RETURNING definition INTO statement;
	-- It is there already where a dump was taken in the middle of a load: the extension's installation made it.
	IF statement IS NOT NULL AND to_regclass(format('parley.%I', build_bulk_load_index.name)) IS NULL THEN
		EXECUTE statement;
	END IF;
END
$$;
COMMENT ON FUNCTION parley.build_bulk_load_index(text) IS 'builds one of bulk_load_indexes again; nothing where it is not among them';

CREATE FUNCTION parley.finish_bulk_load() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley.build_bulk_load_index(i.name)
	FROM (SELECT name FROM parley.bulk_load_indexes ORDER BY name) i;
	UPDATE parley.bulk_loads SET finished_at = now() WHERE finished_at IS NULL;
END
$$;
COMMENT ON FUNCTION parley.finish_bulk_load() IS 'builds what indexes a bulk load has dropped, and so ends it; harmless where there is none';
-- users: what a contact does through the API. In conversations of which they are no member, they find nothing.

CREATE FUNCTION parley.create_user(
	phone parley.phone_number, name parley.person_name DEFAULT NULL, email parley.email_address DEFAULT NULL)
RETURNS parley.contact
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF phone IS NULL THEN
		RAISE EXCEPTION 'a user needs a phone' USING ERRCODE = 'null_value_not_allowed', COLUMN = 'phone';
	END IF;
	RETURN parley.create_contact(name, phone, email);
END $$;
COMMENT ON FUNCTION parley.create_user(parley.phone_number, parley.person_name, parley.email_address) IS
	'Registers a user: a contact with a phone. Two that register one phone at once: one is made. Errors: 22004 no phone, 23505 phone or email taken.';

CREATE FUNCTION parley.require_member(user_id bigint, conversation_id bigint) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM parley.members m
			WHERE m.conversation_id = require_member.conversation_id AND m.contact_id = user_id) THEN
		RAISE EXCEPTION 'no conversation % with member %', conversation_id, user_id
			USING ERRCODE = 'no_data_found', COLUMN = 'conversation_id';
	END IF;
END $$;
COMMENT ON FUNCTION parley.require_member(bigint, bigint) IS
	'Raises P0002 where the user is no member of the conversation, in the same words whether it exists or not.';

CREATE FUNCTION parley.post_user_message(
	conversation_id bigint, content parley.message_content, user_id bigint, idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS parley.posted_message
LANGUAGE c SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_post_user_message';
COMMENT ON FUNCTION parley.post_user_message(bigint, parley.message_content, bigint, parley.idempotency_key) IS
	'post_message from a member. Errors: as post_message.';

CREATE FUNCTION parley.list_user_messages(
	user_id bigint, conversation_id bigint, last_id bigint DEFAULT NULL, sort parley.sort_direction DEFAULT 'asc',
	"limit" parley.page_limit DEFAULT 50)
RETURNS SETOF parley.listed_message
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley.require_member(user_id, conversation_id);
	RETURN QUERY SELECT * FROM parley.list_messages(conversation_id, last_id, sort, "limit");
END $$;
COMMENT ON FUNCTION parley.list_user_messages(bigint, bigint, bigint, parley.sort_direction, parley.page_limit) IS
	'list_messages for a member. Errors: P0002 no such conversation of this user.';

CREATE FUNCTION parley.get_user_message(user_id bigint, conversation_id bigint, message_id bigint) RETURNS parley.message
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_message parley.message;
BEGIN
	PERFORM parley.require_member(user_id, conversation_id);
	SELECT m.conversation_id, m.number, m.sender_id, m.content, m.created_at, m.edited_at, m.deleted_at INTO found_message
		FROM parley.messages m
		WHERE m.conversation_id = get_user_message.conversation_id AND m.number = message_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no message % in conversation %', message_id, conversation_id
			USING ERRCODE = 'no_data_found', COLUMN = 'message_id';
	END IF;
	RETURN found_message;
END $$;
COMMENT ON FUNCTION parley.get_user_message(bigint, bigint, bigint) IS
	'One message, or its tombstone, for a member. Errors: P0002 no such conversation of this user, or no such message.';

CREATE FUNCTION parley.edit_user_message(
	user_id bigint, conversation_id bigint, message_id bigint, content parley.message_content)
RETURNS parley.message
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley.require_member(user_id, conversation_id);
	RETURN parley.change_message(conversation_id, message_id, parley.require_content(content), user_id);
END $$;
COMMENT ON FUNCTION parley.edit_user_message(bigint, bigint, bigint, parley.message_content) IS
	'Gives a message of the user''s own new content. Errors: as change_message, 22004 no content, and '
	'P0002 no such conversation of this user.';

CREATE FUNCTION parley.delete_user_message(user_id bigint, conversation_id bigint, message_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley.require_member(user_id, conversation_id);
	PERFORM parley.change_message(conversation_id, message_id, NULL, user_id);
END $$;
COMMENT ON FUNCTION parley.delete_user_message(bigint, bigint, bigint) IS
	'Deletes a message of the user''s own: its number stays, its content goes. Errors: as edit_user_message.';

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
		RAISE EXCEPTION 'no message % in conversation %', message_id, conversation_id
			USING ERRCODE = 'no_data_found', COLUMN = 'message_id';
	END IF;
	UPDATE parley.members m SET read_number = greatest(m.read_number, message_id)
		WHERE m.conversation_id = mark_read.conversation_id AND m.contact_id = user_id
		RETURNING m.read_number INTO read;
	-- Between the two statements messages may have come, and another session of the user's may have read them.
	unread := greatest(last_number - read, 0);
END $$;
COMMENT ON FUNCTION parley.mark_read(bigint, bigint, bigint) IS
	'Advances the user''s read horizon to message_id; it never goes back. Answers the horizon and how many messages follow it. '
	'Errors: P0002 no such conversation of this user, or no such message.';
-- sync: what is new to a user in all conversations since a cursor.

CREATE FUNCTION parley.xid_reached(xid, since bigint) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'parley_xid_reached';
COMMENT ON FUNCTION parley.xid_reached(xid, bigint) IS
	'whether a row''s xmin is the transaction of that 64-bit id or a later one; since 0: always';

CREATE FUNCTION parley.sync(
	user_id bigint, INOUT cursor text DEFAULT NULL, "limit" parley.page_limit DEFAULT 50, OUT messages json, OUT more boolean)
LANGUAGE c STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_sync';
COMMENT ON FUNCTION parley.sync(bigint, text, parley.page_limit) IS
	'What is new to a user since the cursor, in all of their conversations: messages posted, edited and deleted. Never skips one '
	'that committed late, may repeat one; tell them by conversation_id and message_id. Without a cursor: everything. more: ask '
	'again at once with the new cursor. Errors: P0002 no such user, 22023 not a cursor of this user''s, PY410 a cursor of '
	'another cluster, of a lost timeline or too old: start over without one.';
-- applications: what one does with a token. A wrong token, another application's and a malformed one are alike: no application.
-- Many may create chats in one application and messages in one chat at once, so where they meet the counter's lock is let go
-- before the disk has the commit, and who reads what such a transaction wrote waits for the disk.

CREATE FUNCTION parley.random_token() RETURNS text
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'parley_random_token';
COMMENT ON FUNCTION parley.random_token() IS '192 random bits from the server''s strong generator, as 32 URL-safe characters';

CREATE FUNCTION parley.create_application(
	name parley.application_name, idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS parley.created_application
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hash bigint := CASE WHEN idempotency_key IS NOT NULL THEN hashtextextended(name, 0) END;
	made parley.applications;
BEGIN
	IF name IS NULL THEN
		RAISE EXCEPTION 'an application needs a name' USING ERRCODE = 'null_value_not_allowed', COLUMN = 'name';
	END IF;
	INSERT INTO parley.applications AS a (token, name, idempotency_key, idempotency_hash)
		VALUES (parley.random_token(), create_application.name, create_application.idempotency_key, hash)
		ON CONFLICT ON CONSTRAINT applications_idempotency_key_key DO NOTHING
		RETURNING * INTO made;
	IF made.id IS NOT NULL THEN
		RETURN (made.token, made.name, 0, made.created_at, made.updated_at, false)::parley.created_application;
	END IF;
	SELECT * INTO made FROM parley.applications a WHERE a.idempotency_key = create_application.idempotency_key;
	IF made.idempotency_hash <> hash THEN
		RAISE EXCEPTION 'idempotency key "%" was used for another application', idempotency_key
			USING ERRCODE = 'PY422', HINT = 'Use a new key for a new application.', COLUMN = 'idempotency_key';
	END IF;
	RETURN (made.token, made.name, made.last_chat_number, made.created_at, made.updated_at, true)::parley.created_application;
END $$;
COMMENT ON FUNCTION parley.create_application(parley.application_name, parley.idempotency_key) IS
	'Registers an application and gives it its token. A key seen before answers the application that it made (replayed). Errors: '
	'22004 no name, PY422 the key came with another name.';

CREATE FUNCTION parley.list_applications(page parley.page_number DEFAULT 1, "limit" parley.page_limit DEFAULT 50)
RETURNS TABLE (token text, name text, chats_count bigint, created_at timestamptz, updated_at timestamptz, next_page bigint)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT parley.await_durable();
	SELECT p.token, p.name::text, p.last_chat_number, p.created_at, p.updated_at,
			CASE WHEN lead(p.id) OVER (ORDER BY p.id) IS NOT NULL THEN page + 1 END
		FROM (SELECT * FROM parley.applications a ORDER BY a.id
			OFFSET (page - 1)::bigint * list_applications.limit LIMIT list_applications.limit + 1) p
		ORDER BY p.id LIMIT list_applications.limit;
END;
COMMENT ON FUNCTION parley.list_applications(parley.page_number, parley.page_limit) IS 'All applications, oldest first.';

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
		RAISE EXCEPTION 'no such application' USING ERRCODE = 'no_data_found', COLUMN = 'token';
	END IF;
	RETURN found_application;
END $$;
COMMENT ON FUNCTION parley.find_application(text) IS
	'The application of that token, as a crash may still undo it: for who is about to commit. Errors: P0002 no such application.';

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
COMMENT ON FUNCTION parley.get_application(text) IS 'The application of that token. Errors: P0002 no such application.';

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
	'Gives an application another name. Errors: P0002 no such application.';

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
		-- Locked first, so that a twin of this call that has not committed is waited for, and then seen.
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
		RAISE EXCEPTION 'no such application' USING ERRCODE = 'no_data_found', COLUMN = 'token';
	END IF;
	INSERT INTO parley.conversations AS c (kind, application_id, number, idempotency_key, created_at)
		VALUES ('chat', made.application_id, made.number, create_chat.idempotency_key, clock_timestamp())
		RETURNING c.created_at INTO made.created_at;
	PERFORM parley.release_locks_early(made.application_id, made.number > last_chat_number + 1);
	RETURN (made.number, 0, made.created_at, made.created_at, false)::parley.created_chat;
END $$;
COMMENT ON FUNCTION parley.create_chat(text, parley.idempotency_key) IS
	'Opens the application''s next chat, numbered in commit order. A key that the application has seen answers the chat that it '
	'made (replayed). Errors: P0002 no such application.';

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
		RAISE EXCEPTION 'no such application' USING ERRCODE = 'no_data_found', COLUMN = 'token';
	END IF;
	-- Numbers have no gap, so a page is a range of them.
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
	'The application''s chats in the order of their numbers. Errors: P0002 no such application.';

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
		RAISE EXCEPTION 'no chat %', chat_number USING ERRCODE = 'no_data_found', COLUMN = 'chat_number';
	END IF;
	RETURN conversation_id;
END $$;
COMMENT ON FUNCTION parley.find_chat(text, bigint) IS
	'The conversation that a chat is. Errors: P0002 no such application, or no such chat.';

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
	'A chat; updated_at is the time of its newest message. Errors: P0002 no such application, or no such chat.';

-- Messages of a chat.

CREATE FUNCTION parley.post_chat_message(
	token text, chat_number bigint, content parley.message_content, idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS parley.posted_chat_message
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	chat_id bigint := parley.find_chat(token, chat_number);
	last_number bigint := (SELECT c.last_number FROM parley.conversations c WHERE c.id = chat_id);
	p parley.posted_message := parley.post_message(chat_id, content, NULL, idempotency_key);
BEGIN
	-- Who finds more messages before their own than there were at first has had others before them at the chat's row.
	PERFORM parley.release_locks_early(chat_id, p.message_id > last_number + 1);
	RETURN (p.message_id, p.content, p.created_at, coalesce(p.edited_at, p.created_at), p.replayed)::parley.posted_chat_message;
END $$;
COMMENT ON FUNCTION parley.post_chat_message(text, bigint, parley.message_content, parley.idempotency_key) IS
	'Posts a message in a chat; see post_message. Errors: P0002 no such application, or no such chat; PY422 the key came with other content.';

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
	'Messages of a chat; see list_messages. Errors: P0002 no such application, or no such chat.';

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
		RAISE EXCEPTION 'no message % in chat %', message_number, chat_number
			USING ERRCODE = 'no_data_found', COLUMN = 'message_number';
	END IF;
	RETURN found_message;
END $$;
COMMENT ON FUNCTION parley.find_chat_message(text, bigint, bigint) IS
	'One message of a chat, which a crash may still undo: for who is about to write. Errors: P0002 no such application, chat or message.';

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
	'One message of a chat. Errors: P0002 no such application, chat or message.';

CREATE FUNCTION parley.edit_chat_message(
	token text, chat_number bigint, message_number bigint, content parley.message_content)
RETURNS parley.chat_message
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- Asked first, so that the error has the chat's words, not the conversation's id.
	PERFORM parley.find_chat_message(token, chat_number, message_number);
	PERFORM parley.change_message(parley.find_chat(token, chat_number), message_number, parley.require_content(content), NULL);
	RETURN parley.find_chat_message(token, chat_number, message_number);
END $$;
COMMENT ON FUNCTION parley.edit_chat_message(text, bigint, bigint, parley.message_content) IS
	'Gives a message of a chat new content. Errors: P0002 no such application, chat or message; 22004 no content; PY409 it is deleted.';

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
	'Messages of a chat that contain the query, any part of a word, whatever its case, no character special; newest first, those '
	'before the number last_id. Costs as much as the chat is long, or as many messages of all have the query, whichever is less. Errors: P0002 no such application, or no such chat.';
-- search: the list of recent conversations, whole or as far as a term matches.

CREATE FUNCTION parley.recent_conversations(
	term parley.search_term DEFAULT NULL, page parley.page_number DEFAULT NULL, page_size parley.page_limit DEFAULT 50,
	cursor text DEFAULT NULL, count parley.count_mode DEFAULT NULL)
RETURNS SETOF parley.recent_conversation
LANGUAGE c STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_recent_conversations';
COMMENT ON FUNCTION parley.recent_conversations(parley.search_term, parley.page_number, parley.page_limit, text, parley.count_mode) IS
	'The operator''s conversations (kinds contact and direct), newest message first. With a term, those with a message that contains '
	'it or a contact whose name or phone does, each with its newest matching message; case does not matter and no character is '
	'special. Rows start at page (from 1) or after cursor (a next_cursor of the same list), not both. count => ''exact'' also '
	'gives total_count, on a page without rows in a row of its own. Errors: 22023 a cursor that is none, or with a page.';

CREATE FUNCTION parley.list_conversations(
	"searchValue" parley.search_term DEFAULT NULL, page parley.page_number DEFAULT NULL, "limit" parley.page_limit DEFAULT 50,
	cursor text DEFAULT NULL, count parley.count_mode DEFAULT NULL)
RETURNS SETOF parley.recent_conversation
LANGUAGE c STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_recent_conversations';
COMMENT ON FUNCTION parley.list_conversations(parley.search_term, parley.page_number, parley.page_limit, text, parley.count_mode) IS
	'Recent conversations, newest message first; with searchValue those that match it, each with its newest matching message. '
	'The same as recent_conversations, under the names of HTTP.';

CREATE FUNCTION parley.list_user_conversations(
	user_id bigint, "searchValue" parley.search_term DEFAULT NULL, page parley.page_number DEFAULT NULL,
	"limit" parley.page_limit DEFAULT 50, cursor text DEFAULT NULL, count parley.count_mode DEFAULT NULL)
RETURNS SETOF parley.user_conversation
LANGUAGE c STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_list_user_conversations';
COMMENT ON FUNCTION parley.list_user_conversations(
	bigint, parley.search_term, parley.page_number, parley.page_limit, text, parley.count_mode) IS
	'The same as list_conversations, of the conversations (kinds contact and direct) that the user is a member of; contact_id, '
	'name and phone_number are the other side''s, unread counts the messages past the user''s read horizon. '
	'Errors: P0002 no such contact, 22023 a cursor that is none, or with a page.';

CREATE FUNCTION parley.explain_search(
	term parley.search_term, page parley.page_number DEFAULT NULL, page_size parley.page_limit DEFAULT 50,
	cursor text DEFAULT NULL, count parley.count_mode DEFAULT NULL, user_id bigint DEFAULT NULL,
	OUT stream text, OUT path text, OUT estimate bigint, OUT walked bigint, OUT candidates bigint, OUT visited bigint,
	OUT milliseconds double precision)
RETURNS SETOF record
LANGUAGE c STABLE SECURITY DEFINER ROWS 2
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_explain_search';
COMMENT ON FUNCTION parley.explain_search(
	parley.search_term, parley.page_number, parley.page_limit, text, parley.count_mode, bigint) IS
	'How recent_conversations, or with user_id list_user_conversations, finds a page: of the streams messages and contacts the path '
	'taken (walk, index, both, or conversations where a user''s are read whole), how many rows the index estimates (null: it cannot '
	'tell), and how many were walked, named by the index, and visited of those. Without a term no row.';

CREATE FUNCTION parley.search_conversation(conversation_id bigint, term text, before_number bigint, wanted integer) RETURNS SETOF bigint
LANGUAGE c STABLE STRICT ROWS 50
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_search_conversation';
COMMENT ON FUNCTION parley.search_conversation(bigint, text, bigint, integer) IS
	'The numbers of the conversation''s messages below before_number that contain the term, the greatest first, as many as are wanted. '
	'Not checked: that the conversation is there and the term is not empty.';
-- ledger: accounts, their transactions and transfers. What decides a balance is in ledger.c; here are its thin functions.

CREATE FUNCTION parley.require_account(user_id bigint, account_id bigint) RETURNS parley.accounts
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_account parley.accounts;
BEGIN
	SELECT * INTO found_account FROM parley.accounts a
		WHERE a.user_id = require_account.user_id AND a.id = require_account.account_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no account % of user %', account_id, user_id USING ERRCODE = 'no_data_found', COLUMN = 'account_id';
	END IF;
	RETURN found_account;
END $$;
COMMENT ON FUNCTION parley.require_account(bigint, bigint) IS 'The row of an account. Errors: P0002 no such account of that user.';

CREATE FUNCTION parley.open_account(
	user_id bigint, currency parley.currency_code, name parley.account_name DEFAULT NULL,
	idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS parley.account
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	opened parley.account;
BEGIN
	IF currency IS NULL THEN
		RAISE EXCEPTION 'an account needs a currency' USING ERRCODE = 'null_value_not_allowed', COLUMN = 'currency';
	END IF;
	-- The user's row numbers the accounts: who opens another at the same instant waits here.
	PERFORM FROM parley.contacts c WHERE c.id = open_account.user_id FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no user %', user_id USING ERRCODE = 'no_data_found', COLUMN = 'user_id';
	END IF;
	SELECT a.id, a.user_id, a.currency, a.name, 0, a.created_at, true INTO opened
		FROM parley.accounts a
		WHERE a.user_id = open_account.user_id AND a.idempotency_key = open_account.idempotency_key;
	IF NOT FOUND THEN
		INSERT INTO parley.accounts AS a (user_id, id, currency, name, idempotency_key)
			VALUES (open_account.user_id,
				1 + coalesce((SELECT max(o.id) FROM parley.accounts o WHERE o.user_id = open_account.user_id), 0),
				open_account.currency, open_account.name, open_account.idempotency_key)
			RETURNING a.id, a.user_id, a.currency, a.name, a.balance, a.created_at, false INTO opened;
	ELSIF (opened.currency, opened.name) IS DISTINCT FROM (open_account.currency::text, open_account.name::text) THEN
		RAISE EXCEPTION 'idempotency key "%" was used for another account', idempotency_key
			USING ERRCODE = 'PY422', COLUMN = 'idempotency_key', HINT = 'Use a new key for a new account.';
	END IF;
	RETURN opened;
END $$;
COMMENT ON FUNCTION parley.open_account(bigint, parley.currency_code, parley.account_name, parley.idempotency_key) IS
	'Opens an account of a user in one currency, with nothing in it, numbered within the user. A key that the user has used '
	'answers the account that it opened, as it was then (replayed). Errors: P0002 no such user; PY422 the key came with another '
	'currency or name.';

CREATE FUNCTION parley.allow_negative(user_id bigint, account_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE parley.accounts a SET allow_negative = true
		WHERE a.user_id = allow_negative.user_id AND a.id = account_id;
	IF NOT FOUND THEN
		PERFORM parley.require_account(user_id, account_id);
	END IF;
END $$;
COMMENT ON FUNCTION parley.allow_negative(bigint, bigint) IS
	'Lets the balance of an account go below zero, for good. For the operator. Errors: P0002 no such account.';

CREATE FUNCTION parley.close_account(user_id bigint, account_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	closing parley.accounts;
BEGIN
	SELECT * INTO closing FROM parley.accounts a
		WHERE a.user_id = close_account.user_id AND a.id = account_id FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		PERFORM parley.require_account(user_id, account_id);
	ELSIF closing.balance <> 0 THEN
		RAISE EXCEPTION 'the balance of account % is %, not 0', account_id, closing.balance USING ERRCODE = 'PY409';
	END IF;
	UPDATE parley.accounts a SET closed_at = coalesce(a.closed_at, clock_timestamp())
		WHERE a.user_id = close_account.user_id AND a.id = account_id;
END $$;
COMMENT ON FUNCTION parley.close_account(bigint, bigint) IS
	'Closes an empty account for good: it takes no transaction, is not listed, and can still be read. For the operator. '
	'Errors: P0002 no such account; PY409 money is in it.';

CREATE FUNCTION parley.list_accounts(
	user_id bigint, last_id bigint DEFAULT NULL, "limit" parley.page_limit DEFAULT 50)
RETURNS SETOF parley.listed_account
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 2
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
		SELECT p.id, p.user_id, p.currency::text, p.name::text, p.balance, p.created_at,
			CASE WHEN lead(p.id) OVER (ORDER BY p.id) IS NOT NULL THEN p.id END
		FROM (SELECT * FROM parley.accounts a
			WHERE a.user_id = list_accounts.user_id AND a.id > coalesce(last_id, 0) AND a.closed_at IS NULL
			ORDER BY a.id LIMIT list_accounts.limit + 1) p
		ORDER BY p.id LIMIT list_accounts.limit;
	IF NOT FOUND THEN
		PERFORM parley.get_contact(user_id);
	END IF;
	PERFORM parley.await_durable();
END $$;
COMMENT ON FUNCTION parley.list_accounts(bigint, bigint, parley.page_limit) IS
	'The open accounts of a user, in the order of their ids, after last_id. Errors: P0002 no such user.';

CREATE FUNCTION parley.account_totals(user_id bigint) RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	totals json := (SELECT '[' || coalesce(string_agg(row_to_json(t)::text, ',' ORDER BY t.currency), '') || ']'
		FROM (SELECT a.currency::text, sum(a.balance) AS total FROM parley.accounts a
			WHERE a.user_id = account_totals.user_id AND a.closed_at IS NULL
			GROUP BY a.currency::text) t);
BEGIN
	PERFORM parley.await_durable();
	RETURN totals;
END $$;
COMMENT ON FUNCTION parley.account_totals(bigint) IS
	'What a user has in each currency, summed over the open accounts: [{"currency","total"}], in one snapshot, so that a transfer '
	'between two of them never shows in one alone.';

CREATE FUNCTION parley.get_user(
	user_id bigint, OUT id bigint, OUT name text, OUT phone text, OUT email text, OUT created_at timestamptz,
	OUT totals json, OUT total bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT c.id, c.name, c.phone, c.email, c.created_at, t.totals,
		CASE WHEN json_array_length(t.totals) = 1 THEN (t.totals -> 0 ->> 'total')::bigint END
	FROM parley.get_contact(user_id) c, LATERAL (SELECT parley.account_totals(c.id) AS totals) t;
END;
COMMENT ON FUNCTION parley.get_user(bigint) IS
	'A user, with the total of their accounts in each currency, and the total where that is one. Errors: P0002 no such contact.';

CREATE FUNCTION parley.post_transaction(
	user_id bigint, account_id bigint, amount parley.amount, memo parley.memo DEFAULT NULL,
	idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS parley.posted_transaction
LANGUAGE c SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_post_transaction';
COMMENT ON FUNCTION parley.post_transaction(bigint, bigint, parley.amount, parley.memo, parley.idempotency_key) IS
	'Posts a transaction to an account: minor units, in when positive, out when negative. Not enough money is not raised but '
	'answered, as refused PY409 and what is missing in refused_detail, and kept where there is a key. A key that the account has '
	'seen gets the first answer again (replayed). Errors: P0002 no such account of that user; PY409 closed; 22003 the balance '
	'would overflow; PY422 the key came with another amount or memo, or for a transfer.';

CREATE FUNCTION parley.last_number_at(user_id bigint, account_id bigint, at timestamptz, inclusive boolean DEFAULT true)
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	low bigint := 0;
	high bigint := (SELECT a.last_number FROM parley.accounts a
		WHERE a.user_id = last_number_at.user_id AND a.id = last_number_at.account_id);
	middle bigint;
	time_there timestamptz;
BEGIN
	-- Times never decrease with the number, so halving finds the place by the primary key: no index on the time is needed.
	WHILE low < high LOOP
		middle := low + (high - low + 1) / 2;
		SELECT t.created_at INTO time_there FROM parley.transactions t
			WHERE t.user_id = last_number_at.user_id AND t.account_id = last_number_at.account_id AND t.number = middle;
		IF time_there < at OR inclusive AND time_there = at THEN
			low := middle;
		ELSE
			high := middle - 1;
		END IF;
	END LOOP;
	RETURN low;
END $$;
COMMENT ON FUNCTION parley.last_number_at(bigint, bigint, timestamptz, boolean) IS
	'The number of an account''s last transaction not after a time, or, not inclusive, before it; 0 where there is none.';

CREATE FUNCTION parley.list_transactions(
	user_id bigint, account_id bigint, last_id bigint DEFAULT NULL, sort parley.sort_direction DEFAULT 'asc',
	"limit" parley.page_limit DEFAULT 50, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL)
RETURNS SETOF parley.listed_transaction
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	account parley.accounts := parley.require_account(user_id, account_id);
	first bigint := 1;
	last bigint := account.last_number;
BEGIN
	IF "from" > "to" THEN
		RAISE EXCEPTION 'from is after to' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'from';
	END IF;
	IF "from" IS NOT NULL THEN
		first := 1 + parley.last_number_at(user_id, account_id, "from", false);
	END IF;
	IF "to" IS NOT NULL THEN
		last := parley.last_number_at(user_id, account_id, "to");
	END IF;
	IF sort = 'asc' THEN
		first := greatest(first, least(coalesce(last_id, 0), last) + 1);
		RETURN QUERY
			SELECT t.number, t.account_id, t.amount, t.balance, t.memo::text, t.created_at,
				CASE WHEN t.number < last AND t.number - first + 1 = list_transactions.limit THEN t.number END
			FROM parley.transactions t
			WHERE t.user_id = list_transactions.user_id AND t.account_id = list_transactions.account_id
				AND t.number BETWEEN first AND last
			ORDER BY t.number LIMIT list_transactions.limit;
	ELSE
		last := least(last, greatest(coalesce(last_id, last + 1), 1) - 1);
		RETURN QUERY
			SELECT t.number, t.account_id, t.amount, t.balance, t.memo::text, t.created_at,
				CASE WHEN t.number > first AND last - t.number + 1 = list_transactions.limit THEN t.number END
			FROM parley.transactions t
			WHERE t.user_id = list_transactions.user_id AND t.account_id = list_transactions.account_id
				AND t.number BETWEEN first AND last
			ORDER BY t.number DESC LIMIT list_transactions.limit;
	END IF;
	PERFORM parley.await_durable();
END $$;
COMMENT ON FUNCTION parley.list_transactions(
		bigint, bigint, bigint, parley.sort_direction, parley.page_limit, timestamptz, timestamptz) IS
	'Transactions of an account strictly after (asc) or before (desc) the number last_id, or from that end, those in [from, to] '
	'where these are given. Errors: P0002 no such account of that user; 22023 from after to.';

CREATE FUNCTION parley.get_balance(
	user_id bigint, account_id bigint, INOUT at timestamptz DEFAULT NULL, OUT balance bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	account parley.accounts := parley.require_account(user_id, account_id);
BEGIN
	IF at IS NULL THEN
		at := statement_timestamp();
		balance := account.balance;
	ELSE
		balance := coalesce((SELECT t.balance FROM parley.transactions t
			WHERE t.user_id = get_balance.user_id AND t.account_id = get_balance.account_id
				AND t.number = parley.last_number_at(get_balance.user_id, get_balance.account_id, at)), 0);
	END IF;
	PERFORM parley.await_durable();
END $$;
COMMENT ON FUNCTION parley.get_balance(bigint, bigint, timestamptz) IS
	'The balance of an account after its last transaction not after a time; without one, as it is now. Errors: P0002 no such '
	'account of that user.';

CREATE FUNCTION parley.find_account_expense(
	user_id bigint, account_id bigint, first bigint, last bigint, OUT number bigint, OUT amount bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	-- From the transactions first to last to the blocks of 64 that lie wholly between, to the blocks of these, and so on; at each
	-- level at most 126 rows at the edges are left to look at.
	WITH RECURSIVE spans(level, first, last) AS (
		SELECT 0, find_account_expense.first, find_account_expense.last
		UNION ALL
		SELECT s.level + 1, (s.first + 62) / 64 + 1, s.last / 64 FROM spans s WHERE (s.first + 62) / 64 + 1 <= s.last / 64
	), edges AS (
		SELECT s.level, e.first, e.last
		FROM spans s LEFT JOIN spans up ON up.level = s.level + 1,
			LATERAL (VALUES (s.first, coalesce((up.first - 1) * 64, s.last)), (up.last * 64 + 1, s.last)) AS e(first, last)
		WHERE e.first <= e.last
	)
	SELECT best.number, best.amount
	FROM edges e, LATERAL (
		(SELECT t.number, t.amount FROM parley.transactions t
			WHERE e.level = 0 AND t.user_id = find_account_expense.user_id
				AND t.account_id = find_account_expense.account_id AND t.number BETWEEN e.first AND e.last AND t.amount < 0
			ORDER BY t.amount, t.number DESC LIMIT 1)
		UNION ALL
		(SELECT p.number, p.amount FROM parley.expense_peaks p
			WHERE p.user_id = find_account_expense.user_id AND p.account_id = find_account_expense.account_id
				AND p.level = e.level AND p.block BETWEEN e.first AND e.last
			ORDER BY p.amount, p.number DESC LIMIT 1)
	) AS best
	ORDER BY best.amount, best.number DESC LIMIT 1;
END;
COMMENT ON FUNCTION parley.find_account_expense(bigint, bigint, bigint, bigint) IS
	'The largest expense among the transactions first to last of an account, the latest of equals; null where there is none. Reads '
	'some hundred rows, however many there are.';

CREATE FUNCTION parley.find_largest_expense(
	user_id bigint, "from" timestamptz, "to" timestamptz, currency parley.currency_code DEFAULT NULL,
	OUT id bigint, OUT account_id bigint, OUT amount bigint, OUT balance bigint, OUT memo text, OUT created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF "from" IS NULL OR "to" IS NULL THEN
		RAISE EXCEPTION 'the largest expense needs both from and to'
			USING ERRCODE = 'null_value_not_allowed', COLUMN = CASE WHEN "from" IS NULL THEN 'from' ELSE 'to' END;
	ELSIF "from" > "to" THEN
		RAISE EXCEPTION 'from is after to' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'from';
	END IF;
	PERFORM parley.get_contact(user_id);
	SELECT t.number, t.account_id, t.amount, t.balance, t.memo, t.created_at INTO id, account_id, amount, balance, memo, created_at
		FROM parley.accounts a
			CROSS JOIN LATERAL parley.find_account_expense(a.user_id, a.id,
				1 + parley.last_number_at(a.user_id, a.id, "from", false), parley.last_number_at(a.user_id, a.id, "to")) e
			JOIN parley.transactions t ON t.user_id = find_largest_expense.user_id AND t.account_id = a.id AND t.number = e.number
		WHERE a.user_id = find_largest_expense.user_id
			AND (find_largest_expense.currency IS NULL OR a.currency = find_largest_expense.currency)
		ORDER BY t.amount, t.created_at DESC, t.account_id DESC LIMIT 1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no expense from % to %', parley.rfc3339("from"), parley.rfc3339("to") USING ERRCODE = 'no_data_found';
	END IF;
	PERFORM parley.await_durable();
END $$;
COMMENT ON FUNCTION parley.find_largest_expense(bigint, timestamptz, timestamptz, parley.currency_code) IS
	'The largest expense of a user in [from, to], the latest of equals: among the accounts in one currency, or, without one, among '
	'all, compared by minor units. Errors: 22004 a time is missing; 22023 from after to; P0002 no such user, or no expense.';

CREATE FUNCTION parley.move_money(
	user_id bigint, from_account_id bigint, to_user_id bigint, to_account_id bigint, amount parley.paid_amount, memo parley.memo,
	conversation_id bigint, idempotency_key parley.idempotency_key,
	OUT number bigint, OUT to_number bigint, OUT message_id bigint, OUT replayed boolean, OUT refused text, OUT refused_detail text)
LANGUAGE c SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_move_money';
COMMENT ON FUNCTION parley.move_money(
		bigint, bigint, bigint, bigint, parley.paid_amount, parley.memo, bigint, parley.idempotency_key) IS
	'What post_transfer does, answered by the numbers of what it made.';

CREATE FUNCTION parley.describe_transaction(user_id bigint, account_id bigint, number bigint, viewer_id bigint) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT row_to_json(shown)
	FROM (
		SELECT t.number AS id, t.user_id, t.account_id, t.amount, CASE WHEN t.user_id = viewer_id THEN t.balance END AS balance,
			t.memo, parley.rfc3339(t.created_at) AS created_at
		FROM parley.transactions t
		WHERE t.user_id = describe_transaction.user_id AND t.account_id = describe_transaction.account_id
			AND t.number = describe_transaction.number
	) shown;
END;
COMMENT ON FUNCTION parley.describe_transaction(bigint, bigint, bigint, bigint) IS
	'A transaction as JSON for a user to see: the balance of another''s account is null.';

CREATE FUNCTION parley.post_transfer(
	user_id bigint, from_account_id bigint, to_user_id bigint, to_account_id bigint, amount parley.paid_amount,
	memo parley.memo DEFAULT NULL, conversation_id bigint DEFAULT NULL, idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS parley.posted_transfer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	moved record := parley.move_money(user_id, from_account_id, to_user_id, to_account_id, amount, memo, conversation_id,
		idempotency_key);
BEGIN
	RETURN (parley.describe_transaction(user_id, from_account_id, moved.number, user_id),
		parley.describe_transaction(to_user_id, to_account_id, moved.to_number, user_id),
		moved.message_id, moved.replayed, moved.refused, moved.refused_detail)::parley.posted_transfer;
END $$;
COMMENT ON FUNCTION parley.post_transfer(
		bigint, bigint, bigint, bigint, parley.paid_amount, parley.memo, bigint, parley.idempotency_key) IS
	'Moves an amount from an account of the user to any other of the same currency: two transactions of one commit. With '
	'conversation_id the user posts a receipt in it by the same commit (message_id). The balance of another user''s account is not '
	'shown. Not enough money and keys are as post_transaction has them; the key is the paying account''s. Errors: P0002 no such '
	'account, or no conversation with the user in it; PY409 closed; 22023 the same account twice, or two currencies; 22003 a balance would '
	'overflow; PY422 the key came with something else.';

CREATE FUNCTION parley.post_transactions(
	user_ids bigint[], account_ids bigint[], amounts bigint[], memos text[] DEFAULT NULL, idempotency_keys text[] DEFAULT NULL)
RETURNS SETOF parley.posted_transaction
LANGUAGE c SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_post_transactions';
COMMENT ON FUNCTION parley.post_transactions(bigint[], bigint[], bigint[], text[], text[]) IS
	'Posts many transactions by one commit: a row for each, in the order given, that says what post_transaction would have: the '
	'transaction, or refused and refused_detail, also for what post_transaction raises. One refused leaves the others alone. '
	'Errors: 22023 arrays of different lengths.';

CREATE FUNCTION parley.minor_digits(currency text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE
	WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF',
		'XOF', 'XPF') THEN 0
	WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
	WHEN currency IN ('CLF', 'UYW') THEN 4
	ELSE 2
END;
COMMENT ON FUNCTION parley.minor_digits(text) IS 'how many decimal digits the minor unit of a currency is, by ISO 4217';

CREATE FUNCTION parley.format_amount(amount bigint, currency text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN round(amount / 10::numeric ^ parley.minor_digits(currency), parley.minor_digits(currency))::text || ' ' || currency;
COMMENT ON FUNCTION parley.format_amount(bigint, text) IS 'an amount of minor units for people to read: 12.34 EUR';
-- ledger_audit: what always holds of the ledger, where it does not, and how it comes to after rows were loaded past ledger.c.

CREATE FUNCTION parley.true_expense_peaks() RETURNS SETOF parley.expense_peaks
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT DISTINCT ON (t.user_id, t.account_id, s.level, b.block) t.user_id, t.account_id, s.level, b.block, t.number, t.amount
	FROM parley.transactions t
		JOIN parley.accounts a ON a.user_id = t.user_id AND a.id = t.account_id
		CROSS JOIN LATERAL generate_series(1, (ln(greatest(a.last_number, 1)) / ln(64) + 0.001)::integer) AS s(level)
		CROSS JOIN LATERAL (SELECT (64::numeric ^ s.level)::bigint AS span) c
		CROSS JOIN LATERAL (SELECT (t.number - 1) / c.span + 1 AS block) b
	WHERE t.amount < 0 AND b.block * c.span <= a.last_number
	ORDER BY t.user_id, t.account_id, s.level, b.block, t.amount, t.number DESC;
END;
COMMENT ON FUNCTION parley.true_expense_peaks() IS 'What expense_peaks has to hold. Reads every transaction.';

CREATE FUNCTION parley.rebuild_ledger() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	repaired bigint;
BEGIN
	-- EXCLUSIVE, so that who is about to write, and has locked a row alone so far, is waited for too: they would deadlock.
	LOCK TABLE parley.accounts, parley.transactions, parley.expense_peaks IN EXCLUSIVE MODE;
	WITH truth AS (
		SELECT a.user_id, a.id, coalesce(max(t.number), 0) AS last_number, max(t.created_at) AS last_transaction_at,
			coalesce(sum(t.amount), 0) AS balance
		FROM parley.accounts a LEFT JOIN parley.transactions t ON t.user_id = a.user_id AND t.account_id = a.id
		GROUP BY a.user_id, a.id
	)
	UPDATE parley.accounts a
		SET last_number = t.last_number, last_transaction_at = t.last_transaction_at, balance = t.balance
		FROM truth t
		WHERE t.user_id = a.user_id AND t.id = a.id
			AND (a.last_number, a.last_transaction_at, a.balance) IS DISTINCT FROM (t.last_number, t.last_transaction_at, t.balance);
	GET DIAGNOSTICS repaired = ROW_COUNT;
	DELETE FROM parley.expense_peaks;
	INSERT INTO parley.expense_peaks SELECT * FROM parley.true_expense_peaks();
	RETURN repaired;
END $$;
COMMENT ON FUNCTION parley.rebuild_ledger() IS
	'Sets balance, last_number and last_transaction_at of every account, and all peaks, from the transactions, after rows were '
	'loaded past post_transaction; answers how many accounts it changed. Writers wait meanwhile.';

CREATE FUNCTION parley.audit_ledger(OUT rule text, OUT user_id bigint, OUT account_id bigint, OUT found text)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH lines AS (
		SELECT t.*, lag(t.balance, 1, 0::bigint) OVER w AS balance_before, lag(t.created_at) OVER w AS created_before
		FROM parley.transactions t
		WINDOW w AS (PARTITION BY t.user_id, t.account_id ORDER BY t.number)
	), truth AS (
		SELECT l.user_id, l.account_id, count(*) AS lines, min(l.number) AS first, max(l.number) AS last, sum(l.amount) AS total,
			max(l.created_at) AS last_at, min(l.balance) AS lowest,
			count(*) FILTER (WHERE l.balance_before::numeric + l.amount <> l.balance) AS wrong_balances,
			count(*) FILTER (WHERE l.created_at < l.created_before) AS out_of_time,
			count(*) FILTER (WHERE l.amount = 0) AS zeros
		FROM lines l GROUP BY l.user_id, l.account_id
	), facts AS (
		SELECT a.user_id, a.id AS account_id, a.balance, a.last_number, a.last_transaction_at, a.allow_negative, a.closed_at,
			coalesce(t.lines, 0) AS lines, coalesce(t.first, 1) AS first, coalesce(t.last, 0) AS last, coalesce(t.total, 0) AS total,
			t.last_at, coalesce(t.lowest, 0) AS lowest, coalesce(t.wrong_balances, 0) AS wrong_balances,
			coalesce(t.out_of_time, 0) AS out_of_time, coalesce(t.zeros, 0) AS zeros
		FROM parley.accounts a LEFT JOIN truth t ON t.user_id = a.user_id AND t.account_id = a.id
	)
	SELECT 'numbers run from 1 without a gap', f.user_id, f.account_id, format('%s lines numbered %s to %s', f.lines, f.first, f.last)
		FROM facts f WHERE f.first <> 1 OR f.last <> f.lines
	UNION ALL
	SELECT 'last_number is the last transaction''s', f.user_id, f.account_id, format('%s, not %s', f.last_number, f.last)
		FROM facts f WHERE f.last_number <> f.last
	UNION ALL
	SELECT 'last_transaction_at is the last transaction''s', f.user_id, f.account_id,
			format('%s, not %s', coalesce(f.last_transaction_at::text, 'null'), coalesce(f.last_at::text, 'null'))
		FROM facts f WHERE f.last_transaction_at IS DISTINCT FROM f.last_at
	UNION ALL
	SELECT 'the balance is the sum of the amounts', f.user_id, f.account_id, format('%s, not %s', f.balance, f.total)
		FROM facts f WHERE f.balance <> f.total
	UNION ALL
	SELECT 'a transaction''s balance is the one before and its amount', f.user_id, f.account_id, format('not of %s', f.wrong_balances)
		FROM facts f WHERE f.wrong_balances > 0
	UNION ALL
	SELECT 'time never goes back', f.user_id, f.account_id, format('before %s transactions', f.out_of_time)
		FROM facts f WHERE f.out_of_time > 0
	UNION ALL
	SELECT 'an amount is not 0', f.user_id, f.account_id, format('of %s transactions', f.zeros)
		FROM facts f WHERE f.zeros > 0
	UNION ALL
	SELECT 'a balance is never below 0, unless the account may', f.user_id, f.account_id, format('it was %s', f.lowest)
		FROM facts f WHERE f.lowest < 0 AND NOT f.allow_negative
	UNION ALL
	SELECT 'a closed account is empty', f.user_id, f.account_id, format('%s is in it', f.balance)
		FROM facts f WHERE f.closed_at IS NOT NULL AND f.balance <> 0
	UNION ALL
	SELECT 'a transaction has its account', t.user_id, t.account_id, format('%s without one', t.lines)
		FROM truth t WHERE NOT EXISTS (SELECT FROM parley.accounts a WHERE a.user_id = t.user_id AND a.id = t.account_id)
	UNION ALL
	SELECT 'an account''s user is a contact', a.user_id, a.id, 'there is none'
		FROM parley.accounts a WHERE NOT EXISTS (SELECT FROM parley.contacts c WHERE c.id = a.user_id)
	UNION ALL
	SELECT 'a key is used once in an account', k.user_id, k.account_id, format('%s, %s times', k.idempotency_key, count(*))
		FROM (
			SELECT t.user_id, t.account_id, t.idempotency_key FROM parley.transactions t WHERE t.idempotency_key IS NOT NULL
			UNION ALL
			SELECT r.user_id, r.account_id, r.idempotency_key FROM parley.refusals r
		) k
		GROUP BY k.user_id, k.account_id, k.idempotency_key HAVING count(*) > 1
	UNION ALL
	SELECT 'an account with refusals says so', r.user_id, r.account_id, format('it has %s', count(*))
		FROM parley.refusals r LEFT JOIN parley.accounts a ON a.user_id = r.user_id AND a.id = r.account_id
		WHERE a.has_refusals IS NOT TRUE GROUP BY r.user_id, r.account_id
	UNION ALL
	SELECT 'a transfer''s amounts sum to 0 in one currency', f.user_id, f.account_id,
			format('number %s: %s %s and %s %s', f.number, paid.amount, payer.currency, received.amount, receiver.currency)
		FROM parley.transfers f
		LEFT JOIN parley.transactions paid ON (paid.user_id, paid.account_id, paid.number) = (f.user_id, f.account_id, f.number)
		LEFT JOIN parley.transactions received
			ON (received.user_id, received.account_id, received.number) = (f.to_user_id, f.to_account_id, f.to_number)
		LEFT JOIN parley.accounts payer ON (payer.user_id, payer.id) = (f.user_id, f.account_id)
		LEFT JOIN parley.accounts receiver ON (receiver.user_id, receiver.id) = (f.to_user_id, f.to_account_id)
		WHERE (paid.amount::numeric + received.amount = 0 AND payer.currency = receiver.currency) IS NOT TRUE
	UNION ALL
	SELECT 'every full block has the peak of its transactions', coalesce(p.user_id, e.user_id), coalesce(p.account_id, e.account_id),
			format('level %s, block %s: number %s, not %s', coalesce(p.level, e.level), coalesce(p.block, e.block),
				coalesce(p.number::text, 'none'), coalesce(e.number::text, 'none'))
		FROM parley.expense_peaks p
		FULL JOIN parley.true_expense_peaks() e ON (e.user_id, e.account_id, e.level, e.block) = (p.user_id, p.account_id, p.level, p.block)
		WHERE p.number IS DISTINCT FROM e.number;
END;
COMMENT ON FUNCTION parley.audit_ledger() IS
	'The accounts that break a rule which always holds, and how; no row when all is well. Reads every transaction.';
-- How the gateway learns its routes: one row a route, with the statement to prepare and what each parameter must be.

CREATE FUNCTION parley.argument_bounds(domain oid) RETURNS jsonb
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT coalesce(jsonb_object_agg(bound.name, bound.value), '{}')
	FROM pg_constraint c,
		LATERAL (SELECT pg_get_constraintdef(c.oid) AS def) d,
		LATERAL (VALUES
			('minimum', to_jsonb((regexp_match(d.def, '\(VALUE >= ''?(-?\d+)'))[1]::bigint)),
			('maximum', to_jsonb((regexp_match(d.def, '\(VALUE <= ''?(-?\d+)'))[1]::bigint)),
			('min_length', to_jsonb((regexp_match(d.def, '\(char_length\(VALUE\) >= (\d+)\)'))[1]::bigint)),
			('max_length', to_jsonb((regexp_match(d.def, '\(char_length\(VALUE\) <= (\d+)\)'))[1]::bigint)),
			('one_of', (SELECT jsonb_agg(m[1]) FROM regexp_matches(
				(regexp_match(d.def, 'VALUE = (?:ANY )?(.*)'))[1], '''([^'']*)''::text', 'g') m)),
			-- Whether anything is left of the check without these.
			('more', to_jsonb(nullif(regexp_replace(d.def, '\(VALUE [<>]= (-?\d+|''-?\d+''::\w+)\)|\(char_length\(VALUE\) [<>]= \d+\)'
				'|\(VALUE = (''[^'']*''::text|ANY \(ARRAY\[[^]]*\]\))\)|^CHECK|AND|[() ]', '', 'g') <> '', false)))
		) AS bound(name, value)
	WHERE c.contypid = domain AND bound.value IS NOT NULL;
END;
COMMENT ON FUNCTION parley.argument_bounds(oid) IS
	'what a domain''s check asks of a value, as far as it is written in the plain shapes: minimum, maximum, min_length, max_length, '
	'one_of; more: true where that is not all that it asks';

CREATE FUNCTION parley.refused_values(names text[], types regtype[], given text[], OUT name text, OUT detail text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	type regtype;
	value text;
BEGIN
	FOR name, type, value IN SELECT * FROM unnest(names, types, given) LOOP
		BEGIN
			EXECUTE format('SELECT $1::%s', type) USING value;
		EXCEPTION
			WHEN data_exception THEN
				detail := SQLERRM;
				RETURN NEXT;
			WHEN integrity_constraint_violation THEN
				detail := coalesce(obj_description(type, 'pg_type'), 'is not acceptable');
				RETURN NEXT;
		END;
	END LOOP;
END $$;
COMMENT ON FUNCTION parley.refused_values(text[], regtype[], text[]) IS
	'those of some named values that their types do not take, and what is wrong with each: a statement ends at the first, and a request '
	'is told of all';

CREATE FUNCTION parley.describe_routes(
	OUT method text, OUT path text, OUT auth text, OUT status smallint, OUT function text, OUT returns_set boolean,
	OUT description text, OUT statement text, OUT parameters jsonb, OUT problem text)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT r.method, r.path, r.auth, r.status, r.function, p.proretset, obj_description(p.oid, 'pg_proc'),
		CASE WHEN p.oid IS NOT NULL THEN format('SELECT * FROM %s(%s)', p.oid::regproc, a.arguments) END, coalesce(a.parameters, '[]'),
		CASE WHEN p.oid IS NULL THEN (
			SELECT CASE count(*) WHEN 0 THEN 'there is no function ' ELSE 'there are several functions ' END || r.function
			FROM pg_proc f WHERE format('%I.%I', f.pronamespace::regnamespace, f.proname) = r.function) END
	FROM parley.routes r
	LEFT JOIN pg_proc p ON p.oid = to_regproc(r.function)
	CROSS JOIN LATERAL (
		SELECT string_agg(format(CASE WHEN i.fallback IS NULL OR i.fallback ~ '^NULL::' THEN '%I => $%s' ELSE '%I => coalesce($%s, %s)' END,
					i.name, i.position, i.fallback), ', ' ORDER BY i.position) AS arguments,
			jsonb_agg(jsonb_build_object(
					'name', i.name,
					'in', CASE WHEN r.path ~ ('\{' || i.name || '\}') THEN 'path' WHEN i.name = 'idempotency_key' THEN 'header'
						WHEN r.method IN ('POST', 'PUT') THEN 'body' ELSE 'query' END,
					'type', format_type(t.base, NULL),
					'type_oid', t.base::bigint,
					'required', i.fallback IS NULL,
					'default', CASE WHEN i.fallback !~ '^NULL::' THEN i.fallback END,
					'domain', CASE WHEN t.base <> i.type THEN i.type::regtype END,
					'description', CASE WHEN t.base <> i.type THEN obj_description(i.type, 'pg_type') END)
				|| parley.argument_bounds(i.type) ORDER BY i.position) AS parameters
		FROM (
			SELECT g.position, p.proargnames[g.n] AS name, p.proargtypes[g.position - 1] AS type,
				pg_get_function_arg_default(p.oid, g.n) AS fallback
			-- Output arguments may stand anywhere among those of input.
			FROM (SELECT n, row_number() OVER (ORDER BY n)::integer AS position
				FROM generate_series(1, cardinality(p.proargnames)) n WHERE coalesce(p.proargmodes[n], 'i') IN ('i', 'b', 'v')) g
		) i
		CROSS JOIN LATERAL (
			SELECT coalesce(nullif(d.typbasetype, 0::oid), d.oid) AS base FROM pg_type d WHERE d.oid = i.type
		) t
	) a
	ORDER BY r.path, r.method;
END;
COMMENT ON FUNCTION parley.describe_routes() IS
	'every route, with the statement that calls its function and the name, source, type and bounds of each parameter; problem: why there is '
	'no such statement, or null';

CREATE FUNCTION parley.add_route(method text, path text, function regproc, auth text, status smallint DEFAULT 200)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	qualified text := (SELECT format('%I.%I', n.nspname, p.proname)
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = function);
BEGIN
	INSERT INTO parley.routes (method, path, function, auth, status) VALUES (method, path, qualified, auth, status);
	EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_operator, parley_gateway', function::regprocedure);
END $$;
COMMENT ON FUNCTION parley.add_route(text, text, regproc, text, smallint) IS
	'adds an endpoint and lets the gateway call its function; running gateways have it at once';

CREATE FUNCTION parley.announce_routes() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	NOTIFY parley_routes;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION parley.announce_routes() IS
	'tells the running gateways to read the routes again, once a change of them has committed';

CREATE TRIGGER routes_are_announced AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON parley.routes
	FOR EACH STATEMENT EXECUTE FUNCTION parley.announce_routes();

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

-- Last of all: PUBLIC has nothing, the operator runs everything, the gateway what is a route.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA parley FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA parley FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA parley TO parley_operator;
GRANT SELECT ON parley.routes TO parley_operator, parley_gateway;
-- A domain is checked with the rights of whoever passes the value.
GRANT EXECUTE ON FUNCTION parley.describe_routes(), parley.argument_bounds(oid), parley.refused_values(text[], regtype[], text[]),
	parley.is_printable_ascii(text) TO parley_gateway;
DO $$
DECLARE
	route_function text;
BEGIN
	FOR route_function IN SELECT DISTINCT function FROM parley.routes LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_gateway', route_function::regproc::regprocedure);
	END LOOP;
END $$;
