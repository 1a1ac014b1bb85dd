-- erasures: records that contacts were erased, which is all that is kept of them.

CREATE TABLE parley.erasures (
	contact_id bigint PRIMARY KEY,
	erased_at timestamptz NOT NULL DEFAULT now(),
	caller_id bigint,
	fields text[] NOT NULL,
	messages bigint NOT NULL,
	idempotency_hashes bigint NOT NULL,
	account_names bigint NOT NULL,
	log_position pg_lsn NOT NULL DEFAULT pg_current_wal_insert_lsn(),
	index_files oid[] NOT NULL
);
COMMENT ON TABLE parley.erasures IS 'one row per contact that was erased: what, how much, when, by whom';
COMMENT ON COLUMN parley.erasures.caller_id IS 'the subject of the token that requested it; null if there was none';
COMMENT ON COLUMN parley.erasures.fields IS 'which of name, phone, email and attributes were set';
COMMENT ON COLUMN parley.erasures.messages IS 'the number of messages that became tombstones';
COMMENT ON COLUMN parley.erasures.log_position IS 'the position in the WAL; earlier WAL may contain the texts';
COMMENT ON COLUMN parley.erasures.index_files IS
	'the files of the indexes of grams at that time; if they are different now, the indexes were rebuilt';

CREATE TYPE parley.erasure AS (
	contact_id bigint, erased_at timestamptz, caller_id bigint, fields text[], messages bigint, idempotency_hashes bigint, account_names bigint
);
COMMENT ON TYPE parley.erasure IS 'the receipt of an erasure';

SELECT pg_extension_config_dump('parley.erasures', '');
