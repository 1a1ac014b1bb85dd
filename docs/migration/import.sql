-- Imports such a database into parley: psql -v currency=EUR -v source=SCHEMA -f import.sql, where SCHEMA is a schema of parley's
-- database with the tables users, account and transaction (restored there, or foreign tables). Everything happens in one
-- transaction.
--
-- Floats are converted to minor units by one rule: amount::numeric, which is the shortest decimal that the float stands for (15
-- digits), times 10 to the power of the currency's minor digits, rounded half away from zero. Whatever that changes is a row of
-- parley_import.differences:
--   rounded           a transaction from which a fraction of the minor unit was removed, or to which it was added
--   skipped           a transaction without a valid amount: null, NaN, infinite, or 0 after rounding
--   nobody's          an account without a user, or a transaction without an account
--   opening balance   an account whose total is not the sum of its transactions: a first transaction makes up for it
--   user              the sum over a user's accounts, before and after
\set ON_ERROR_STOP on
BEGIN;
CREATE SCHEMA parley_import;
SET LOCAL search_path = :"source", pg_catalog;

CREATE TABLE parley_import.users AS
	SELECT u.id AS user_id, nextval('parley.contacts_id_seq') AS contact_id, left(coalesce(nullif(u.name, ''), u.id), 200) AS name
	FROM users u ORDER BY u.id;
CREATE TABLE parley_import.accounts AS
	SELECT a.id AS account_id, u.user_id, u.contact_id, row_number() OVER (PARTITION BY u.contact_id ORDER BY a.id) AS id,
		coalesce(a.total, 0) AS total, round(coalesce(a.total, 0)::numeric * 10::numeric ^ parley.minor_digits(:'currency'))::bigint AS balance
	FROM account a JOIN parley_import.users u ON u.user_id = a.user_id
	WHERE coalesce(a.total, 0) NOT IN ('NaN', 'Infinity', '-Infinity');
CREATE TABLE parley_import.differences (kind text NOT NULL, id text NOT NULL, given numeric, imported numeric);

INSERT INTO parley_import.differences
	SELECT 'nobody''s', a.id, a.total, NULL::numeric FROM account a WHERE NOT EXISTS (SELECT FROM parley_import.accounts i WHERE i.account_id = a.id)
	UNION ALL
	SELECT 'nobody''s', t.id, t.amount, NULL::numeric FROM transaction t
	WHERE NOT EXISTS (SELECT FROM parley_import.accounts i WHERE i.account_id = t.account_id);

-- Times have any of the types in which services store them. If there is none, it is the time of the import.
CREATE FUNCTION pg_temp.time_of(seconds double precision) RETURNS timestamptz LANGUAGE sql RETURN coalesce(to_timestamp(seconds), now());
CREATE FUNCTION pg_temp.time_of(at timestamptz) RETURNS timestamptz LANGUAGE sql RETURN coalesce(at, now());
CREATE TEMP TABLE lines ON COMMIT DROP AS
	SELECT t.id, a.contact_id, a.id AS account_id, pg_temp.time_of(t.created_at) AS created_at, t.amount::numeric AS given,
		CASE WHEN t.amount NOT IN ('NaN', 'Infinity', '-Infinity')
			THEN round(t.amount::numeric * 10::numeric ^ parley.minor_digits(:'currency')) END AS amount
	FROM transaction t JOIN parley_import.accounts a ON a.account_id = t.account_id;
INSERT INTO parley_import.differences
	SELECT CASE WHEN amount <> 0 THEN 'rounded' ELSE 'skipped' END, id, given,
		CASE WHEN amount <> 0 THEN amount / 10::numeric ^ parley.minor_digits(:'currency') END
	FROM lines
	WHERE amount IS NULL OR amount = 0 OR amount <> given * 10::numeric ^ parley.minor_digits(:'currency');
DELETE FROM lines WHERE amount IS NULL OR amount = 0;

INSERT INTO lines
	SELECT 'opening balance', a.contact_id, a.id, coalesce(l.first_at, now()), NULL, a.balance - coalesce(l.amount, 0)
	FROM parley_import.accounts a
		LEFT JOIN (SELECT contact_id, account_id, min(created_at) AS first_at, sum(amount) AS amount FROM lines GROUP BY 1, 2) l
			ON l.contact_id = a.contact_id AND l.account_id = a.id
	WHERE a.balance <> coalesce(l.amount, 0);
INSERT INTO parley_import.differences
	SELECT 'opening balance', a.account_id, 0, l.amount / 10::numeric ^ parley.minor_digits(:'currency')
	FROM lines l JOIN parley_import.accounts a ON a.contact_id = l.contact_id AND a.id = l.account_id WHERE l.given IS NULL;

INSERT INTO parley.contacts (id, name) SELECT contact_id, name FROM parley_import.users;
CREATE TEMP TABLE numbered ON COMMIT DROP AS
	SELECT contact_id, account_id, row_number() OVER w AS number, amount::bigint AS amount, (sum(amount) OVER w)::bigint AS balance,
		created_at, CASE WHEN given IS NULL THEN id END AS memo
	FROM lines
	WINDOW w AS (PARTITION BY contact_id, account_id ORDER BY created_at, given IS NOT NULL, id);
INSERT INTO parley.accounts (user_id, id, currency, allow_negative, balance, last_number)
	SELECT a.contact_id, a.id, :'currency',
		EXISTS (SELECT FROM numbered n WHERE n.contact_id = a.contact_id AND n.account_id = a.id AND n.balance < 0), 0, 0
	FROM parley_import.accounts a;
INSERT INTO parley.transactions (user_id, account_id, number, amount, balance, created_at, memo)
	SELECT contact_id, account_id, number, amount, balance, created_at, memo FROM numbered;
SELECT parley.rebuild_ledger() \g /dev/null

INSERT INTO parley_import.differences
	SELECT 'user', u.user_id, g.total, coalesce(i.total, 0)
	FROM parley_import.users u
		JOIN (SELECT a.user_id, sum(coalesce(a.total, 0)::numeric) AS total FROM account a GROUP BY a.user_id) g ON g.user_id = u.user_id
		LEFT JOIN (SELECT a.user_id, sum(a.balance) / 10::numeric ^ parley.minor_digits(:'currency') AS total FROM parley.accounts a GROUP BY a.user_id) i
			ON i.user_id = u.contact_id
	WHERE g.total <> coalesce(i.total, 0);
-- fails, and rolls back everything, if a rule of the ledger is broken
SELECT 1 / (SELECT 1 - sign(count(*)) FROM parley.audit_ledger()) AS the_ledger_adds_up \g /dev/null
COMMIT;
SELECT kind, count(*), sum(imported - given) AS difference FROM parley_import.differences GROUP BY kind ORDER BY kind;
