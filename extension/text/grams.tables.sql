-- grams: the operator class with which GIN finds any part of a text, from one character up, in any script.

CREATE FUNCTION parley.term_clues(term text) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'parley_term_clues';
COMMENT ON FUNCTION parley.term_clues(text) IS 'returns a query for parley.gram_ops that finds the texts that may contain the term';

CREATE FUNCTION parley.has_clues(content text, clues bytea) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'parley_has_clues';
COMMENT ON FUNCTION parley.has_clues(text, bytea) IS 'returns whether a text may contain the term with these clues; never false if it does';

CREATE OPERATOR parley.@~ (
	FUNCTION = parley.has_clues, LEFTARG = text, RIGHTARG = bytea, RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR parley.@~ (text, bytea) IS 'may contain the term with these clues';

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

COMMENT ON FUNCTION parley.gram_extract_value(text, internal) IS 'returns the keys of a text; for GIN only';
COMMENT ON FUNCTION parley.gram_extract_query(bytea, internal, int2, internal, internal, internal, internal) IS
	'returns the keys of a query; for GIN only';
COMMENT ON FUNCTION parley.gram_compare_partial(int8, int8, int2, internal) IS 'compares a key with a range of a query; for GIN only';
COMMENT ON FUNCTION parley.gram_consistent(internal, int2, bytea, integer, internal, internal, internal) IS
	'returns whether a text with these keys may match a query; for GIN only';
COMMENT ON OPERATOR CLASS parley.gram_ops USING gin IS 'finds any part of a text, from one character up, in any script';
