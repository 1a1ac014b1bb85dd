-- Step 1: the keys and indexes that the other steps need, if the service does not have them. They are built while others write.
-- An index that was left half-built is built again. If an id occurs twice or is null, this fails and shows the key: only the
-- owner of the data knows what it means.
\set ON_ERROR_STOP on
SELECT format('DROP INDEX CONCURRENTLY %s', indexrelid::regclass) FROM pg_index
	WHERE indrelid IN ('users'::regclass, 'account'::regclass, 'transaction'::regclass) AND NOT indisvalid \gexec
-- CONCURRENTLY waits for open transactions, but nobody waits for it.
SET lock_timeout = 0;
SELECT format('CREATE UNIQUE INDEX CONCURRENTLY %I ON %s (id)', t || '_key', t::regclass) FROM unnest(ARRAY['users', 'account', 'transaction']) t
	WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = t::regclass AND contype = 'p') AND to_regclass(quote_ident(t || '_key')) IS NULL \gexec
CREATE INDEX CONCURRENTLY IF NOT EXISTS account_user_id ON account (user_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS transaction_account_id ON transaction (account_id);
SET lock_timeout = '2s';
-- The check is validated while others write. SET NOT NULL, which the key needs, then does not have to read the table.
SELECT c.statement FROM unnest(ARRAY['users', 'account', 'transaction']) t, LATERAL (VALUES
		(format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS id_is_there', t::regclass)),
		(format('ALTER TABLE %s ADD CONSTRAINT id_is_there CHECK (id IS NOT NULL) NOT VALID', t::regclass)),
		(format('ALTER TABLE %s VALIDATE CONSTRAINT id_is_there', t::regclass)),
		(format('ALTER TABLE %s ALTER id SET NOT NULL', t::regclass)),
		(format('ALTER TABLE %s ADD PRIMARY KEY USING INDEX %I', t::regclass, t || '_key')),
		(format('ALTER TABLE %s DROP CONSTRAINT id_is_there', t::regclass))) AS c(statement)
	WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = t::regclass AND contype = 'p') \gexec
ALTER TABLE users DROP CONSTRAINT IF EXISTS id_is_there;
ALTER TABLE account DROP CONSTRAINT IF EXISTS id_is_there;
ALTER TABLE transaction DROP CONSTRAINT IF EXISTS id_is_there;
