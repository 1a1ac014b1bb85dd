-- Step 3: the rows of before step 2. In transactions of 1,000 rows, so that nobody waits long for any of them and vacuum keeps up;
-- stopped anywhere, it goes on from there. Nothing else may run it in a transaction: it commits.
\set ON_ERROR_STOP on
CREATE OR REPLACE PROCEDURE backfill_migration(batch integer DEFAULT 1000) LANGUAGE plpgsql AS $$
DECLARE
	last_id varchar := '';
	next_id varchar;
BEGIN
	LOOP
		SELECT max(b.id) INTO next_id FROM (SELECT t.id FROM transaction t WHERE t.id > last_id ORDER BY t.id LIMIT batch) b;
		EXIT WHEN next_id IS NULL;
		UPDATE transaction t SET user_id = a.user_id
			FROM account a
			WHERE t.id > last_id AND t.id <= next_id AND t.user_id IS NULL AND a.id = t.account_id;
		COMMIT;
		last_id := next_id;
	END LOOP;
	last_id := '';
	LOOP
		SELECT max(b.id) INTO next_id FROM (SELECT u.id FROM users u WHERE u.id > last_id ORDER BY u.id LIMIT batch) b;
		EXIT WHEN next_id IS NULL;
		-- one lock order for everyone who takes several
		PERFORM total_user(u.id) FROM (SELECT u.id FROM users u WHERE u.id > last_id AND u.id <= next_id ORDER BY u.id) u;
		COMMIT;
		last_id := next_id;
	END LOOP;
END $$;
CALL backfill_migration();
DROP PROCEDURE backfill_migration(integer);
