-- grams: a text and a term, without an index.

CREATE FUNCTION parley.contains(content text, term text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'parley_contains';
COMMENT ON FUNCTION parley.contains(text, text) IS
	'what content ILIKE ''%term%'' says with no character of the term special, in a fraction of its time';
