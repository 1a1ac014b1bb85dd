-- Step 3: the new way becomes a rule. CONCURRENTLY and NOT VALID … VALIDATE read the table while others write; SET NOT NULL finds the
-- validated check and reads nothing.
SET lock_timeout = '2s';
CREATE INDEX CONCURRENTLY transaction_user_id ON transaction (user_id, created_at);
ALTER TABLE transaction ADD CONSTRAINT transaction_user_id_present CHECK (user_id IS NOT NULL) NOT VALID;
ALTER TABLE transaction VALIDATE CONSTRAINT transaction_user_id_present;
ALTER TABLE transaction ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE transaction DROP CONSTRAINT transaction_user_id_present;
ALTER TABLE transaction ADD CONSTRAINT transaction_user_id_fkey FOREIGN KEY (user_id) REFERENCES users NOT VALID;
ALTER TABLE transaction VALIDATE CONSTRAINT transaction_user_id_fkey;
