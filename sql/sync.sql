-- sync: what is new since a cursor: posted, edited, deleted, read, paid; in pages, and nothing twice.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT id AS ana FROM parley.create_user('+1 705 555 0001', 'Ana Sync') \gset
SELECT id AS bob FROM parley.create_user('+1 705 555 0002', 'Bob Sync') \gset
SELECT id AS cem FROM parley.create_user('+1 705 555 0003', 'Cem Sync') \gset
SELECT id AS ab FROM parley.open_direct_conversation(:ana, :bob) \gset
SELECT id AS ac FROM parley.open_direct_conversation(:ana, :cem) \gset
SELECT id AS bc FROM parley.open_direct_conversation(:bob, :cem) \gset
CREATE FUNCTION pg_temp.contents(messages json) RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(coalesce(m ->> 'content', 'deleted ' || (m ->> 'message_id')), ', ' ORDER BY n)
		FROM json_array_elements(messages) WITH ORDINALITY AS e(m, n) $$;

-- nothing_yet
SELECT messages, more FROM parley.sync(:ana);
SELECT cursor AS cursor FROM parley.sync(:ana) \gset

-- only_what_is_new_in_the_users_own_conversations
SELECT message_id FROM parley.post_user_message(:ab, 'ab 1', :ana);
SELECT message_id FROM parley.post_user_message(:bc, 'bc 1', :bob);
SELECT message_id FROM parley.post_user_message(:ac, 'ac 1', :cem);
SELECT pg_temp.contents(messages), more FROM parley.sync(:ana, :'cursor');
SELECT cursor AS cursor FROM parley.sync(:ana, :'cursor') \gset
SELECT messages, more FROM parley.sync(:ana, :'cursor');
SELECT message_id FROM parley.post_user_message(:ab, 'ab 2', :bob);
SELECT message_id FROM parley.post_user_message(:bc, 'bc 2', :bob);
SELECT pg_temp.contents(messages) FROM parley.sync(:ana, :'cursor');
SELECT m AS first FROM parley.sync(:ana, :'cursor'), json_array_elements(messages) m \gset
SELECT json_object_keys(:'first');
SELECT cursor AS cursor FROM parley.sync(:ana, :'cursor') \gset

-- edits_and_deletions_are_new_too
SELECT content FROM parley.edit_user_message(:ana, :ab, 1, 'ab 1 edited');
SELECT pg_temp.contents(messages) FROM parley.sync(:ana, :'cursor');
SELECT parley.delete_user_message(:bob, :ab, 2);
SELECT pg_temp.contents(messages) FROM parley.sync(:ana, :'cursor');
SELECT cursor AS cursor FROM parley.sync(:ana, :'cursor') \gset
SELECT messages FROM parley.sync(:ana, :'cursor');

-- a_message_after_an_edit_does_not_repeat_the_edit
SELECT message_id FROM parley.post_user_message(:ab, 'ab 3', :ana);
SELECT pg_temp.contents(messages) FROM parley.sync(:ana, :'cursor');

-- a_backlog_comes_in_pages_without_loss_or_repetition
SELECT count(*) FROM generate_series(4, 10) n, parley.post_user_message(:ab, 'ab ' || n, :ana);
SELECT count(*) FROM generate_series(2, 7) n, parley.post_user_message(:ac, 'ac ' || n, :cem);
CREATE PROCEDURE pg_temp.pages(user_id bigint, INOUT cursor text, size int) LANGUAGE plpgsql AS $$
DECLARE
	page record;
BEGIN
	LOOP
		SELECT * INTO page FROM parley.sync(user_id, cursor, size);
		RAISE NOTICE '%, more: %', pg_temp.contents(page.messages), page.more;
		cursor := page.cursor;
		EXIT WHEN NOT page.more;
	END LOOP;
	SELECT pg_temp.contents(messages) INTO cursor FROM parley.sync(user_id, cursor);
END $$;
CALL pg_temp.pages(:ana, :'cursor', 5);
CALL pg_temp.pages(:ana, NULL, 6);

-- what_is_posted_while_a_backlog_is_read_comes_after_it
SELECT cursor AS page_2 FROM parley.sync(:ana, :'cursor', 5) \gset
SELECT message_id FROM parley.post_user_message(:ab, 'ab 11', :bob);
CALL pg_temp.pages(:ana, :'page_2', 50);
SELECT cursor AS page_3 FROM parley.sync(:ana, :'page_2', 50) \gset
SELECT pg_temp.contents(messages) FROM parley.sync(:ana, :'page_3');

-- a_cursor_that_cannot_be_resumed_is_an_error and_is_never_ignored
\set VERBOSITY sqlstate
SELECT parley.sync(:ana, regexp_replace(:'cursor', '^2\.[0-9a-f]+', '2.1'));
SELECT parley.sync(:ana, regexp_replace(:'cursor', '^(2\.[0-9a-f]+)\.[0-9a-f]+', '\1.ff'));
SELECT parley.sync(:ana, regexp_replace(:'cursor', '^(2(\.[0-9a-f]+){5})\.[0-9a-f]+', '\1.ffffffffff'));
-- … and_an_invalid_cursor_is_a_different_error
SELECT parley.sync(:ana, '');
SELECT parley.sync(:ana, 'abc');
SELECT parley.sync(:ana, :'cursor' || ' ');
SELECT parley.sync(:ana, :'cursor' || '.0.');
SELECT parley.sync(:ana, :'cursor' || repeat('-1', 100));
-- … as_is_another_users_cursor
SELECT parley.sync(:bob, :'cursor');
SELECT parley.sync(-1);
\set VERBOSITY terse
SELECT parley.sync(:ana, "limit" => 0);

-- a_cursor_of_format_1_is_still_valid: cluster, timeline, place, since, …, user
SELECT cursor AS now FROM parley.sync(:ana) \gset
SELECT message_id FROM parley.post_user_message(:ab, 'after format 1', :bob);
SELECT format('1.%s.%s.%s.%s.0.0.0.0.%s', p[2], p[3], p[4], p[7], p[5]) AS format_1 FROM regexp_split_to_array(:'now', '\.') p \gset
SELECT pg_temp.contents(messages) FROM parley.sync(:ana, :'format_1');
SELECT cursor AS cursor FROM parley.sync(:ana, :'format_1') \gset
SELECT pg_temp.contents(messages), changed FROM parley.sync(:ana, :'cursor');

-- a_read_horizon_is_reported_to_the_user_and_to_the_other_members
CREATE FUNCTION pg_temp.horizons(reads json) RETURNS TABLE (conversation_id bigint, contact_id bigint, read_message_id bigint) LANGUAGE sql AS
	$$ SELECT * FROM json_to_recordset(reads) AS r(conversation_id bigint, contact_id bigint, read_message_id bigint) $$;
SELECT cursor AS bobs FROM parley.sync(:bob, NULL, 200) \gset
SELECT cursor AS cems FROM parley.sync(:cem, NULL, 200) \gset
SELECT read FROM parley.mark_read(:ana, :ab, 11);
SELECT h.conversation_id = :ab AS ab, h.contact_id = :ana AS ana, h.read_message_id, s.changed, s.messages
	FROM parley.sync(:ana, :'cursor') s, pg_temp.horizons(s.reads) h;
SELECT h.conversation_id = :ab AS ab, h.contact_id = :ana AS ana, h.read_message_id, s.changed, s.messages
	FROM parley.sync(:bob, :'bobs') s, pg_temp.horizons(s.reads) h;
SELECT reads, changed FROM parley.sync(:cem, :'cems');
SELECT cursor AS cursor FROM parley.sync(:ana, :'cursor') \gset
SELECT reads, changed FROM parley.sync(:ana, :'cursor');
-- … also_if_it_moves_by_writing
SELECT read FROM parley.mark_read(:ana, :ab, 12);
SELECT cursor AS cursor FROM parley.sync(:ana, :'cursor') \gset
SELECT message_id FROM parley.post_user_message(:ab, 'I have read all', :ana);
SELECT h.contact_id = :ana AS ana, h.read_message_id FROM parley.sync(:ana, :'cursor') s, pg_temp.horizons(s.reads) h;
SELECT cursor AS cursor FROM parley.sync(:ana, :'cursor') \gset

-- transactions_are_reported_in_pages_like_messages
SELECT id AS anas FROM parley.open_account(:ana, 'EUR') \gset
SELECT id AS bobs_account FROM parley.open_account(:bob, 'EUR') \gset
SELECT changed FROM parley.sync(:ana, :'cursor');
SELECT id FROM parley.post_transaction(:ana, :anas, 500, 'first');
SELECT (from_transaction ->> 'amount')::int AS paid FROM parley.post_transfer(:ana, :anas, :bob, :bobs_account, 200, 'second', :ab);
CREATE FUNCTION pg_temp.lines(transactions json) RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(format('%s: %s %s %s', t ->> 'id', t ->> 'amount', t ->> 'balance', t ->> 'memo'), ', ' ORDER BY n)
		FROM json_array_elements(transactions) WITH ORDINALITY AS e(t, n) $$;
SELECT pg_temp.lines(transactions), pg_temp.contents(messages), changed, more FROM parley.sync(:ana, :'cursor');
SELECT pg_temp.lines(transactions), changed FROM parley.sync(:bob, :'bobs');
SELECT json_object_keys(transactions -> 0) FROM parley.sync(:ana, :'cursor');
SELECT pg_temp.lines(transactions), pg_temp.contents(messages), cursor AS page_2, more FROM parley.sync(:ana, :'cursor', 1) \gset first_
\echo :first_lines :first_contents :first_more
SELECT pg_temp.lines(transactions), pg_temp.contents(messages), more FROM parley.sync(:ana, :'first_page_2', 2);
SELECT cursor AS cursor FROM parley.sync(:ana, :'cursor') \gset
SELECT messages, reads, transactions, changed FROM parley.sync(:ana, :'cursor');
-- … but_refusals_are_not
SELECT refused FROM parley.post_transaction(:ana, :anas, -5000, NULL, 'too much');
SELECT transactions, changed FROM parley.sync(:ana, :'cursor');

-- what_a_transaction_has_written_is_reported_to_itself, and again when it has committed
BEGIN;
SELECT message_id FROM parley.post_user_message(:ab, 'own', :bob);
SELECT pg_temp.contents(messages), cursor AS within FROM parley.sync(:ana, :'cursor') \gset own_
\echo :own_contents
SELECT message_id FROM parley.post_user_message(:ab, 'own too', :bob);
COMMIT;
SELECT pg_temp.contents(messages) LIKE '%own too' AS tells FROM parley.sync(:ana, :'own_within');
SELECT pg_temp.contents(messages) FROM parley.sync(:ana, :'cursor');

-- a_cursor_can_be_issued_when_the_log_ends_at_a_page_boundary
DO $$
DECLARE
	ana bigint := (SELECT id FROM parley.contacts WHERE phone_digits = '17055550001');
	page constant numeric := current_setting('wal_block_size')::numeric;
	before numeric;
	overhead numeric := 60;
	room numeric;
	hit boolean := false;
BEGIN
	FOR attempt IN 1 .. 1000 LOOP
		before := pg_current_wal_insert_lsn() - '0/0';
		room := page - before % page - overhead;
		PERFORM pg_logical_emit_message(false, '', repeat('x', CASE WHEN room BETWEEN 0 AND 8000 THEN room ELSE 100 END::int));
		PERFORM parley.sync(ana);
		-- Just past the header of a page without a record.
		hit := (pg_current_wal_insert_lsn() - '0/0') % page = 24;
		EXIT WHEN hit;
		overhead := CASE WHEN overhead > 80 THEN 40 ELSE overhead + 1 END;
	END LOOP;
	RAISE NOTICE 'at the end of a page: %', hit;
END $$;

SELECT * FROM parley.audit_conversations();
