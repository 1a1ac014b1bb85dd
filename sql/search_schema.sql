-- search_schema: what owners do to the tables and indexes of search, and what a session sets. A search finds the same as before,
-- or says what it cannot use. It never silently finds less.
CREATE TABLE rangers AS SELECT nextval('parley.contacts_id_seq') AS id, n FROM generate_series(1, 120) n;
INSERT INTO parley.contacts (id, name, phone) SELECT id, 'Ranger ' || n, '+1 555 77' || 1000 + n FROM rangers;
WITH made AS (INSERT INTO parley.conversations (kind, contact_id) SELECT 'contact', id FROM rangers RETURNING id, contact_id)
	INSERT INTO parley.members (conversation_id, contact_id) SELECT id, contact_id FROM made;
INSERT INTO parley.messages (conversation_id, number, created_at, content)
	SELECT c.id, g, '2020-01-01 UTC'::timestamptz + (g * 1000 + n) * interval '1 second', 'echidna ' || CASE WHEN n % 7 = g THEN 'dunnart ' ELSE '' END || n
	FROM rangers r JOIN parley.conversations c ON c.contact_id = r.id, generate_series(1, 6) g ORDER BY g, n;
\o /dev/null
SELECT parley.rebuild_conversations();
\o
CREATE FUNCTION answers() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	method text;
	term text;
	after text;
	who bigint := (SELECT id FROM rangers WHERE n = 7);
BEGIN
	FOREACH method IN ARRAY ARRAY['auto', 'walk', 'index'] LOOP
		PERFORM set_config('parley.search_method', method, true);
		RETURN QUERY SELECT format('unread: %s', string_agg(r.conversation_id || '.' || r.message_id, ' ')) FROM parley.list_conversations(unread => true, "limit" => 9) r;
		FOREACH term IN ARRAY ARRAY['echidna', 'dunnart', 'nn', 'ranger 1', '55577', 'echidna dunnart'] LOOP
			SELECT min(next_cursor) INTO after FROM parley.recent_conversations(term, page_size => 9);
			RETURN QUERY SELECT format('%s: %s', term, string_agg(r.conversation_id || '.' || r.message_id, ' '))
				FROM unnest(ARRAY[NULL, after]) c, LATERAL parley.recent_conversations(term, page_size => 9, cursor => c) r;
			RETURN QUERY SELECT format('%s of a user: %s', term, string_agg(r.conversation_id || '.' || r.message_id, ' ')) FROM parley.list_user_conversations(who, term) r;
			RETURN QUERY SELECT format('%s in one: %s', term, string_agg(s::text, ' '))
				FROM parley.conversations c, LATERAL parley.search_conversation(c.id, term, 7, 5) s WHERE c.contact_id = who;
		END LOOP;
	END LOOP;
END $$;
CREATE TABLE at_rest AS SELECT ARRAY(SELECT answers()) AS rows;
-- Returns what a search reports after a statement, which is then rolled back.
CREATE FUNCTION after(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
	detail text;
BEGIN
	EXECUTE statement;
	said := CASE WHEN ARRAY(SELECT answers()) = (SELECT rows FROM at_rest) THEN 'the same' ELSE 'something else' END;
	RAISE SQLSTATE 'UNDO1';
EXCEPTION
	WHEN SQLSTATE 'UNDO1' THEN
		RETURN said;
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
		RETURN concat_ws(' ', SQLSTATE, SQLERRM, detail);
END $$;
SELECT count(*), count(DISTINCT answers) FROM answers();

-- a_list_that_is_read_directly_is_the_same_as_one_read_by_a_statement, in every column
BEGIN;
INSERT INTO parley.cases (conversation_id, status, snoozed_until, labels)
	SELECT c.id, CASE WHEN n < 115 THEN 'resolved' ELSE 'snoozed' END, CASE WHEN n >= 115 THEN now() + (n - 117) * interval '1 day' END, ARRAY['a', 'b "c"']
		FROM rangers r JOIN parley.conversations c ON c.contact_id = r.id WHERE n > 110;
CREATE TEMPORARY TABLE direct AS SELECT * FROM parley.list_conversations("limit" => 100);
DROP INDEX parley.conversations_listed_at;
CREATE TEMPORARY TABLE by_statement AS SELECT * FROM parley.list_conversations("limit" => 100);
SELECT count(*), count(d.labels[2]) AS have_labels, count(d.incomplete) AS incomplete, count(*) FILTER (WHERE ROW(d.*) IS DISTINCT FROM ROW(s.*)) AS different
	FROM direct d FULL JOIN by_statement s USING (conversation_id);
ROLLBACK;

-- settings_of_a_session_change_nothing
SELECT setting, after(format('SET %s', setting)) FROM unnest(ARRAY['gin_fuzzy_search_limit = 1', 'work_mem = 64', 'enable_indexscan = off', 'enable_seqscan = off',
	'enable_bitmapscan = off', 'jit = on', 'DateStyle = German', 'TimeZone = ''Asia/Tokyo''', 'IntervalStyle = iso_8601', 'extra_float_digits = -15', 'search_path = pg_temp, public',
	'standard_conforming_strings = off', 'transform_null_equals = on', 'array_nulls = off', 'quote_all_identifiers = on', 'row_security = off',
	'session_replication_role = replica', 'plan_cache_mode = force_generic_plan', 'bytea_output = escape', 'default_transaction_isolation = serializable',
	'lc_messages = ''C''', 'constraint_exclusion = on', 'cursor_tuple_fraction = 0', 'from_collapse_limit = 1', 'parley.search_walk_budget = 0',
	'parley.search_user_conversations = 0']) setting;

-- an_index_of_grams_or_of_block_times_that_a_query_would_not_use_is_not_used
SELECT index, state, after(format('UPDATE pg_index SET %s WHERE indexrelid = ''parley.%s''::regclass', state, index))
	FROM unnest(ARRAY['messages_grams', 'contacts_grams', 'messages_block_times']) index, unnest(ARRAY['indisvalid = false', 'indisready = false', 'indcheckxmin = true']) state;
SELECT after('DROP INDEX parley.messages_grams');
SELECT after('DROP INDEX parley.contacts_grams, parley.messages_block_times');
-- … nor_is_another_index_with_its_name
SELECT after('DROP INDEX parley.messages_grams; CREATE INDEX messages_grams ON parley.messages (idempotency_key)');
SELECT after('DROP INDEX parley.messages_grams; CREATE INDEX messages_grams ON parley.messages USING gin (content parley.gram_ops) WHERE number > 3');
SELECT after('DROP INDEX parley.messages_block_times; CREATE INDEX messages_block_times ON parley.messages USING brin (conversation_id)');
SELECT after('DROP INDEX parley.contacts_grams; CREATE INDEX contacts_grams ON parley.contacts USING gin (phone parley.gram_ops, name parley.gram_ops, phone_digits parley.gram_ops)');
SELECT after('DROP INDEX parley.contacts_grams; CREATE VIEW parley.contacts_grams AS SELECT 1 AS one');
SELECT after('DROP INDEX parley.messages_grams; CREATE INDEX messages_grams ON parley.messages USING gin (content COLLATE "C" parley.gram_ops)');
SELECT after(format('DROP INDEX parley.messages_grams; CREATE INDEX messages_grams ON parley.messages USING gin (content %s.gin_trgm_ops)', extnamespace::regnamespace)) FROM pg_extension WHERE extname = 'pg_trgm';
SELECT after(format('DROP INDEX parley.contacts_grams; CREATE INDEX contacts_grams ON parley.contacts USING gin (name parley.gram_ops, phone parley.gram_ops, phone_digits %s.gin_trgm_ops)', extnamespace::regnamespace))
	FROM pg_extension WHERE extname = 'pg_trgm';
SELECT after('DROP INDEX parley.messages_block_times; CREATE INDEX messages_block_times ON parley.messages USING brin (created_at timestamptz_minmax_multi_ops)');

-- the_other_indexes_are_required and their absence is reported
SELECT after('UPDATE pg_index SET indisvalid = false WHERE indexrelid = ''parley.messages_newest''::regclass');
SELECT after('DROP INDEX parley.messages_newest; CREATE INDEX messages_newest ON parley.messages (created_at, conversation_id, number)');
SELECT after('DROP INDEX parley.conversations_listed_at');
SELECT after('DROP INDEX parley.conversations_listed_at; CREATE INDEX conversations_listed_at ON parley.conversations (listed_at DESC, id DESC) WHERE kind = ''direct''');
SELECT after('DROP INDEX parley.conversations_by_case; CREATE INDEX conversations_by_case ON parley.conversations (is_settled DESC, (NOT has_unread) DESC, listed_at DESC, id DESC) WHERE listed_at IS NOT NULL');
SELECT after('DROP INDEX parley.conversations_contact_key; CREATE UNIQUE INDEX conversations_contact_key ON parley.conversations (contact_id) WHERE kind = ''contact'' AND last_number > 6');
SELECT after('DROP INDEX parley.conversations_direct_key; CREATE UNIQUE INDEX conversations_direct_key ON parley.conversations (low_contact_id, high_contact_id) WHERE low_contact_id IS NOT NULL AND id < 0');
SELECT after('ALTER TABLE parley.messages DROP CONSTRAINT messages_pkey');
SELECT after('ALTER TABLE parley.messages DROP CONSTRAINT messages_pkey, ADD PRIMARY KEY (number, conversation_id)');

-- a_primary_key_is_recognized_whatever_its_name
SELECT after('ALTER TABLE parley.messages RENAME CONSTRAINT messages_pkey TO first_key');
SELECT after('ALTER INDEX parley.conversations_pkey RENAME TO second_key; ALTER INDEX parley.contacts_pkey RENAME TO third_key; ALTER INDEX parley.members_pkey RENAME TO fourth_key');
SELECT after('UPDATE pg_index SET indisvalid = false WHERE indexrelid = ''parley.contacts_pkey''::regclass');

-- columns_can_be_added_and_dropped
SELECT after('ALTER TABLE parley.messages ADD note text DEFAULT ''echidna'', ADD other bigint');
SELECT after('ALTER TABLE parley.contacts ADD note text DEFAULT ''x''; ALTER TABLE parley.contacts DROP note; ALTER TABLE parley.conversations ADD note text, ADD CHECK (id > 0)');
SELECT after('ALTER TABLE parley.messages RENAME number TO no');
-- … and one of another type in the place of each that it reads
SELECT t, c, after(format('ALTER TABLE parley.%1$I RENAME %2$I TO kept; ALTER TABLE parley.%1$I ADD %2$I %3$s', t, c, CASE WHEN c = 'is_dated_in_order' THEN 'int' ELSE 'bit' END))
	FROM (VALUES ('messages', 'conversation_id'), ('messages', 'number'), ('messages', 'sender_id'), ('messages', 'created_at'), ('messages', 'deleted_at'), ('messages', 'content'),
		('conversations', 'id'), ('conversations', 'contact_id'), ('conversations', 'low_contact_id'), ('conversations', 'high_contact_id'), ('conversations', 'last_message_at'),
		('conversations', 'last_number'), ('conversations', 'newest_number'), ('conversations', 'is_dated_in_order'),
		('contacts', 'id'), ('contacts', 'name'), ('contacts', 'phone'), ('contacts', 'phone_digits'), ('members', 'conversation_id'), ('members', 'contact_id'), ('members', 'has_written')) v (t, c);

-- tables_that_cannot_be_read_directly_are_refused
SELECT after('CREATE TABLE more () INHERITS (parley.messages)');
SELECT after('CREATE TABLE more () INHERITS (parley.messages); DROP TABLE more');
SELECT after('ALTER TABLE parley.messages ENABLE ROW LEVEL SECURITY');
SELECT after('ALTER TABLE parley.messages ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY');
SELECT after('ALTER TABLE parley.messages OWNER TO CURRENT_USER; ALTER TABLE parley.messages ENABLE ROW LEVEL SECURITY; GRANT SELECT ON parley.messages TO parley_owner');
SELECT after('REVOKE SELECT ON parley.contacts FROM parley_owner');
SELECT after('ALTER TABLE parley.contacts RENAME TO people; CREATE VIEW parley.contacts AS SELECT * FROM parley.people');
SELECT after('CREATE ACCESS METHOD another TYPE TABLE HANDLER heap_tableam_handler; ALTER TABLE parley.contacts SET ACCESS METHOD another');

-- the_results_are_the_same_as_before
SELECT ARRAY(SELECT answers()) = rows AS the_same FROM at_rest;

-- lists_without_conditions_are_the_same_if_a_statement_has_to_read_them
INSERT INTO parley.agents (name, email) VALUES ('Schema Agent', 'schema-agent@example.com');
INSERT INTO parley.cases (conversation_id, status, snoozed_until, assignee_id, labels)
	SELECT c.id, CASE n % 4 WHEN 0 THEN 'open' WHEN 1 THEN 'resolved' ELSE 'snoozed' END, CASE n % 4 WHEN 2 THEN now() - interval '1 day' WHEN 3 THEN 'infinity' END,
		CASE WHEN n % 3 = 0 THEN a.id END, CASE WHEN n % 2 = 0 THEN '{vip,"two words"}' ELSE '{}' END::text[]
	FROM rangers r JOIN parley.conversations c ON c.contact_id = r.id, parley.agents a WHERE a.name = 'Schema Agent' AND n > 100;
UPDATE parley.conversations c SET is_settled = true FROM parley.cases k WHERE k.conversation_id = c.id AND k.status <> 'open';
UPDATE parley.conversations c SET operator_read_number = r.n % 7 FROM rangers r WHERE c.contact_id = r.id;
UPDATE parley.messages m SET content = NULL, deleted_at = now() FROM parley.conversations c, rangers r WHERE m.conversation_id = c.id AND c.contact_id = r.id AND m.number = 3;
UPDATE parley.messages m SET sender_id = r.id FROM parley.conversations c, rangers r WHERE m.conversation_id = c.id AND c.contact_id = r.id AND m.number % 2 = 0;
CREATE FUNCTION pages() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	shown parley.recent_conversation;
	pages integer := 0;
BEGIN
	WHILE pages = 0 OR shown.next_cursor IS NOT NULL LOOP
		FOR shown IN SELECT * FROM parley.list_conversations("limit" => 7, cursor => shown.next_cursor) LOOP
			RETURN NEXT shown::text;
		END LOOP;
		pages := pages + 1;
	END LOOP;
	RETURN QUERY SELECT l::text FROM parley.list_conversations("limit" => 7, page => 3, count => 'exact') l;
	RETURN QUERY SELECT l::text FROM parley.list_conversations("limit" => 7, page => 1000, count => 'exact') l;
	RETURN QUERY SELECT l::text FROM parley.list_conversations('echidna', "limit" => 200) l;
END $$;
CREATE FUNCTION pages_after(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	directly text[] := ARRAY(SELECT pages());
	said text;
BEGIN
	EXECUTE statement;
	said := CASE WHEN ARRAY(SELECT pages()) = directly THEN 'the same' ELSE 'something else' END;
	RAISE SQLSTATE 'UNDO1';
EXCEPTION
	WHEN SQLSTATE 'UNDO1' THEN
		RETURN said;
END $$;
SELECT count(*) > 150 AS many FROM pages();
SELECT pages_after('DROP INDEX parley.conversations_listed_at');
SELECT pages_after('CREATE TABLE more () INHERITS (parley.cases)');
SELECT pages_after('ALTER TABLE parley.cases DROP CONSTRAINT cases_pkey');
DELETE FROM parley.cases k USING parley.conversations c, rangers r WHERE k.conversation_id = c.id AND c.contact_id = r.id;
DELETE FROM parley.agents WHERE name = 'Schema Agent';
DROP FUNCTION pages, pages_after;

DELETE FROM parley.messages m USING parley.conversations c, rangers r WHERE c.id = m.conversation_id AND c.contact_id = r.id;
DELETE FROM parley.members m USING rangers r WHERE r.id = m.contact_id;
DELETE FROM parley.conversations c USING rangers r WHERE c.contact_id = r.id;
DELETE FROM parley.contacts c USING rangers r WHERE c.id = r.id;
DROP FUNCTION after, answers;
DROP TABLE rangers, at_rest;
