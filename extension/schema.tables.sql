-- schema: the roles, and the types whose rules are enforced wherever their values are stored or passed.

\echo Use "CREATE EXTENSION parley CASCADE" to load this file. \quit

-- A superuser runs this. Otherwise PostgreSQL would also look up names in pg_trgm's schema, where others may have put functions
-- that match better.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL quote_all_identifiers = off;
-- It is too late to change the setting here, because the whole script has been read.
DO $$
BEGIN
	IF current_setting('standard_conforming_strings') <> 'on' THEN
		RAISE EXCEPTION 'standard_conforming_strings is off' USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'SET standard_conforming_strings = on, and try again.';
	END IF;
END $$;

-- Roles belong to the cluster, not to the database, so another database's parley may have created them already.
DO $$
DECLARE
	role_name text;
BEGIN
	FOREACH role_name IN ARRAY ARRAY['parley_owner', 'parley_operator', 'parley_gateway'] LOOP
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
		EXCEPTION WHEN duplicate_object OR unique_violation THEN
			NULL;
		END;
	END LOOP;
END $$;

-- Created here and not by the control file, so that it belongs to the extension and is dropped with it.
CREATE SCHEMA parley;
REVOKE ALL ON SCHEMA parley FROM PUBLIC;
GRANT USAGE ON SCHEMA parley TO parley_operator, parley_gateway;

-- PostgreSQL enforces a domain's check. parley.describe_routes() also reads its bounds and its comment, so that the gateway can
-- report all wrong fields at once. Therefore bounds are written only in the few forms that that function understands.
CREATE DOMAIN parley.person_name AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 200);
COMMENT ON DOMAIN parley.person_name IS 'a name of 1 to 200 characters';

-- A phone as people type it, or paste it from a page or an address book. clean_phone() converts it to plain characters.
CREATE DOMAIN parley.phone_number AS text
	CHECK (VALUE ~* '^ *(tel:)?[+0-9 ()./\u00a0\u2000-\u2015\u202a-\u202f\u205f-\u2069\u2212\u3000\ufeff-]{1,50}$'
		AND VALUE !~ '[0-9].*\+' AND char_length(regexp_replace(VALUE, '[^0-9]', '', 'g')) BETWEEN 7 AND 15);
COMMENT ON DOMAIN parley.phone_number IS
	'a phone number of 7 to 15 digits, as it is typed or pasted: with blanks of any kind, ( ) . / -, a leading + and tel:';

CREATE DOMAIN parley.email_address AS text
	CHECK (char_length(VALUE) BETWEEN 3 AND 254 AND VALUE ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$');
COMMENT ON DOMAIN parley.email_address IS 'an email address of at most 254 characters';

CREATE DOMAIN parley.message_content AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 10000);
COMMENT ON DOMAIN parley.message_content IS 'text of 1 to 10,000 characters, any Unicode but NUL';

-- In C, because every post has a key, and the regular expression costs as much as an index.
CREATE FUNCTION parley.is_printable_ascii(value text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'parley_is_printable_ascii';
COMMENT ON FUNCTION parley.is_printable_ascii(text) IS 'returns whether a text consists only of the characters from blank to ~';

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
