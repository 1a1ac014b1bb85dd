-- Step 7, when nobody will want to go back: after this only a backup helps.
\set ON_ERROR_STOP on
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE transaction DROP COLUMN IF EXISTS account_id;
DROP TABLE IF EXISTS account_retired, account_id_was;
COMMIT;
