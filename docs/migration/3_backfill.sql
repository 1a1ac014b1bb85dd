-- Step 3: fills in the rows that existed before step 2, 1,000 per transaction, so that nobody waits long for any of them and
-- VACUUM keeps up. If it is interrupted, run it again. It commits, so do not run it in a transaction.
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
		-- everyone who locks several users does so in this order
		PERFORM total_user(u.id) FROM (SELECT u.id FROM users u WHERE u.id > last_id AND u.id <= next_id ORDER BY u.id) u;
		COMMIT;
		last_id := next_id;
	END LOOP;
END $$;
CALL backfill_migration();
DROP PROCEDURE backfill_migration(integer);
