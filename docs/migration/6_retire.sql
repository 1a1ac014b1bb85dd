-- Step 6, when the last old server is gone: users.total becomes independent of the accounts, which are renamed.
-- transaction.account_id keeps its values, so this can be undone too: 6_retire_undo.sql.
\set ON_ERROR_STOP on
SELECT to_regclass('account') IS NULL AS done \gset
\if :done
	\echo done before
	\q
\endif
SET lock_timeout = '2s';
BEGIN;
-- Nobody may write between the old way of counting and the new one.
LOCK TABLE transaction, account IN ACCESS EXCLUSIVE MODE;
DROP TRIGGER attach_transaction ON transaction;
DROP TRIGGER follow_account ON account;
DROP FUNCTION attach_transaction(), follow_account(), total_user(varchar);
ALTER TABLE account RENAME TO account_retired;
-- Needed by the way back.
CREATE TABLE account_id_was AS SELECT attnotnull FROM pg_attribute WHERE attrelid = 'transaction'::regclass AND attname = 'account_id';
ALTER TABLE transaction ALTER COLUMN account_id DROP NOT NULL;

CREATE FUNCTION count_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE users u SET total = u.total + NEW.amount::numeric WHERE u.id = NEW.user_id;
	RETURN NULL;
END $$;
CREATE TRIGGER count_transaction AFTER INSERT ON transaction FOR EACH ROW EXECUTE FUNCTION count_transaction();
COMMIT;
