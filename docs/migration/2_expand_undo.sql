-- The way back from step 2 (and 3, and 4), which the old code does not notice. The keys of step 1 stay.
\set ON_ERROR_STOP on
SET lock_timeout = '2s';
BEGIN;
DROP TRIGGER IF EXISTS attach_transaction ON transaction;
DROP TRIGGER IF EXISTS follow_account ON account;
DROP FUNCTION IF EXISTS attach_transaction(), follow_account(), total_user(varchar);
ALTER TABLE transaction DROP COLUMN IF EXISTS user_id;
ALTER TABLE users DROP COLUMN IF EXISTS total;
COMMIT;
