-- 1.0--1.1: what no re-run of a function brings. The Makefile appends the functions of a fresh install, as CREATE OR REPLACE.
--
-- Whoever changes a *.tables.sql, or the arguments or result of a function, adds the statement for a filled 1.0 database here:
-- ALTER, CREATE, DROP FUNCTION of the old signature, INSERT INTO parley.routes. New columns and attributes go last in the fresh
-- install too. A C function whose SQL signature changes gets a new C symbol, and the old one goes on serving the old signature.
-- test/lifecycle/update.test.mjs names the first difference from a fresh install.

\echo Use "ALTER EXTENSION parley UPDATE" to load this file. \quit

-- A superuser runs this. PostgreSQL would also look for names in pg_trgm's schema, where others may have put functions that fit better.
SET LOCAL search_path = pg_catalog, pg_temp;

-- schema: all of it belongs to a role of its own.
DO $$
BEGIN
	CREATE ROLE parley_owner NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
	NULL;
END $$;

-- contacts: nothing read these.
DROP INDEX parley.contacts_phone_trgm, parley.contacts_phone_digits_trgm;

-- ledger: who calls decides whether money may come in; audits name the columns that they read.
DROP FUNCTION parley.post_transaction(bigint, bigint, parley.amount, parley.memo, parley.idempotency_key);
DROP FUNCTION parley.audit_ledger();
DROP FUNCTION parley.true_expense_peaks();
