-- The way back from step 1 (and 2, and 3): the old code never knew.
SET lock_timeout = '2s';
BEGIN;
DROP TRIGGER attach_transaction ON transaction;
DROP TRIGGER follow_account ON account;
DROP FUNCTION attach_transaction(), follow_account(), total_user(varchar);
ALTER TABLE transaction DROP COLUMN user_id, ALTER COLUMN account_id SET NOT NULL;
ALTER TABLE users DROP COLUMN total;
COMMIT;
