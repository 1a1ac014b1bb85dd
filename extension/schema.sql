-- schema: what every module may use.

CREATE FUNCTION parley.rfc3339(at timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (pg_catalog.to_json(at AT TIME ZONE 'UTC') #>> '{}') || 'Z';
COMMENT ON FUNCTION parley.rfc3339(timestamptz) IS 'a time as JSON shows it: RFC 3339, UTC, with Z';
