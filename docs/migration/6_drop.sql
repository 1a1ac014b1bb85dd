-- Step 6, when nobody will want to go back: from here on only a backup returns.
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE transaction DROP COLUMN account_id;
DROP TABLE account_retired;
COMMIT;
