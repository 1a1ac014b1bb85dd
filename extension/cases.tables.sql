-- cases: the operator's side of a conversation: open, snoozed or resolved, the assignee, labels.

CREATE DOMAIN parley.case_status AS text
	CHECK (VALUE IN ('open', 'snoozed', 'resolved'));
COMMENT ON DOMAIN parley.case_status IS 'open; snoozed: until a time, or until the contact writes; resolved: until the contact writes';

CREATE DOMAIN parley.label AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 50);
COMMENT ON DOMAIN parley.label IS 'a label of 1 to 50 characters';

CREATE FUNCTION parley.are_labels(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN pg_catalog.jsonb_typeof(value) = 'array' THEN
	pg_catalog.jsonb_array_length(value) <= 20
	AND NOT pg_catalog.jsonb_path_exists(value, '$[*] ? (@.type() != "string" || !(@ like_regex "^.{1,50}$" flag "s"))')
	ELSE value IS NULL END;
COMMENT ON FUNCTION parley.are_labels(jsonb) IS 'returns whether a value is an array of at most 20 labels';

CREATE DOMAIN parley.labels AS jsonb
	CHECK (parley.are_labels(VALUE));
COMMENT ON DOMAIN parley.labels IS 'an array of at most 20 labels, each of 1 to 50 characters';

-- assignee_id is a key of the other family (see docs/decisions.md), so there is no foreign key.
CREATE TABLE parley.cases (
	conversation_id bigint PRIMARY KEY REFERENCES parley.conversations DEFERRABLE,
	status parley.case_status NOT NULL DEFAULT 'open',
	snoozed_until timestamptz,
	assignee_id bigint,
	labels text[] NOT NULL DEFAULT '{}',
	CONSTRAINT cases_snoozed_until_a_time CHECK ((status = 'snoozed') = (snoozed_until IS NOT NULL))
);
COMMENT ON TABLE parley.cases IS
	'the operator''s side of a conversation; without a row, the conversation is open, unassigned and without labels';
COMMENT ON COLUMN parley.cases.assignee_id IS 'the agent to whom it is assigned; null if nobody';

-- For the lists' filters: what few cases have.
CREATE INDEX cases_settled ON parley.cases (status, snoozed_until) WHERE status <> 'open';
CREATE INDEX cases_assignee ON parley.cases (assignee_id) WHERE assignee_id IS NOT NULL;
CREATE INDEX cases_labels ON parley.cases USING gin (labels);

CREATE TYPE parley.case_state AS (
	conversation_id bigint, status text, snoozed_until timestamptz, assignee_id bigint, labels text[]
);
COMMENT ON TYPE parley.case_state IS 'a case, as every function and the API show it';

SELECT pg_extension_config_dump('parley.cases', '');
