-- plans: the functions' own statements scan the indexes that they should. The scans are counted in the transaction that ran them.
-- The tables here are small, so sequential scans are disabled, which would not pay on large tables.
\set VERBOSITY terse
SELECT id AS ana FROM parley.create_contact('Ana Plans', '+1 707 555 0001') \gset
SELECT id AS bob FROM parley.create_contact('Bob Plans', '+1 707 555 0002') \gset
SELECT id AS c FROM parley.open_contact_conversation(:ana) \gset
SELECT id AS d FROM parley.open_direct_conversation(:ana, :bob) \gset
SELECT message_id FROM parley.post_message(:c, 'a plan of Ana''s');
SELECT message_id FROM parley.post_user_message(:d, 'a plan of Bob''s', :bob);
ANALYZE parley.messages, parley.conversations, parley.members, parley.contacts;
-- The counters include what the session has not reported yet, so we compare them with their previous values.
CREATE TEMP TABLE counted AS SELECT oid, relname, relkind, 0::bigint AS scans FROM pg_class
	WHERE relnamespace = 'parley'::regnamespace AND relkind IN ('r', 'i');
CREATE FUNCTION pg_temp.count_from_here() RETURNS void LANGUAGE sql AS
	$$ UPDATE counted SET scans = pg_stat_get_xact_numscans(oid) $$;
CREATE TEMP VIEW scans AS
	SELECT relname AS index FROM counted WHERE relkind = 'i' AND pg_stat_get_xact_numscans(oid) > scans ORDER BY relname;
CREATE TEMP VIEW read_through AS
	SELECT relname AS "table" FROM counted WHERE relkind = 'r' AND pg_stat_get_xact_numscans(oid) > scans;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;

-- the_list_reads_the_index_on_listed_at, and only the rows that it shows from other tables
BEGIN;
SELECT pg_temp.count_from_here();
SELECT count(*) > 0 AS rows FROM parley.recent_conversations();
SELECT index FROM pg_temp.scans WHERE index = 'conversations_listed_at';
SELECT * FROM pg_temp.read_through;
COMMIT;

-- a_search_uses_the_grams_of_messages_and_contacts
BEGIN;
SELECT pg_temp.count_from_here();
SET LOCAL parley.search_method = index;
SELECT count(*) FROM parley.recent_conversations('a plan of Ana''s');
SELECT index FROM pg_temp.scans WHERE index ~ '_grams$';
SELECT * FROM pg_temp.read_through;
COMMIT;

-- … or_reads_the_newest_messages_by_their_index
BEGIN;
SELECT pg_temp.count_from_here();
SET LOCAL parley.search_method = walk;
SELECT count(*) > 0 AS rows FROM parley.recent_conversations('a plan');
SELECT index FROM pg_temp.scans WHERE index = 'messages_newest';
SELECT * FROM pg_temp.read_through;
COMMIT;

-- messages_are_listed_by_their_primary_key
BEGIN;
SELECT pg_temp.count_from_here();
SELECT count(*) FROM parley.list_user_messages(:ana, :d, sort => 'desc');
SELECT index FROM pg_temp.scans WHERE index = 'messages_pkey';
SELECT * FROM pg_temp.read_through;
COMMIT;

-- sync_goes_from_the_member_to_the_conversations_and_to_what_is_new_in_them
BEGIN;
SELECT pg_temp.count_from_here();
SELECT more FROM parley.sync(:ana);
SELECT index FROM pg_temp.scans WHERE index IN ('conversations_pkey', 'messages_pkey');
SELECT * FROM pg_temp.read_through;
COMMIT;

-- contacts_have_no_index_of_parts_of_texts_but_those_that_the_two_searches_read
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
	WHERE i.indrelid = 'parley.contacts'::regclass AND a.amname NOT IN ('btree') ORDER BY 1;

-- a_messages_json_is_planned_with_the_statement_that_names_it, not anew by a function of its own
CREATE FUNCTION pg_temp.plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (VERBOSE) ' || statement LOOP
		plan := plan || line;
	END LOOP;
	RETURN plan;
END $$;
SELECT plan LIKE '%row_to_json(ROW(%' AND plan NOT LIKE '%message_json(%' AS is_inlined FROM pg_temp.plan_of(
	'SELECT parley.message_json((conversation_id, number, sender_id, content, created_at, edited_at, deleted_at, agent_id, transfer_id))
	FROM parley.messages') plan;
