-- Step 2: adds what the new code needs. Triggers keep it correct, whatever the old code writes. Adding these columns does not
-- rewrite the tables. The lock is held for an instant. Because of lock_timeout nobody queues behind this for long if it has to
-- wait for a long transaction; if it fails, run it again.
\set ON_ERROR_STOP on
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE transaction ADD COLUMN IF NOT EXISTS user_id varchar(264);
-- numeric: a sum of floats depends on the order in which they are added, a sum of decimals does not.
ALTER TABLE users ADD COLUMN IF NOT EXISTS total numeric NOT NULL DEFAULT 0;

\ir triggers.sql
COMMIT;
