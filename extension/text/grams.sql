-- grams: matching a text with a term, without an index.

CREATE FUNCTION parley.contains(content text, term text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'parley_contains';
COMMENT ON FUNCTION parley.contains(text, text) IS
	'returns the same as content ILIKE ''%term%'' with no special characters in the term, in a fraction of the time';
