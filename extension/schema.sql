-- schema: what all modules use.

CREATE FUNCTION parley.rfc3339(at timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (pg_catalog.to_json(at AT TIME ZONE 'UTC') #>> '{}') || 'Z';
COMMENT ON FUNCTION parley.rfc3339(timestamptz) IS 'returns a time as shown in JSON: RFC 3339, UTC, with Z';

CREATE FUNCTION parley.release_locks_early(locked_row bigint, contended boolean) RETURNS void
LANGUAGE c STRICT
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_release_locks_early';
COMMENT ON FUNCTION parley.release_locks_early(bigint, boolean) IS
	'Lets the transaction release its locks before its commit is on disk and confirmed by a synchronous standby, and wait for both '
	'before the client is told (extension/ledger/early_release.c). This happens only if it had to wait for the row itself '
	'(contended), if this session recently had to, or if someone waits for the row, and not if parley.early_release is off. '
	'locked_row is any number that is the same for the same row.';

CREATE FUNCTION parley.await_durable() RETURNS void
LANGUAGE c PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_await_durable';
COMMENT ON FUNCTION parley.await_durable() IS
	'Waits until everything that the caller has seen is on disk and, if there is a synchronous standby, confirmed by it. Functions '
	'that read what release_locks_early may show too early must call this before they return it.';

CREATE FUNCTION parley.require_new_id(id bigint, noun text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF id IS NULL THEN
		RAISE EXCEPTION 'the next % id is taken', noun USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = format('%ss were loaded without advancing the sequence. Set parley.%ss_id_seq to the largest id%s.', initcap(noun), noun,
				CASE WHEN noun IN ('conversation', 'application') THEN ' / 1024' END);
	END IF;
END $$;
COMMENT ON FUNCTION parley.require_new_id(bigint, text) IS
	'Fails with 55000 if id is null: the insert made no row because its id, and not its key, was taken.';
