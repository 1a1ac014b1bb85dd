-- contact_list: contacts that match a term, and those with similar names, to allow for typing errors.

CREATE FUNCTION parley.list_contacts(
	"searchValue" parley.search_term DEFAULT NULL, "limit" parley.page_limit DEFAULT 50, cursor text DEFAULT NULL)
RETURNS SETOF parley.listed_contact
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1
SET standard_conforming_strings = on
SET pg_trgm.similarity_threshold = 0.3
SET pg_trgm.word_similarity_threshold = 0.2
AS $$
DECLARE
	term text := coalesce("searchValue", '');
	-- Look at this many contacts one by one before asking the index of grams: if the term is common, they fill the page. Long
	-- terms are in so few names that the index finds all of them sooner.
	walk_length constant integer := CASE WHEN length(term) > 3 THEN 200 ELSE 2000 END;
	is_phone constant boolean := term ~ '^[-+().0-9/ ]+$';
	digits text := CASE WHEN is_phone THEN nullif(parley.phone_digits(term), '') END;
	pattern text := '%' || regexp_replace(term, '([\\%_])', '\\\1', 'g') || '%';
	-- Hash of the term, then the last row's similarity (null during exact matches) and id.
	place text[] := regexp_match(cursor, '^([0-9a-f]{32})_(|1|0[.][0-9]{1,9})_([0-9]{1,18})$');
	-- Do not look in phones for what cannot be part of a phone, or in emails for what can.
	matches constant text := CASE WHEN term = '' THEN 'true' WHEN is_phone THEN '(c.name ILIKE $1 OR c.phone ILIKE $1 OR c.phone_digits LIKE ''%'' || $2 || ''%'')'
		ELSE '(c.name ILIKE $1 OR lower(c.email) = lower($3))' END;
	candidates constant text := CASE WHEN is_phone THEN '(c.name OPERATOR(parley.@~) $6 OR c.phone OPERATOR(parley.@~) $6 OR c.phone_digits OPERATOR(parley.@~) $7)'
		ELSE '(c.name OPERATOR(parley.@~) $6 OR lower(c.email) = lower($3))' END;
	columns constant text := 'SELECT array_agg(ROW(f.id, f.name, f.phone, f.email, f.created_at, f.attributes, f.similarity, NULL)::parley.listed_contact'
		' ORDER BY f.similarity DESC, f.id) FROM (';
	found_contacts parley.listed_contact[] := '{}';
	similar_contacts parley.listed_contact[];
	wanted integer := "limit" + 1;
	threshold real;
	trigrams constant regnamespace := (SELECT e.extnamespace FROM pg_extension e WHERE e.extname = 'pg_trgm');
BEGIN
	IF cursor IS NOT NULL AND (place IS NULL OR place[1] <> md5(term)) THEN
		RAISE EXCEPTION 'invalid cursor' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'cursor';
	END IF;
	-- EXECUTE, because each term may need another plan.
	IF coalesce(place[2], '') = '' THEN
		EXECUTE columns || 'SELECT c.*, 1::real AS similarity FROM (SELECT * FROM parley.contacts
				WHERE id > $4 AND merged_into_id IS NULL AND erased_at IS NULL ORDER BY id LIMIT $6) c WHERE '
				|| matches || ' ORDER BY c.id LIMIT $5) f'
			INTO found_contacts USING pattern, digits, term, coalesce(place[3]::bigint, 0), wanted, CASE WHEN term = '' THEN wanted ELSE walk_length END;
		IF coalesce(cardinality(found_contacts), 0) < wanted AND term <> '' THEN
			EXECUTE columns || 'SELECT c.*, 1::real AS similarity FROM parley.contacts c WHERE ' || candidates
					|| ' AND c.id > $4 AND ' || matches || ' ORDER BY c.id LIMIT $5) f'
				INTO found_contacts USING pattern, digits, term, coalesce(place[3]::bigint, 0), wanted,
					parley.term_clues(term), parley.term_clues(digits);
		END IF;
		found_contacts := coalesce(found_contacts, '{}');
	END IF;
	FOREACH threshold IN ARRAY ARRAY[0.3, 0.15] LOOP
		-- A longer text is no misspelt name, and comparing its many trigrams would take seconds.
		EXIT WHEN cardinality(found_contacts) >= wanted OR term = '' OR length(term) > 100;
		PERFORM set_config('pg_trgm.similarity_threshold', threshold::text, true);
		EXECUTE columns || format(
				'SELECT * FROM (SELECT c.*, %1$s.similarity(c.name, $3) AS similarity FROM parley.contacts c
					WHERE c.name OPERATOR(%1$s.%%) $3::text %3$s AND %2$s IS NOT TRUE) s
				WHERE (s.similarity, -s.id) < ($4, -$5) ORDER BY s.similarity DESC, s.id LIMIT $6) f',
				trigrams, matches,
				-- So low a similarity is many names': each word has to be like one of the name's.
				CASE WHEN threshold < 0.3 THEN (SELECT string_agg(format('AND c.name OPERATOR(%s.%%>) %L::text', trigrams, w[1]), ' ')
					FROM regexp_matches(term, '[[:alnum:]]+', 'g') w) END)
			INTO similar_contacts USING pattern, digits, term, coalesce(nullif(place[2], '')::real, 'infinity'),
				CASE WHEN place[2] <> '' THEN place[3]::bigint ELSE 0 END, wanted - cardinality(found_contacts);
		found_contacts := found_contacts || coalesce(similar_contacts, '{}');
		-- Less similar names are only used if there are no better ones, and for the pages that follow.
		EXIT WHEN cardinality(found_contacts) > 0 OR cursor IS NOT NULL AND coalesce(nullif(place[2], '')::real >= threshold, true);
	END LOOP;
	RETURN QUERY
	SELECT f.id, f.name, f.phone, f.email, f.created_at, f.attributes, f.similarity,
		-- A name with the same words in another order is not a match, although its similarity is 1 too.
		CASE WHEN f.n = "limit" AND cardinality(found_contacts) > f.n
			THEN format('%s_%s_%s', md5(term), CASE WHEN f.n > cardinality(found_contacts) - coalesce(cardinality(similar_contacts), 0) THEN f.similarity END, f.id) END
	FROM unnest(found_contacts) WITH ORDINALITY AS f(id, name, phone, email, created_at, attributes, similarity, next_cursor, n)
	WHERE f.n <= "limit"
	ORDER BY f.n;
END $$;
COMMENT ON FUNCTION parley.list_contacts(parley.search_term, parley.page_limit, text) IS
	'Returns contacts by id. With searchValue, returns first those whose name or phone contains it, or whose email it is '
	'(similarity 1), by id; then those whose names are similar according to their trigrams, the most similar first: 0.3 and more '
	'or, if there are none, 0.15 and more with a word that is like each of the term''s words. A term of more than 100 characters has no '
	'similar names. Errors: 22023 the cursor is invalid or for another term.';

-- Many contacts at once.

CREATE FUNCTION parley.create_contacts(
	names text[], phones text[], emails text[], OUT n integer, OUT id bigint, OUT created boolean, OUT refused text, OUT detail text)
RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given record;
	violated_domain text;
BEGIN
	IF greatest(cardinality(names), cardinality(phones), cardinality(emails)) > 10000 THEN
		RAISE EXCEPTION 'no more than 10,000 contacts at once' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	FOR given IN SELECT * FROM unnest(names, phones, emails) WITH ORDINALITY AS g(name, phone, email, place) LOOP
		n := given.place;
		created := false;
		refused := NULL;
		detail := NULL;
		-- Looking for existing contacts first saves a subtransaction.
		SELECT c.id INTO id FROM parley.contacts c
			WHERE c.phone_digits = parley.phone_digits(given.phone) OR lower(c.email) = lower(given.email) ORDER BY c.id LIMIT 1;
		IF id IS NULL THEN
			BEGIN
				id := (parley.create_contact(given.name, given.phone, given.email)).id;
				created := true;
			EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
				GET STACKED DIAGNOSTICS refused = RETURNED_SQLSTATE, detail = MESSAGE_TEXT, violated_domain = PG_DATATYPE_NAME;
				detail := coalesce(obj_description(to_regtype('parley.' || nullif(violated_domain, '')), 'pg_type'), detail);
			END;
		END IF;
		RETURN NEXT;
	END LOOP;
END $$;
COMMENT ON FUNCTION parley.create_contacts(text[], text[], text[]) IS
	'Creates up to 10,000 contacts from arrays of names, phones and emails. Returns a row for each, in order: its id and that it '
	'was created; or the id of the contact who has the phone or email already; or the SQLSTATE and the reason for which it was '
	'refused. Errors: 22023 too many.';

CREATE VIEW parley.contact_import AS
	SELECT NULL::text AS name, NULL::text AS phone, NULL::text AS email, NULL::jsonb AS attributes WHERE false;
COMMENT ON VIEW parley.contact_import IS 'rows inserted here, for example by COPY, become contacts; existing contacts do not change';

CREATE FUNCTION parley.import_contact() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM parley.contacts c
			WHERE c.phone_digits = parley.phone_digits(NEW.phone) OR lower(c.email) = lower(NEW.email)) THEN
		RETURN NULL;
	END IF;
	PERFORM parley.create_contact(NEW.name, NEW.phone, NEW.email, NEW.attributes);
	RETURN NEW;
END $$;
COMMENT ON FUNCTION parley.import_contact() IS
	'Trigger of contact_import: creates a contact, unless someone has the phone or email already. Errors: as create_contact.';

CREATE TRIGGER contact_import_creates INSTEAD OF INSERT ON parley.contact_import
	FOR EACH ROW EXECUTE FUNCTION parley.import_contact();
