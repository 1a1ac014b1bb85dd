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
	'Has the transaction let go of its locks before its commit is on disk and confirmed by a synchronous standby, and wait for both '
	'before anyone is told (extension/ledger/early_release.c; not where parley.early_release is off): if it had to wait for the row itself (contended), this session did lately, or somebody waits for it. '
	'locked_row is any number that is the same for the same row.';

CREATE FUNCTION parley.await_durable() RETURNS void
LANGUAGE c PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_await_durable';
COMMENT ON FUNCTION parley.await_durable() IS
	'Returns when all that the caller has seen is on disk, and confirmed by a synchronous standby where there is one. Who reads what release_locks_early lets be seen, and tells somebody of it, calls '
	'this in between.';
