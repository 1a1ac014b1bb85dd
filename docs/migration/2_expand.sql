-- Step 2: what the new code needs is there beside the old, and kept right by triggers whatever the old code writes.
-- Adding these columns rewrites nothing. The lock is held for an instant; lock_timeout keeps it from queueing everyone behind one
-- long transaction: where it fails, run it again.
\set ON_ERROR_STOP on
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE transaction ADD COLUMN IF NOT EXISTS user_id varchar(264);
-- numeric: a sum of floats depends on the order in which they are added, one of decimals does not.
ALTER TABLE users ADD COLUMN IF NOT EXISTS total numeric NOT NULL DEFAULT 0;

\ir triggers.sql
COMMIT;
