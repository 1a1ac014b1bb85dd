-- ledger_path: neither what an owner adds to the ledger's tables nor the ledger's own statements depend on the search_path of
-- whoever posts. A posting pins it only if something may look up a name, so each case posts until the session knows the tables.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT id AS ana FROM parley.create_user('+1 724 555 0011', 'Ana Path') \gset
SELECT id FROM parley.open_account(:ana, 'EUR');
SELECT balance FROM parley.post_transaction(:ana, 1, 1000);

CREATE SCHEMA planted;
CREATE FUNCTION planted.equals(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
CREATE OPERATOR planted.= (FUNCTION = planted.equals, LEFTARG = bigint, RIGHTARG = bigint);
CREATE OPERATOR planted.<> (FUNCTION = planted.equals, LEFTARG = bigint, RIGHTARG = bigint);
CREATE FUNCTION planted.hashtextextended(text, bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
-- The owner's code, which notes the path with which it is run.
CREATE SCHEMA noted;
CREATE FUNCTION noted.path() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('noted.path', current_setting('search_path') || ' as ' || current_user, false);
	RETURN true;
END $$;
CREATE FUNCTION noted.path_at(bigint) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN noted.path(); END $$;
CREATE FUNCTION noted.trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM noted.path();
	RETURN NEW;
END $$;
GRANT USAGE ON SCHEMA noted, planted TO PUBLIC;
-- Posts three times with the path of somebody else, and says what was noted each time.
CREATE FUNCTION noted.paths(ana bigint, OUT noted text) RETURNS SETOF text LANGUAGE plpgsql SET search_path = planted, pg_catalog, public AS $$
BEGIN
	FOR n IN 1 .. 3 LOOP
		PERFORM set_config('noted.path', 'nothing', false);
		PERFORM parley.post_transaction(ana, 1, 1, 'memo');
		noted := current_setting('noted.path');
		RETURN NEXT;
	END LOOP;
END $$;

-- as_shipped: nothing to note
SELECT * FROM noted.paths(:ana);

-- check_constraints
BEGIN;
ALTER TABLE parley.accounts ADD CHECK (noted.path());
SELECT * FROM noted.paths(:ana);
ROLLBACK;
BEGIN;
ALTER TABLE parley.transactions ADD CHECK (noted.path());
SELECT * FROM noted.paths(:ana);
ROLLBACK;

-- … also of functions of PostgreSQL's own: with the caller's path, this one would be violated
BEGIN;
ALTER TABLE parley.transactions ADD CHECK (current_schema() <> 'planted');
SELECT * FROM noted.paths(:ana);
ROLLBACK;

-- domains: the last check is the row's, after the argument's, which belongs to the caller's statement
BEGIN;
ALTER DOMAIN parley.memo ADD CHECK (noted.path_at(length(VALUE)));
SELECT * FROM noted.paths(:ana);
ROLLBACK;

-- generated columns
BEGIN;
ALTER TABLE parley.accounts ADD COLUMN noted boolean GENERATED ALWAYS AS (CASE WHEN balance > 0 THEN noted.path_at(balance) END) STORED;
SELECT * FROM noted.paths(:ana);
ROLLBACK;
BEGIN;
ALTER TABLE parley.transactions ADD COLUMN noted boolean GENERATED ALWAYS AS (noted.path_at(amount)) STORED;
SELECT * FROM noted.paths(:ana);
ROLLBACK;
-- … one that looks up nothing
BEGIN;
ALTER TABLE parley.accounts ADD COLUMN sign int GENERATED ALWAYS AS (CASE WHEN balance > 0 THEN 1 ELSE 0 END) STORED;
SELECT * FROM noted.paths(:ana);
SELECT sign FROM parley.accounts WHERE user_id = :ana;
ROLLBACK;

-- triggers: before and after, of rows and of statements
BEGIN;
CREATE TRIGGER noted BEFORE INSERT ON parley.transactions FOR EACH ROW EXECUTE FUNCTION noted.trigger();
SELECT * FROM noted.paths(:ana);
ROLLBACK;
BEGIN;
CREATE TRIGGER noted AFTER UPDATE ON parley.accounts FOR EACH ROW EXECUTE FUNCTION noted.trigger();
SELECT * FROM noted.paths(:ana);
ROLLBACK;
BEGIN;
CREATE TRIGGER noted AFTER INSERT ON parley.transactions EXECUTE FUNCTION noted.trigger();
SELECT * FROM noted.paths(:ana);
ROLLBACK;

-- indexes: expressions, predicates and operator classes
BEGIN;
CREATE INDEX noted ON parley.transactions (noted.path_at(number));
SELECT * FROM noted.paths(:ana);
ROLLBACK;
BEGIN;
CREATE INDEX noted ON parley.transactions (number) WHERE noted.path_at(number);
SELECT * FROM noted.paths(:ana);
ROLLBACK;
BEGIN;
CREATE FUNCTION noted.compare(bigint, bigint) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	PERFORM noted.path();
	RETURN btint8cmp($1, $2);
END $$;
CREATE OPERATOR CLASS noted.ops FOR TYPE bigint USING btree AS FUNCTION 1 noted.compare(bigint, bigint), OPERATOR 1 <, OPERATOR 2 <=,
	OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >;
CREATE INDEX noted ON parley.transactions (amount noted.ops);
SELECT * FROM noted.paths(:ana);
ROLLBACK;

-- the_ledgers_own_statements: a replay, a refusal and its replay, the peaks of 64 transactions
BEGIN;
SET LOCAL search_path = planted, pg_catalog;
SELECT balance FROM parley.post_transaction(:ana, 1, -1, NULL, 'path 1');
SELECT replayed FROM parley.post_transaction(:ana, 1, -1, NULL, 'path 1');
SELECT refused FROM parley.post_transaction(:ana, 1, -9000, NULL, 'path 2');
SELECT refused, replayed FROM parley.post_transaction(:ana, 1, -9000, NULL, 'path 2');
SELECT count(parley.post_transaction(:ana, 1, -1)) FROM generate_series(1, 64);
SHOW search_path;
RESET search_path;
SELECT level, number > 0 AS found FROM parley.expense_peaks WHERE user_id = :ana;
ROLLBACK;

-- the_caller_is_itself_again, with its own path, also after an error
BEGIN;
SET LOCAL ROLE parley_gateway;
SET LOCAL search_path = planted, pg_catalog;
SELECT balance IS NOT NULL AS posted FROM parley.post_transaction(:ana, 1, 1);
SELECT current_user, current_setting('search_path') AS path;
SAVEPOINT before;
\set VERBOSITY sqlstate
SELECT parley.post_transaction(:ana, 7, 1);
\set VERBOSITY terse
ROLLBACK TO before;
SELECT current_user, current_setting('search_path') AS path;
ROLLBACK;
BEGIN;
ALTER TABLE parley.accounts ADD CHECK (noted.path() AND balance < 5000) NOT VALID;
SET LOCAL ROLE parley_gateway;
SET LOCAL search_path = planted, pg_catalog;
SAVEPOINT before;
SELECT parley.post_transaction(:ana, 1, 9000);
ROLLBACK TO before;
SELECT current_user, current_setting('search_path') AS path;
ROLLBACK;

-- the_owner_does_not_stay: nobody can become somebody else from within
BEGIN;
CREATE FUNCTION noted.become() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL ROLE parley_gateway;
	RETURN NEW;
END $$;
CREATE TRIGGER noted BEFORE INSERT ON parley.transactions FOR EACH ROW EXECUTE FUNCTION noted.become();
SELECT parley.post_transaction(:ana, 1, 1);
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA planted, noted CASCADE;
SELECT * FROM parley.audit_ledger();
