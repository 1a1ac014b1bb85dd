-- contact_list: exact matches come first, then similar names, page by page.
\set VERBOSITY terse
BEGIN;
DELETE FROM parley.contacts;
INSERT INTO parley.contacts (id, name, phone, email) VALUES
	(1, 'Maria Gonzalez', '+1 (555) 010-0777', NULL), (2, 'Mariah Gonzales', NULL, NULL), (3, 'John Smith', NULL, 'John@Example.org'),
	(4, 'Gonzalez Maria', NULL, NULL), (5, '100% Wool_co', NULL, NULL), (6, NULL, '0044 20 7946 0000', NULL), (7, 'Jon Smyth', NULL, NULL);
CREATE FUNCTION pg_temp.found(term text) RETURNS TABLE (id bigint, name text, similarity text) LANGUAGE sql AS $$
	SELECT id, name, round(similarity::numeric, 2)::text FROM parley.list_contacts(term) $$;

-- a_match_comes_before_similar_names
SELECT * FROM pg_temp.found('maria gonzalez');
SELECT * FROM pg_temp.found('Jon Smith');
SELECT * FROM pg_temp.found('gonza');
-- letters_that_changed_places_are_found_where_there_is_nothing_better
SELECT * FROM pg_temp.found('Jhon Smtih');
SELECT f.id FROM parley.list_contacts('Jhon Smtih', 1) p, parley.list_contacts('Jhon Smtih', 200, p.next_cursor) f;
SELECT id FROM pg_temp.found('qqq');
-- only_terms_of_up_to_100_characters_have_similar_names: more trigrams take too long
INSERT INTO parley.contacts (id, name) VALUES (8, repeat('ab cd ', 17) || 'Ltd');
SELECT length(t), (SELECT array_agg(id) FROM pg_temp.found(t)) FROM unnest(ARRAY[repeat('ab cd ', 16) || 'Lmtd', repeat('ab cd ', 17) || 'Lmtd']) t;
DELETE FROM parley.contacts WHERE id = 8;
-- phones_are_found_by_their_digits_and_emails_whole
SELECT id FROM pg_temp.found('555 0100');
SELECT id FROM pg_temp.found('+44 20 79');
SELECT id FROM pg_temp.found('0044');
SELECT id FROM pg_temp.found('john@example.ORG');
-- no_character_is_special
SELECT id FROM pg_temp.found('%');
SELECT id FROM pg_temp.found('l_c');
SELECT id FROM pg_temp.found('\');
-- without_a_term_all_are_listed
SELECT array_agg(id) FROM pg_temp.found('');
SELECT array_agg(id) FROM pg_temp.found(NULL);

-- the_pages_together_are_the_whole_list
INSERT INTO parley.contacts (id, name) SELECT n, 'Anna ' || chr(65 + n % 26) || chr(97 + n % 7) || repeat(chr(97 + n % 11), n % 5) FROM generate_series(100, 3099) n;
CREATE FUNCTION pg_temp.pages(term text, size integer) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
	place text;
	found record;
BEGIN
	LOOP
		FOR found IN SELECT * FROM parley.list_contacts(term, size, place) WITH ORDINALITY LOOP
			RETURN NEXT found.id;
		END LOOP;
		EXIT WHEN found IS NULL OR found.next_cursor IS NULL;
		place := found.next_cursor;
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.whole(term text) RETURNS SETOF bigint LANGUAGE sql AS $$
	SELECT id FROM (
		SELECT c.id, coalesce(c.name ILIKE '%' || term || '%', false) AS exact, CASE WHEN c.name ILIKE '%' || term || '%' THEN 1 ELSE public.similarity(name, term) END AS similarity
		FROM parley.contacts c) s
	WHERE exact OR similarity >= 0.3 ORDER BY exact DESC, similarity DESC, id $$;
SELECT term, size, count(*) > 0 AS found_some, array_agg(p ORDER BY n) = (SELECT array_agg(w) FROM pg_temp.whole(term) w) AS same
	FROM unnest(ARRAY['anna', 'ana', 'anna q', 'Anna Bbb', 'gonzalez']) term, unnest(ARRAY[29, 200]) size, pg_temp.pages(term, size) WITH ORDINALITY AS r(p, n)
	GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM pg_temp.pages('', 200);

-- a_cursor_for_another_term_is_refused
\set ON_ERROR_ROLLBACK on
SELECT next_cursor AS "cursor" FROM parley.list_contacts('anna', 1) \gset
SELECT count(*) FROM parley.list_contacts('anna', 1, :'cursor');
SELECT count(*) FROM parley.list_contacts('ann', 1, :'cursor');
SELECT count(*) FROM parley.list_contacts('anna', 1, 'x');
-- and_so_is_one_with_a_similarity_that_no_page_has
SELECT count(*) FROM parley.list_contacts('anna', 1, md5('anna') || '_9e-99_1');
SELECT count(*) FROM parley.list_contacts('anna', 1, md5('anna') || '_0.0000000001_1');
ROLLBACK;
