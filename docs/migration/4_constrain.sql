-- Step 4: adds constraints. CONCURRENTLY and NOT VALID … VALIDATE read the table while others write; SET NOT NULL uses the
-- validated check and does not read the table. A transaction that belongs to no user makes this fail: 5_verify.sql lists those.
\set ON_ERROR_STOP on
SELECT 'DROP INDEX CONCURRENTLY transaction_user_id' FROM pg_index
	WHERE indexrelid = to_regclass('transaction_user_id') AND NOT indisvalid \gexec
-- CONCURRENTLY waits for open transactions, but nobody waits for it.
SET lock_timeout = 0;
CREATE INDEX CONCURRENTLY IF NOT EXISTS transaction_user_id ON transaction (user_id, created_at);
SET lock_timeout = '2s';
ALTER TABLE transaction DROP CONSTRAINT IF EXISTS transaction_user_id_present;
ALTER TABLE transaction ADD CONSTRAINT transaction_user_id_present CHECK (user_id IS NOT NULL) NOT VALID;
ALTER TABLE transaction VALIDATE CONSTRAINT transaction_user_id_present;
ALTER TABLE transaction ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE transaction DROP CONSTRAINT transaction_user_id_present;
ALTER TABLE transaction DROP CONSTRAINT IF EXISTS transaction_user_id_fkey;
ALTER TABLE transaction ADD CONSTRAINT transaction_user_id_fkey FOREIGN KEY (user_id) REFERENCES users NOT VALID;
ALTER TABLE transaction VALIDATE CONSTRAINT transaction_user_id_fkey;
