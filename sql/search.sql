-- search: what a term matches, whose conversations are listed, and how a search chooses its method.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT id AS ana FROM parley.create_contact('Ana Search', '+1 (719) 555-0001') \gset
SELECT id AS bob FROM parley.create_contact('Bob Sürch', '719-555-0002') \gset
SELECT id AS eve FROM parley.create_contact(NULL, NULL, 'eve@search.example') \gset
SELECT id AS with_ana FROM parley.open_contact_conversation(:ana) \gset
SELECT id AS with_eve FROM parley.open_contact_conversation(:eve) \gset
SELECT id AS between FROM parley.open_direct_conversation(:ana, :bob) \gset
CREATE FUNCTION found(term text) RETURNS TABLE (message_id bigint, content text, name text) LANGUAGE sql AS
	$$ SELECT message_id, left(content, 30), name FROM parley.recent_conversations(term) 
		WHERE name ~ 'S(ea|ü)rch$' OR contact_id = (SELECT id FROM parley.contacts WHERE email = 'eve@search.example') $$;
\o /dev/null
SELECT parley.post_message(:with_ana, E'Quokkas\tgrin: 100%_sure \\ (really)');
SELECT parley.post_message(:with_ana, 'Straße in İstanbul, ΟΔΟΣ, 你好世界 🙂🦘');
SELECT parley.post_message(:with_eve, 'a quokka''s  grin');
SELECT parley.post_message(:between, 'no marsupial here', :bob);
\o

-- any_part_of_a_text_in_any_case_no_character_special
SELECT term, f.message_id, f.content FROM unnest(ARRAY['QUOKKA', 'okka', 's  g', E's\tgr', '100%', '100%_', '_s', '%s', '\', ' \ ', '(r',
	'%re', '___', '好世', '世', '🦘', '🙂🦘', 'ße i', 'strasse', 'οδος', 'οδοσ', 'i̇stanbul', 'istanbul', '  ', '    ']) term
	LEFT JOIN LATERAL found(term) f ON true;

-- a_match_is_where_it_is_in_the_content_in_characters, also where one folds to more or fewer bytes; null where it is the contact's
SELECT term, match_start, match_length, substr(content, match_start, match_length) AS match
	FROM unnest(ARRAY['QUOKKA', 'okkas'||chr(9)||'g', 'straß', 'istanbul', 'οδοσ', '世界 ', '🦘', 'ana sea', '71955500']) term
		CROSS JOIN LATERAL parley.recent_conversations(term) WHERE name = 'Ana Search' AND kind = 'contact';
INSERT INTO parley.messages (conversation_id, number, content) SELECT :with_eve, last_number + 1, 'İẞ'||U&'\212A'||'ÅÅ Needle' FROM parley.conversations WHERE id = :with_eve;
SELECT match_start, match_length, substr(content, match_start, match_length) AS match FROM parley.recent_conversations('k'||'åå nEED');
DELETE FROM parley.messages WHERE conversation_id = :with_eve AND content LIKE '%Needle';

-- a_contact_is_found_by_name_phone_and_its_digits_and_shows_its_newest_message
SELECT f.* FROM found('ana sea') f;
SELECT f.* FROM found('SÜR') f;
SELECT f.* FROM found('(719) 555-00') f;
SELECT f.* FROM found('71955500') f;
SELECT f.* FROM found('555-0002') f;
-- … however_it_is_written, but_not_by_a_term_without_digits_or_with_other_characters
SELECT term, f.name FROM unnest(ARRAY['+17195550001', '1-719-555-0001', '(719)5550002', '719/555.0002', ' 55500 02 ', '+1 (719)', '+()', '719x', '7195550001 Ana']) term
	LEFT JOIN LATERAL found(term) f ON true;

-- a_term_has_no_more_clues_than_it_can
SELECT parley.has_clues('quokka', string_agg(parley.term_clues('quo'), '')) FROM generate_series(1, 64);
SELECT parley.has_clues('quokka', string_agg(parley.term_clues('quo'), '')) FROM generate_series(1, 65);

-- the_newest_match_is_shown_not_the_newest_message
SELECT f.* FROM found('quokka') f;
-- a_deleted_message_is_not_found, an_edited_one_by_its_new_content
SELECT deleted_at IS NOT NULL AS deleted FROM parley.change_message(:with_eve, 1, NULL, NULL);
SELECT content FROM parley.edit_message(:with_ana, 1, 'wombats frown');
SELECT f.* FROM found('quokka') f;
SELECT f.* FROM found('WOMBATS') f;

-- a_users_list_has_the_other_side_and_counts_unread_messages
SELECT message_id, content, contact_id = :bob AS is_bob, name, kind, unread FROM parley.list_user_conversations(:ana);
SELECT message_id, content, contact_id = :ana AS is_ana, name, unread FROM parley.list_user_conversations(:bob);
SELECT message_id, name FROM parley.list_user_conversations(:ana, 'bob');
SELECT message_id, name FROM parley.list_user_conversations(:bob, 'bob');
SELECT message_id, name FROM parley.list_user_conversations(:eve, 'marsupial');
SELECT conversation_id IS NULL AS no_row, total_count FROM parley.list_user_conversations(:eve, 'marsupial', count => 'exact');
SELECT parley.list_user_conversations(-1);
SELECT parley.list_user_conversations(NULL);

-- a_cursor_continues_where_the_page_ended
SELECT next_cursor AS next FROM parley.list_user_conversations(:ana, "limit" => 1) \gset
SELECT message_id, next_cursor FROM parley.list_user_conversations(:ana, "limit" => 1, cursor => :'next');
SELECT parley.recent_conversations('x', cursor => 'nonsense');
SELECT parley.recent_conversations('x', page => 2, cursor => :'next');
-- a_cursor_is_valid_for_one_list, that of its user and term; cursors of parley 1.0 did not say which
SELECT message_id FROM parley.list_user_conversations(:bob, "limit" => 1, cursor => :'next');
SELECT message_id FROM parley.list_user_conversations(:ana, 'x', "limit" => 1, cursor => :'next');
SELECT message_id FROM parley.recent_conversations(page_size => 1, cursor => :'next');
SELECT message_id FROM parley.list_user_conversations(:ana, "limit" => 1, cursor => left(:'next', 32));
SELECT message_id FROM parley.list_user_conversations(:ana, "limit" => 1, cursor => left(:'next', 39));

-- the_index_finds_every_part_of_a_text: GIN by itself
CREATE TABLE texts (id integer, content text);
INSERT INTO texts SELECT i, v FROM unnest(ARRAY['', ' ', '  ', 'a', 'ab', 'abc', 'abcd ef', 'ab c', ' ab', 'ab ', 'a  b', 'ça va', '你好', '你', E'x\ny', 'q🙂', '%_\', 'ABC DEF',
	'ab cd ef', 'zab cdz', 'abcdefgh ijklmnop', 'a b c d']) WITH ORDINALITY u(v, i);
CREATE INDEX texts_grams ON texts USING gin (content parley.gram_ops) WITH (fastupdate = off);
SET enable_seqscan = off;
SELECT a.content AS term, b.content AS missed
	FROM texts a, LATERAL (SELECT DISTINCT substr(a.content, i, n) AS term FROM generate_series(1, 9) i, generate_series(1, 9) n) t, texts b
	WHERE b.content ILIKE '%' || regexp_replace(t.term, '([%_\\])', '\\\1', 'g') || '%'
		AND b.id NOT IN (SELECT c.id FROM texts c WHERE c.content OPERATOR(parley.@~) parley.term_clues(t.term));
SELECT id, content FROM texts WHERE content OPERATOR(parley.@~) parley.term_clues('b c') ORDER BY id;
SELECT id FROM texts WHERE content OPERATOR(parley.@~) 'nonsense'::bytea;
RESET enable_seqscan;
DROP TABLE texts;

-- a_text_contains_a_term_if_ilike_says_so
SELECT c, t, parley.contains(c, t) FROM unnest(ARRAY['', 'abc', 'ÀÉÎ straße', '50% off', 'İi', 'a_b\c', repeat('long ', 3000) || 'Needle']) c,
	unnest(ARRAY['', 'B', 'éî S', '%', 'i', '_', '\', 'g nEEDLE']) t
	WHERE parley.contains(c, t) IS DISTINCT FROM (c ILIKE '%' || regexp_replace(t, '([%_\\])', '\\\1', 'g') || '%');

-- the_method_depends_on_how_frequent_a_term_is
CREATE TABLE many AS SELECT i AS n, nextval('parley.contacts_id_seq') AS id FROM generate_series(1, 300) i;
INSERT INTO parley.contacts (id, name) SELECT id, 'Numbat ' || n FROM many;
INSERT INTO parley.conversations (kind, contact_id) SELECT 'contact', id FROM many;
-- Remove the free space that other tests left, so that the blocks are in the order of time.
VACUUM FULL parley.messages;
INSERT INTO parley.messages (conversation_id, number, created_at, content)
	SELECT c.id, g, now() + (g * 300 + m.n) * interval '1 millisecond',
		'bandicoot ' || CASE WHEN g = 1 AND m.n <= 40 THEN 'platypus' WHEN g % 5 = 1 THEN 'echidna' ELSE 'potoroo' END || repeat(' fur', 20)
	FROM many m JOIN parley.conversations c ON c.contact_id = m.id, generate_series(1, 20) g ORDER BY g, m.n;
INSERT INTO parley.members (conversation_id, contact_id) SELECT c.id, m.id FROM many m JOIN parley.conversations c ON c.contact_id = m.id;
\o /dev/null
SELECT parley.rebuild_conversations();
\o
VACUUM ANALYZE parley.messages, parley.contacts, parley.conversations;
-- a_list_reads_only_the_messages_that_it_shows, even if there are so few that the planner would rather join all of them
BEGIN;
DELETE FROM pg_statistic WHERE starelid = 'parley.conversations'::regclass;
SELECT pg_stat_get_xact_numscans('parley.messages'::regclass) AS scans \gset
SELECT count(*) > 30 AS many, bool_and(message_id IS NOT NULL) AS whole FROM parley.recent_conversations();
SELECT pg_stat_get_xact_numscans('parley.messages'::regclass) - :scans AS scans_of_all_messages;
ROLLBACK;

CREATE FUNCTION ways(term text, page integer DEFAULT 1, size integer DEFAULT 20, who bigint DEFAULT NULL)
RETURNS TABLE (messages text, contacts text) LANGUAGE sql AS $$
	SELECT max(path) FILTER (WHERE stream = 'messages'), max(path) FILTER (WHERE stream = 'contacts')
	FROM parley.explain_search(term, page, size, NULL, NULL, who) $$;
SELECT 'everywhere' AS term, * FROM ways('bandicoot')
	UNION ALL SELECT 'rare and old', * FROM ways('platypus')
	UNION ALL SELECT 'absent', * FROM ways('zzqqx')
	UNION ALL SELECT 'absent phrase', * FROM ways('potoroo bandicoot')
	UNION ALL SELECT 'a letter', messages, split_part(contacts, ',', 1) FROM ways('o')
	UNION ALL SELECT 'a common name', * FROM ways('numbat')
	UNION ALL SELECT 'a user''s', * FROM ways('bandicoot', who => (SELECT id FROM many WHERE n = 1))
	UNION ALL SELECT 'no term', * FROM ways('');
-- a_walk_that_finds_too_little_switches_to_the_index
SET parley.search_walk_budget = 30;
SELECT 'a letter, absent' AS term, * FROM ways('v', size => 1);
RESET parley.search_walk_budget;

-- a_walk_ends_with_the_page
SELECT walked < 60 AS short FROM parley.explain_search('bandicoot', page_size => 20) WHERE stream = 'messages';
-- … and_both_methods_find_the_same
SET parley.search_method = 'walk';
SELECT * FROM ways('platypus');
SELECT count(*), min(message_id), max(message_id) FROM parley.recent_conversations('platypus');
SET parley.search_method = 'index';
SELECT * FROM ways('bandicoot');
-- the_index_is_not_read_where_there_can_be_only_older_messages
SELECT brin_summarize_new_values('parley.messages_block_times') >= 0 AS summarized;
SELECT estimate BETWEEN 5000 AND 7000 AS about_right, candidates BETWEEN 20 AND 5000 AS spared FROM parley.explain_search('bandicoot', page_size => 20) WHERE stream = 'messages';
SELECT count(*), min(message_id), max(message_id) FROM parley.recent_conversations('platypus');
RESET parley.search_method;
SET parley.search_method = 'guess';

-- long_posting_lists_are_read_in_full: run of blocks by run of blocks, and each row with the term is returned once
SET parley.search_method = 'index';
CREATE TEMP TABLE marked (term text);
INSERT INTO marked VALUES ('wombat'), ('quoll'), ('wombat quoll'), ('bilby'), ('om'), ('q'), ('-7'), ('wombat-7');
INSERT INTO parley.messages (conversation_id, number, created_at, content)
	SELECT c.id, 100 + g / 300, now() + g * interval '1 second',
		'wombat' || CASE WHEN g % 2 = 0 THEN ' quoll' ELSE '' END || CASE WHEN g % 1000 = 7 THEN ' bilby' ELSE '' END || '-' || g
	FROM generate_series(1, 60000) g JOIN many m ON m.n = 1 + g % 300 JOIN parley.conversations c ON c.contact_id = m.id;
SELECT term, expected.count > 0 AS some, named.candidates - expected.count AS named_beside, named.visited - expected.count AS visited_beside
	FROM marked, LATERAL (SELECT * FROM parley.explain_search(term, count => 'exact') WHERE stream = 'messages') named,
		LATERAL (SELECT count(*) FROM parley.messages WHERE content ILIKE '%' || term || '%') expected ORDER BY term;
DELETE FROM parley.messages WHERE content LIKE 'wombat%' AND number BETWEEN 130 AND 250 AND number % 50 > 2;
VACUUM parley.messages;
SELECT term, expected.count > 0 AS some, named.candidates - expected.count AS named_beside, named.visited - expected.count AS visited_beside
	FROM marked, LATERAL (SELECT * FROM parley.explain_search(term, count => 'exact') WHERE stream = 'messages') named,
		LATERAL (SELECT count(*) FROM parley.messages WHERE content ILIKE '%' || term || '%') expected ORDER BY term;
RESET parley.search_method;

-- pages_by_cursor_are_the_list_if_it_spans_many_runs_of_blocks, and new messages have filled the space of deleted ones here and
-- there
INSERT INTO parley.messages (conversation_id, number, created_at, content)
	SELECT c.id, 400, now() + (50000 + m.n * 20) * interval '1 second', 'wombat bilby' || repeat(' fur', 300) || m.n
	FROM many m JOIN parley.conversations c ON c.contact_id = m.id ORDER BY md5(m.n::text);
\o /dev/null
SELECT parley.rebuild_conversations();
\o
CREATE FUNCTION pages_by_cursor(term text, size integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	shown record;
	next text;
BEGIN
	LOOP
		FOR shown IN SELECT * FROM parley.recent_conversations(term, page_size => size, cursor => next) LOOP
			RETURN NEXT (shown.conversation_id, shown.message_id)::text;
			next := shown.next_cursor;
		END LOOP;
		EXIT WHEN NOT FOUND OR next IS NULL;
	END LOOP;
END $$;
CREATE FUNCTION whole_list(term text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT (conversation_id, number)::text FROM (SELECT DISTINCT ON (conversation_id) conversation_id, number, created_at FROM parley.messages
		WHERE content LIKE '%' || term || '%' ORDER BY conversation_id, created_at DESC, number DESC) m ORDER BY created_at DESC, conversation_id DESC $$;
SELECT term, size FROM (VALUES ('bilby'), ('bilby-'), ('t-7'), ('wombat-12'), ('quoll-1'), ('t-99')) t(term), (VALUES (1), (3), (20)) s(size)
	WHERE ARRAY(SELECT pages_by_cursor(term, size)) <>
		ARRAY(SELECT whole_list(term));

-- if_few_conversations_can_be_listed_only_candidates_in_these_are_visited: the others are passed, or the primary key knows them
INSERT INTO parley.cases (conversation_id, labels) SELECT c.id, '{few}' FROM many m JOIN parley.conversations c ON c.contact_id = m.id WHERE m.n % 60 = 7;
CREATE FUNCTION labelled_list(term text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT w FROM whole_list(term) WITH ORDINALITY l(w, place)
	WHERE split_part(ltrim(w, '('), ',', 1)::bigint IN (SELECT conversation_id FROM parley.cases WHERE labels = '{few}') ORDER BY place $$;
SET parley.search_method = 'index';
SELECT term, cardinality(whole), first = whole AS the_same, rest = whole[3:] AS after_a_cursor
	FROM (VALUES ('quoll'), ('wombat'), ('bilby'), ('l-7')) t(term),
		LATERAL (SELECT ARRAY(SELECT labelled_list(term)) AS whole,
			ARRAY(SELECT (conversation_id, message_id)::text FROM parley.recent_conversations(term, label => 'few')) AS first,
			ARRAY(SELECT (r.conversation_id, r.message_id)::text FROM (SELECT max(next_cursor) AS last FROM (SELECT next_cursor FROM parley.recent_conversations(term, label => 'few', page_size => 2) OFFSET 1) p) c,
				parley.recent_conversations(term, label => 'few', cursor => c.last) r WHERE c.last IS NOT NULL) AS rest) l;
SELECT term, path, e.candidates > expected.count AS others_passed, e.visited <= expected.count AS no_others
	FROM (VALUES ('quoll'), ('bandicoot')) t(term), LATERAL (SELECT count(*) FROM parley.messages WHERE content LIKE '%' || term || '%'
		AND conversation_id IN (SELECT conversation_id FROM parley.cases WHERE labels = '{few}')) expected,
		LATERAL (SELECT * FROM parley.explain_search(term, label => 'few') WHERE stream = 'messages') e;
RESET parley.search_method;
DELETE FROM parley.cases WHERE labels = '{few}';
DROP FUNCTION labelled_list;

-- where_new_messages_fill_the_space_of_old_ones_not_every_candidate_is_visited
INSERT INTO parley.messages (conversation_id, number, created_at, content)
	SELECT c.id, 401, now() + (70000 + m.n) * interval '1 second', 'possum' || repeat(' fur', 300) || m.n
	FROM many m JOIN parley.conversations c ON c.contact_id = m.id ORDER BY md5(m.n::text);
\o /dev/null
SELECT parley.rebuild_conversations();
\o
SET parley.search_method = 'index';
SELECT walked BETWEEN 300 AND 10000 AS by_time, candidates BETWEEN 20 AND 5000 AS spared FROM parley.explain_search('wombat', page_size => 20) WHERE stream = 'messages';
SELECT term, size FROM (VALUES ('wombat'), ('quoll'), ('oll'), ('possum')) t(term), (VALUES (1), (20), (150)) s(size)
	WHERE ARRAY(SELECT pages_by_cursor(term, size)) <>
		ARRAY(SELECT whole_list(term));
-- … nor_after_a_cursor
SELECT e.walked BETWEEN 20 AND 10000 AS by_time, e.candidates BETWEEN 20 AND 500 AS spared
	FROM (SELECT * FROM parley.recent_conversations('wombat-1', page_size => 20) OFFSET 19) p,
		LATERAL (SELECT * FROM parley.explain_search('wombat-1', page_size => 20, cursor => p.next_cursor) WHERE stream = 'messages') e;
RESET parley.search_method;
DELETE FROM parley.messages WHERE content LIKE 'possum%';

-- an_estimate_holds_if_the_oldest_messages_are_gone: VACUUM leaves the first page of a list empty
DELETE FROM parley.messages WHERE content LIKE 'wombat%' AND number BETWEEN 100 AND 179;
VACUUM ANALYZE parley.messages;
SELECT estimate BETWEEN 15000 AND 60000 AS about_right, path FROM parley.explain_search('wombat', page_size => 20) WHERE stream = 'messages';
SELECT visited < 100 AS by_the_rarest FROM parley.explain_search('wombat-59999') WHERE stream = 'messages';

-- a_run_of_blocks_has_the_length_that_the_index_was_built_with
BEGIN;
ALTER INDEX parley.messages_block_times SET (pages_per_range = 48);
SET LOCAL parley.search_method = 'index';
SELECT r.message_id = m.number AS newest FROM parley.recent_conversations('wombat', page_size => 1) r,
	LATERAL (SELECT number FROM parley.messages m WHERE content LIKE 'wombat%' ORDER BY created_at DESC LIMIT 1) m;
ROLLBACK;

-- a_conversation_that_was_already_listed_is_not_looked_up_again_and_again: it has very many newer messages, and the term in its
-- old ones
INSERT INTO parley.messages (conversation_id, number, created_at, content)
	SELECT c.id, 1000 + g, now() + (60000 + g) * interval '1 second', 'dingo' FROM generate_series(1, 40000) g, many m
		JOIN parley.conversations c ON c.contact_id = m.id WHERE m.n = 7;
INSERT INTO parley.messages (conversation_id, number, created_at, content)
	SELECT c.id, 1000 + g, now() + (60000 + g) * interval '1 second', 'koala' FROM generate_series(1, 40) g, many m
		JOIN parley.conversations c ON c.contact_id = m.id WHERE m.n > 100;
\o /dev/null
SELECT parley.rebuild_conversations();
\o
VACUUM ANALYZE parley.messages;
SELECT visited < 40000 AS bounded FROM parley.recent_conversations('o', page_size => 200) p,
	LATERAL (SELECT * FROM parley.explain_search('o', page_size => 200, cursor => p.next_cursor) WHERE stream = 'messages') e
	ORDER BY p.timestamp LIMIT 1;

-- pages_end_among_messages_at_the_end_of_time, whose conversations have other messages in blocks that are read before
VACUUM FULL parley.messages;
CREATE FUNCTION write_next(first integer, last integer, at timestamptz, text text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO parley.messages (conversation_id, number, created_at, content)
		SELECT c.id, (SELECT max(number) FROM parley.messages WHERE conversation_id = c.id) + 1, at, text
		FROM many m JOIN parley.conversations c ON c.contact_id = m.id WHERE m.n BETWEEN first AND last ORDER BY m.n $$;
\o /dev/null
SELECT write_next(1, 20, 'infinity', 'quokka'), write_next(1, 300, now() - interval '3 days', repeat('fur ', 300));
SELECT write_next(21, 30, now() - interval '2 days', 'quokka'), write_next(1, 300, now() - interval '3 days', repeat('fur ', 300));
SELECT write_next(1, 20, now() - interval '1 day', 'quokka'), parley.rebuild_conversations(), brin_summarize_new_values('parley.messages_block_times');
\o
SET parley.search_method = 'index';
SELECT size, count(*) FROM (VALUES (1), (3), (20)) s(size), pages_by_cursor('quokka', size) GROUP BY size ORDER BY size;
RESET parley.search_method;
DROP FUNCTION write_next, pages_by_cursor, whole_list;

DELETE FROM parley.messages m USING parley.conversations c, many WHERE c.id = m.conversation_id AND c.contact_id = many.id;
DELETE FROM parley.members m USING many WHERE many.id = m.contact_id;
DELETE FROM parley.conversations c USING many WHERE c.contact_id = many.id;
DELETE FROM parley.contacts c USING many WHERE c.id = many.id;
DROP TABLE many;
SELECT * FROM parley.audit_conversations();
