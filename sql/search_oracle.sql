-- search: every list equals the result of plain SQL, on random data in many scripts, whatever happened to the rows before. The
-- test removes what it creates. Whatever else is in the database is part of the lists.
SET client_min_messages = warning;
CREATE SCHEMA oracle;
SET search_path = oracle, public;

-- The definition of the lists, written without regard to speed.
CREATE FUNCTION pattern(term text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN '%' || regexp_replace(term, '([%_\\])', '\\\1', 'g') || '%';

-- What a list is narrowed to; null where it is not.
CREATE TYPE filter AS ("from" timestamptz, "to" timestamptz, sender text, unread boolean, status text, assignee_id bigint, label text);

CREATE FUNCTION matching_messages(term text, f filter) RETURNS TABLE (conversation_id bigint, number bigint, created_at timestamptz)
LANGUAGE sql STABLE AS $$
	WITH named AS MATERIALIZED (
		SELECT c.id FROM parley.conversations c WHERE EXISTS (
			SELECT FROM parley.contacts k WHERE k.id IN (c.contact_id, c.low_contact_id, c.high_contact_id)
				AND (k.name ILIKE pattern(term) OR k.phone ILIKE pattern(term) OR (
					term ~ '^[0-9+()./ -]*[0-9][0-9+()./ -]*$' AND k.phone_digits ILIKE pattern(parley.phone_digits(term)))))
	)
	SELECT DISTINCT ON (m.conversation_id) m.conversation_id, m.number, m.created_at
	FROM parley.messages m JOIN parley.conversations c ON c.id = m.conversation_id
	WHERE c.kind <> 'chat' AND m.deleted_at IS NULL
		AND (coalesce(term, '') = '' OR m.content ILIKE pattern(term) OR c.id IN (SELECT id FROM named))
		AND m.created_at >= coalesce((f)."from", '-infinity') AND m.created_at <= coalesce((f)."to", 'infinity')
		AND CASE (f).sender WHEN 'contact' THEN m.sender_id IS NOT NULL WHEN 'operator' THEN m.sender_id IS NULL
			ELSE m.sender_id = (f).sender::bigint OR (f).sender IS NULL END
	ORDER BY m.conversation_id, m.created_at DESC, m.number DESC
$$;

CREATE FUNCTION unread(conversation bigint, who bigint, read_number bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT count(*) FROM (SELECT FROM parley.messages n WHERE n.conversation_id = conversation AND n.number > read_number
		AND n.deleted_at IS NULL AND n.sender_id IS DISTINCT FROM who LIMIT 1000) n
$$;

CREATE FUNCTION listed(term text, f filter, OUT place bigint, OUT conversation_id bigint, OUT message_id bigint, OUT content text,
	OUT "timestamp" timestamptz, OUT contact_id bigint, OUT name text, OUT phone_number text, OUT kind parley.conversation_kind,
	OUT match_start integer, OUT match_length integer, OUT status text, OUT assignee_id bigint, OUT labels text[], OUT unread bigint,
	OUT sender_id bigint, OUT agent_id bigint)
RETURNS SETOF record LANGUAGE sql STABLE AS $$
	SELECT row_number() OVER (ORDER BY h.created_at DESC, h.conversation_id DESC),
		h.conversation_id, h.number, m.content, h.created_at, k.id, k.name, k.phone, c.kind, p.start, CASE WHEN p.start > 0 THEN char_length(term) END,
		s.status, e.assignee_id, coalesce(e.labels, '{}'), s.unread, m.sender_id, m.agent_id
	FROM matching_messages(term, f) h
	JOIN parley.messages m USING (conversation_id, number)
	JOIN parley.conversations c ON c.id = h.conversation_id
	LEFT JOIN parley.contacts k ON k.id = coalesce(c.contact_id, m.sender_id)
	LEFT JOIN parley.cases e ON e.conversation_id = c.id
	CROSS JOIN LATERAL (SELECT CASE WHEN term <> '' THEN nullif(strpos(lower(m.content), lower(term)), 0) END AS start) p
	CROSS JOIN LATERAL (SELECT CASE WHEN e.status = 'snoozed' AND e.snoozed_until <= now() THEN 'open' ELSE coalesce(e.status, 'open') END AS status,
		unread(c.id, NULL, c.operator_read_number) AS unread) s
	WHERE (s.unread > 0) = coalesce((f).unread, s.unread > 0) AND s.status = coalesce((f).status, s.status)
		AND coalesce(e.assignee_id, 0) = coalesce((f).assignee_id, e.assignee_id, 0)
		AND ((f).label IS NULL OR (f).label = ANY (e.labels))
$$;

CREATE FUNCTION listed_to_user(who bigint, term text, f filter, OUT place bigint, OUT conversation_id bigint, OUT message_id bigint,
	OUT content text, OUT "timestamp" timestamptz, OUT contact_id bigint, OUT name text, OUT phone_number text,
	OUT kind parley.conversation_kind, OUT unread bigint, OUT match_start integer, OUT match_length integer, OUT read_message_id bigint,
	OUT sender_id bigint, OUT agent_id bigint)
RETURNS SETOF record LANGUAGE sql STABLE AS $$
	SELECT row_number() OVER (ORDER BY h.created_at DESC, h.conversation_id DESC),
		h.conversation_id, h.number, m.content, h.created_at, k.id, k.name, k.phone, c.kind, s.unread,
		p.start, CASE WHEN p.start > 0 THEN char_length(term) END,
		CASE c.kind WHEN 'contact' THEN c.operator_read_number ELSE o.read_number END, m.sender_id, m.agent_id
	FROM matching_messages(term, f) h
	JOIN parley.messages m USING (conversation_id, number)
	JOIN parley.conversations c ON c.id = h.conversation_id
	JOIN parley.members u ON u.conversation_id = c.id AND u.contact_id = who
	LEFT JOIN parley.members o ON o.conversation_id = c.id AND o.contact_id <> who
	LEFT JOIN parley.contacts k
		ON k.id = CASE WHEN c.kind = 'contact' THEN c.contact_id WHEN c.low_contact_id = who THEN c.high_contact_id ELSE c.low_contact_id END
	CROSS JOIN LATERAL (SELECT CASE WHEN term <> '' THEN nullif(strpos(lower(m.content), lower(term)), 0) END AS start) p
	CROSS JOIN LATERAL (SELECT unread(c.id, who, u.read_number) AS unread) s
	WHERE (s.unread > 0) = coalesce((f).unread, s.unread > 0)
$$;

-- Random data: two hundred contacts, conversations of all kinds with sizes as uneven as in real life, words of many scripts.
CREATE TABLE words (word text);
INSERT INTO words SELECT unnest(string_to_array(
	'the the the the the the a a a of of and movie movie movie netflix Netflix NETFLIX neutral search engine quartz zz qz x 1 22 333 555-12 '
	'100% 50%% a_b __init__ c:\temp \\ \ % _ ?! ... -- '' " it''s "quoted" (paren) [x] {y} <z> & | * + = ~ ` ^ $5 # @you '
	'straße STRASSE Straße ß ẞ İstanbul istanbul ISTANBUL Irmak ırmak Iğdır ΟΔΥΣΣΕΥΣ Οδυσσεύς οδυσσευς σς Σ café cafe' || U&'\0301' ||
	' CAFÉ Ångström a' || U&'\030A' || 'ngstrom naïve Œuvre ﬁn ﬀ Ǆ ǅ ǆ Привет привет ПРИВЕТ мир Мир ёж Ёж 你好 你好世界 好 世界 こんにちは ニュース 한국어 한 '
	'مرحبا بالعالم नमस्ते हिन्दी สวัสดี 🙂 🙂🙂 👩‍👩‍👧 👍🏽 ❤️ 🇩🇪 ௵ 𝒳 𐐀 𐐨 K K Å µ Μ ſ s Σίσυφος ÿ Ÿ ĳ Ĳ Ⴀ ⴀ Ꭰ ꭰ ᲀ в ά Ά ' || U&'\00A0 \200B \3000', ' '))
	AS word;

\o /dev/null
SELECT setseed(0.7);
\o
CREATE TABLE contacts AS SELECT i AS n, nextval('parley.contacts_id_seq') AS id FROM generate_series(1, 200) i;
INSERT INTO parley.contacts (id, name, phone, email)
	SELECT id, CASE WHEN n % 17 > 0 THEN concat_ws(' ', (ARRAY['James','james','Jamés','JAMES','Åsa','Zoë','王','Иван','Ali','İlker','O''Neil','50%','a_b','back\slash'])
				[1 + (n * 7) % 14], CASE WHEN n % 3 > 0 THEN (SELECT word FROM words WHERE word ~ '\S' ORDER BY random(), n LIMIT 1) END) END,
		CASE WHEN n % 4 > 0 THEN format('+1 (%s) 555-%s', 200 + n, to_char(1200 + n * 3, 'FM0000')) END,
		format('c%s@oracle.example', n)
	FROM contacts;

SELECT token FROM parley.create_application('Searched') \gset
\o /dev/null
SELECT parley.create_chat(:'token') FROM generate_series(1, 5);
\o
CREATE TABLE conversations (id bigint);
WITH made AS (
	INSERT INTO parley.conversations (kind, contact_id) SELECT 'contact', id FROM contacts WHERE n % 5 > 0 RETURNING id
) INSERT INTO conversations SELECT id FROM made;
WITH made AS (
	INSERT INTO parley.conversations (kind, low_contact_id, high_contact_id)
		SELECT DISTINCT 'direct'::parley.conversation_kind, least(a.id, b.id), greatest(a.id, b.id)
		FROM (SELECT 1 + floor(power(random(), 2) * 200)::bigint AS a, 1 + floor(random() * 200)::bigint AS b FROM generate_series(1, 200)) p
			JOIN contacts a ON a.n = p.a JOIN contacts b ON b.n = p.b
		WHERE a.id <> b.id RETURNING id
) INSERT INTO conversations SELECT id FROM made;
INSERT INTO parley.members (conversation_id, contact_id)
	SELECT c.id, w FROM conversations JOIN parley.conversations c USING (id), unnest(ARRAY[c.contact_id, c.low_contact_id, c.high_contact_id]) w
	WHERE w IS NOT NULL;
INSERT INTO conversations
	SELECT c.id FROM parley.conversations c JOIN parley.applications a ON a.id = c.application_id WHERE a.token = :'token';

-- Texts of one to four words. Messages are inserted in the order of time, but some are dated long before.
CREATE FUNCTION random_text(length_max integer DEFAULT 4) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT string_agg(word, CASE WHEN random() < 0.9 THEN ' ' ELSE '' END)
	FROM (SELECT word FROM words WHERE word <> '' ORDER BY random() LIMIT 1 + floor(random() * length_max)::integer) w
$$;
CREATE FUNCTION write_messages(count integer, backfilled double precision) RETURNS void LANGUAGE sql AS $$
	WITH conversation AS MATERIALIZED (
		SELECT id, row_number() OVER (ORDER BY CASE c.kind WHEN 'chat' THEN '02' ELSE md5(id::text) END) - 1 AS place, count(*) OVER () AS total
		FROM conversations JOIN parley.conversations c USING (id)
	), drawn AS MATERIALIZED (
		SELECT i, floor(power(random(), 3) * (SELECT total - 20 FROM conversation LIMIT 1))::bigint AS place,
			(CASE WHEN random() < backfilled THEN random() * 100000 ELSE 100000 + i / 2 END) * interval '1 second' AS age,
			random_text() || CASE WHEN random() < 0.4 THEN ' ' || substr(md5(i::text || count), 1, 7) ELSE '' END AS content, random() < 0.5 AS from_contact
		FROM generate_series(1, count) i
	)
	INSERT INTO parley.messages (conversation_id, number, sender_id, created_at, content)
		SELECT c.id, coalesce((SELECT max(number) FROM parley.messages m WHERE m.conversation_id = c.id), 0)
				+ row_number() OVER (PARTITION BY c.id ORDER BY d.i),
			CASE WHEN d.from_contact OR k.kind = 'direct' THEN coalesce(k.contact_id, CASE WHEN d.i % 2 = 0 THEN k.low_contact_id ELSE k.high_contact_id END) END,
			timestamptz '2024-01-01 UTC' + d.age, d.content
		FROM drawn d JOIN conversation c USING (place) JOIN parley.conversations k ON k.id = c.id
		ORDER BY d.i;
	SELECT parley.rebuild_conversations();
$$;

-- Returns the whole list, read page by page, by number or by cursor. If a page promises more and there is none, or the reverse,
-- the length differs.
CREATE FUNCTION read_pages(term text, size integer, who bigint DEFAULT NULL, by_cursor boolean DEFAULT false, f filter DEFAULT NULL) RETURNS SETOF text
LANGUAGE plpgsql STABLE AS $$
DECLARE
	shown record;
	place bigint := 0;
	page integer := 1;
	next text;
	following text;
BEGIN
	LOOP
		next := following;
		following := NULL;
		FOR shown IN
			SELECT r.* FROM parley.recent_conversations(term, CASE WHEN NOT by_cursor THEN page END, size, CASE WHEN by_cursor THEN next END, NULL,
				(f)."from", (f)."to", (f).sender, (f).unread, (f).status, (f).assignee_id, (f).label) r WHERE who IS NULL
		LOOP
			place := place + 1;
			following := shown.next_cursor;
			RETURN NEXT (place, shown.conversation_id, shown.message_id, shown.content, shown.timestamp, shown.contact_id, shown.name,
				shown.phone_number, shown.kind, shown.match_start, shown.match_length, shown.status, shown.assignee_id, shown.labels, shown.unread,
				shown.sender_id, shown.agent_id)::text;
		END LOOP;
		FOR shown IN
			SELECT r.* FROM parley.list_user_conversations(who, term, CASE WHEN NOT by_cursor THEN page END, size, CASE WHEN by_cursor THEN next END, NULL,
				NULL, (f)."from", (f)."to", (f).sender, (f).unread) r
			WHERE who IS NOT NULL
		LOOP
			place := place + 1;
			following := shown.next_cursor;
			RETURN NEXT (place, shown.conversation_id, shown.message_id, shown.content, shown.timestamp, shown.contact_id, shown.name,
				shown.phone_number, shown.kind, shown.unread, shown.match_start, shown.match_length, shown.read_message_id, shown.sender_id,
				shown.agent_id)::text;
		END LOOP;
		page := page + 1;
		EXIT WHEN following IS NULL OR page > 1000;
	END LOOP;
END $$;

-- The expected lists according to the definition, kept for as long as the data does not change.
CREATE TABLE expected (id integer, term text, who bigint, rows text[], rows_of_user text[], chat bigint, rows_of_chat text[]);

-- Returns a chat's messages with the term, newest first.
CREATE FUNCTION listed_in_chat(chat bigint, term text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
	SELECT (m.number, m.content)::text FROM parley.messages m JOIN parley.conversations c ON c.id = m.conversation_id
	WHERE c.kind = 'chat' AND c.id IN (SELECT id FROM conversations) AND c.number = chat AND m.content ILIKE pattern(term) ORDER BY m.number DESC
$$;
CREATE FUNCTION read_chat(chat bigint, term text, size integer) RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
DECLARE
	token text := (SELECT max(token) FROM parley.applications WHERE name = 'Searched');
	last bigint;
	shown record;
BEGIN
	LOOP
		FOR shown IN SELECT * FROM parley.search_chat(token, chat, term, size, last) LOOP
			RETURN NEXT (shown.number, shown.content)::text;
			last := shown.next_last_id;
		END LOOP;
		EXIT WHEN NOT FOUND OR last IS NULL;
	END LOOP;
END $$;

-- Returns nothing if every list of every term is as expected with every method of searching, or else the differences.
CREATE FUNCTION differences(OUT method text, OUT walk_budget text, OUT list text, OUT term text, OUT found bigint, OUT expected bigint)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	setting record;
BEGIN
	TRUNCATE expected;
	INSERT INTO expected
		SELECT t.id, t.term, c.id, ARRAY(SELECT l::text FROM listed(t.term, NULL) l ORDER BY place),
			ARRAY(SELECT l::text FROM listed_to_user(c.id, t.term, NULL) l ORDER BY place),
			1 + t.id % 5, ARRAY(SELECT listed_in_chat(1 + t.id % 5, coalesce(t.term, '')))
		FROM terms t JOIN contacts c ON c.n = 1 + t.id % 60;
	FOR setting IN VALUES ('auto', '20000', '2000'), ('auto', '100', '2000'), ('walk', '0', '2000'), ('index', '0', '2000'), ('auto', '100', '0') LOOP
		PERFORM set_config('parley.search_method', setting.column1, true), set_config('parley.search_walk_budget', setting.column2, true),
			set_config('parley.search_user_conversations', setting.column3, true);
		RETURN QUERY SELECT setting.column1, setting.column2, a.list, e.term, cardinality(a.rows)::bigint, cardinality(a.expected)::bigint
			FROM expected e, LATERAL (SELECT (ARRAY[30, 110, 200])[1 + e.id % 3]) s(size), LATERAL (VALUES
				('operator''s', ARRAY(SELECT read_pages(e.term, size, NULL, e.id % 2 = 0)), e.rows),
				('user''s', ARRAY(SELECT read_pages(e.term, size, e.who, e.id % 2 = 0)), e.rows_of_user),
				('chat''s', ARRAY(SELECT read_chat(e.chat, coalesce(e.term, ''), 2)), e.rows_of_chat)) a(list, rows, expected)
			WHERE a.rows <> a.expected;
		RETURN QUERY SELECT setting.column1, setting.column2, a.list, e.term, a.total, a.expected::bigint
			FROM expected e, LATERAL (
				SELECT 'count', r.total_count, cardinality(e.rows)
				FROM parley.recent_conversations(e.term, page => 2, page_size => 3, count => 'exact') r
				UNION
				SELECT 'user''s count', r.total_count, cardinality(e.rows_of_user)
				FROM parley.list_user_conversations(e.who, e.term, page => 2, "limit" => 3, count => 'exact') r) a(list, total, expected)
			WHERE a.total IS DISTINCT FROM a.expected;
	END LOOP;
END $$;

-- Lists with random filters, with and without random terms, by random ways of searching, read page by page: those that differ, and in
-- a last row how many pages were read, and how many of the lists had rows.
CREATE FUNCTION differences_of_filtered(lists integer, OUT list integer, OUT term text, OUT f filter, OUT who bigint, OUT way text,
	OUT shown bigint, OUT expected bigint)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	size integer;
	by_cursor boolean;
	rows text[];
	expected_rows text[];
	total bigint;
	pages bigint := 0;
	filled bigint := 0;
BEGIN
	FOR list IN 1..lists LOOP
		term := CASE WHEN random() < 0.7 THEN (SELECT t.term FROM terms t WHERE char_length(t.term) < 100 ORDER BY random() LIMIT 1) END;
		f := (CASE WHEN random() < 0.3 THEN timestamptz '2024-01-01 UTC' + random() * interval '30 hours' END,
			CASE WHEN random() < 0.3 THEN timestamptz '2024-01-01 UTC' + random() * interval '30 hours' END,
			CASE floor(random() * 8) WHEN 0 THEN 'contact' WHEN 1 THEN 'operator' WHEN 2 THEN (SELECT id::text FROM contacts ORDER BY random() LIMIT 1) END,
			CASE floor(random() * 6) WHEN 0 THEN true WHEN 1 THEN false END,
			CASE floor(random() * 7) WHEN 0 THEN 'open' WHEN 1 THEN 'snoozed' WHEN 2 THEN 'resolved' END,
			CASE floor(random() * 8) WHEN 0 THEN 0 WHEN 1 THEN (SELECT id FROM agents ORDER BY random() LIMIT 1) WHEN 2 THEN -1 END,
			CASE floor(random() * 8) WHEN 0 THEN 'few' WHEN 1 THEN 'many' WHEN 2 THEN 'none' END);
		IF f."from" > f."to" THEN
			f."from" := NULL;
		END IF;
		who := CASE WHEN random() < 0.25 THEN (SELECT id FROM contacts ORDER BY random() LIMIT 1) END;
		size := (ARRAY[1, 3, 7, 20, 60])[1 + floor(random() * 5)];
		by_cursor := random() < 0.5;
		PERFORM set_config('parley.search_method', (ARRAY['auto', 'auto', 'walk', 'index'])[1 + floor(random() * 4)], true),
			set_config('parley.search_walk_budget', (ARRAY['100', '20000'])[1 + floor(random() * 2)], true),
			set_config('parley.search_user_conversations', (ARRAY['0', '20', '2000'])[1 + floor(random() * 3)], true);
		way := concat_ws(' ', current_setting('parley.search_method'), current_setting('parley.search_walk_budget'),
			current_setting('parley.search_user_conversations'), size, by_cursor);
		rows := ARRAY(SELECT read_pages(term, size, who, by_cursor, f));
		expected_rows := CASE WHEN who IS NULL THEN ARRAY(SELECT l::text FROM listed(term, f) l ORDER BY place)
			ELSE ARRAY(SELECT l::text FROM listed_to_user(who, term, f) l ORDER BY place) END;
		total := CASE WHEN who IS NULL THEN (SELECT max(total_count) FROM parley.recent_conversations(term, 2, size, NULL, 'exact',
				f."from", f."to", f.sender, f.unread, f.status, f.assignee_id, f.label))
			ELSE (SELECT max(total_count) FROM parley.list_user_conversations(who, term, 2, size, NULL, 'exact', NULL, f."from", f."to", f.sender, f.unread))
			END;
		shown := cardinality(rows);
		expected := cardinality(expected_rows);
		pages := pages + ceil((shown + 1) / size::float);
		filled := filled + (expected > 0)::integer;
		IF rows <> expected_rows THEN
			RETURN NEXT;
		ELSIF total <> expected THEN
			shown := total;
			way := way || ' count';
			RETURN NEXT;
		END IF;
	END LOOP;
	term := NULL;
	f := NULL;
	who := NULL;
	way := NULL;
	list := NULL;
	shown := pages;
	expected := filled;
	RETURN NEXT;
END $$;
-- Terms: every word and its pieces, neighbours, text that does not occur, characters with unusual folding, blanks, and very long
-- terms.
CREATE TABLE terms (id integer GENERATED ALWAYS AS IDENTITY, term text);
INSERT INTO terms (term) VALUES (NULL), (''), (' '), ('  '), (E'\t'), ('zzqqx'), ('qz'), ('the the the zzq'), ('movie of netflix'), ('i̇'), ('%%'), ('\\\'),
	('İ'), ('ı'), ('ß'), ('ss'), ('ς'), ('Σ'), ('é'), (U&'e\0301'), (U&'\0301'), ('🙂'), ('🙁'), ('好'), ('龘'), ('你好'), ('好世'), ('П'), ('ф'), ('5551'),
	('555-1'), ('(2'), ('+1'), ('1 (2'), ('555-1200'), ('120 55'), ('+1215'), ('(212).555/12-'), ('1-'), ('+ 1'), ('+'), ('()'), ('- '), ('a'), ('j'), ('ja'), ('James'), ('o''n'), (repeat('the ', 250)), (repeat('好', 1000)),
	(repeat('%', 1000)), ('movie '), (' movie'), (' m'), ('e '), (E'x\ny');
INSERT INTO terms (term) SELECT DISTINCT word FROM words WHERE word <> '';
INSERT INTO terms (term) SELECT upper(word) FROM words WHERE upper(word) <> word UNION SELECT lower(word) FROM words WHERE lower(word) <> word;

-- Pieces of actual texts, from one character up, so that there are matches anywhere in a word.
CREATE FUNCTION draw_terms(count integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO terms (term)
		SELECT DISTINCT substr(content, 1 + floor(random() * char_length(content))::integer, 1 + floor(random() * 9)::integer)
		FROM (SELECT content FROM parley.messages JOIN conversations c ON c.id = conversation_id WHERE content IS NOT NULL
			ORDER BY random() LIMIT count) m
$$;

\o /dev/null
SELECT setseed(0.5);
SELECT write_messages(1500, 0.05);
\o
INSERT INTO parley.messages (conversation_id, number, created_at, content)
	SELECT c.id, c.last_number + 1, c.last_message_at + interval '1 hour', repeat('long ', 1990) || 'haystack needle'
	FROM conversations JOIN parley.conversations c USING (id) WHERE c.kind = 'contact' ORDER BY last_number DESC, id LIMIT 1;
INSERT INTO terms (term) VALUES ('ack Needle'), (repeat('long ', 200)), ('gnol');
SELECT parley.rebuild_conversations() AS rebuilt;
UPDATE parley.members m SET read_number = c.last_number / 2
	FROM conversations JOIN parley.conversations c USING (id) WHERE c.id = m.conversation_id;
SELECT draw_terms(60);
-- Cases of all kinds, a snooze that is over among them; agents who wrote; read horizons anywhere.
CREATE TABLE agents AS SELECT (parley.create_agent('Agent ' || i, format('agent%s@oracle.example', i))).id FROM generate_series(1, 2) i;
INSERT INTO parley.cases (conversation_id, status, snoozed_until, assignee_id, labels)
	SELECT id, status, CASE status WHEN 'snoozed' THEN now() + (i % 2 * 2 - 1) * interval '1 day' END, CASE WHEN i % 3 > 0 THEN (SELECT min(id) + i % 2 FROM agents) END,
		CASE WHEN i % 19 = 0 THEN '{few,many}' WHEN i % 2 = 0 THEN '{many,vip}' ELSE '{}' END::text[]
	FROM (SELECT c.id, i, (ARRAY['open', 'snoozed', 'resolved', 'resolved'])[1 + i % 4] AS status
		FROM (SELECT id, row_number() OVER (ORDER BY md5(id::text)) AS i FROM conversations) c JOIN parley.conversations p USING (id)
		WHERE p.kind <> 'chat' AND i % 5 < 3) c;
UPDATE parley.conversations p SET is_settled = coalesce(e.status <> 'open', false),
		operator_read_number = CASE p.id / 1024 % 4 WHEN 0 THEN 0 WHEN 1 THEN p.last_number / 2 ELSE p.last_number END
	FROM conversations c LEFT JOIN parley.cases e ON e.conversation_id = c.id WHERE p.id = c.id;
UPDATE parley.messages m SET agent_id = (SELECT min(id) FROM agents) FROM conversations c
	WHERE c.id = m.conversation_id AND m.sender_id IS NULL AND m.number % 3 = 0;

-- As first written, with the index's pending list not yet flushed.
SELECT * FROM differences();
SELECT * FROM differences_of_filtered(150) WHERE list > 0;

-- Deletions, edits that add and remove terms, deleted newest messages, messages dated long ago. Nothing is vacuumed.
UPDATE parley.messages m SET content = NULL, deleted_at = now() FROM conversations c WHERE c.id = m.conversation_id AND number % 7 = 3;
UPDATE parley.messages m SET content = random_text(), edited_at = now()
	FROM conversations c WHERE c.id = m.conversation_id AND number % 5 = 1 AND content IS NOT NULL;
UPDATE parley.messages m SET content = NULL, deleted_at = now()
	FROM conversations JOIN parley.conversations c USING (id)
	WHERE c.id = m.conversation_id AND c.id % 9 = 0 AND m.number = c.last_number;
\o /dev/null
SELECT write_messages(300, 0.8);
\o
UPDATE parley.contacts k SET name = 'Renamed ' || n FROM contacts c WHERE c.id = k.id AND n % 19 = 0;
SELECT draw_terms(20);
SELECT * FROM differences();
SELECT * FROM differences_of_filtered(150) WHERE list > 0;

-- The same after VACUUM, which flushes the pending list, summarizes the blocks, and leaves space that new messages fill.
VACUUM parley.messages, parley.contacts, parley.conversations;
SELECT brin_summarize_new_values('parley.messages_block_times') >= 0 AS summarized;
\o /dev/null
SELECT write_messages(300, 0.3);
\o
ANALYZE parley.messages, parley.contacts, parley.conversations, parley.members, parley.cases;
SELECT * FROM differences();
SELECT list, term, f, who, way, shown > 500 AS many_pages, expected > 50 AS many_with_rows FROM differences_of_filtered(200);

-- There were matches at all, for every class of term.
SELECT count(*) > 300 AS many_terms, count(*) FILTER (WHERE cardinality(rows) = 0) > 5 AS some_absent,
	count(*) FILTER (WHERE cardinality(rows) > 150) > 5 AS some_everywhere, count(*) FILTER (WHERE cardinality(rows_of_chat) > 2) > 10 AS in_chats, count(*) FILTER (WHERE cardinality(rows) BETWEEN 1 AND 20) > 30 AS many_rare
FROM expected;

-- Messages at the end of time: pages end among them, and their conversations have other messages.
\o /dev/null
UPDATE parley.messages m SET created_at = 'infinity' FROM conversations c WHERE c.id = m.conversation_id AND random() < 0.05;
SELECT parley.rebuild_conversations();
\o
SELECT * FROM differences();
SELECT * FROM differences_of_filtered(100) WHERE list > 0;

-- Remove what was created; nothing else may be left behind.
DELETE FROM parley.messages m USING conversations c WHERE c.id = m.conversation_id;
DELETE FROM parley.cases e USING conversations c WHERE c.id = e.conversation_id;
DELETE FROM parley.agents a USING agents c WHERE c.id = a.id;
DELETE FROM parley.members m USING conversations c WHERE c.id = m.conversation_id;
DELETE FROM parley.conversations k USING conversations c WHERE c.id = k.id;
DELETE FROM parley.applications WHERE token = :'token';
DELETE FROM parley.contacts k USING contacts c WHERE c.id = k.id;
SELECT * FROM parley.audit_conversations();
DROP SCHEMA oracle CASCADE;
