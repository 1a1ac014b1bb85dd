-- routes: definitions that cannot work are refused, those that may surprise cause a warning, and what an installation changed
-- stays.
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
BEGIN;
CREATE SCHEMA route_test;
SET search_path = route_test, parley, public;
CREATE FUNCTION traps(name text, method text DEFAULT 'POST', path text DEFAULT '/x', auth text DEFAULT 'operator', status integer DEFAULT 200)
	RETURNS TABLE (fatal boolean, problem text)
	LANGUAGE sql AS $$ SELECT * FROM parley.check_route('route_test.' || name, method, path, auth, status) $$;

-- the_shipped_routes_have_no_traps, except for the one that only reads the catalog, with the caller's privileges
SELECT r.method, r.path, c.* FROM parley.routes r, parley.check_route(r.function, r.method, r.path, r.auth, r.status) c
	WHERE r.path <> '/openapi.json';

-- definitions_that_cannot_work_are_reported
SELECT * FROM traps('absent');
CREATE FUNCTION twice(a int) RETURNS int SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql RETURN a;
CREATE FUNCTION twice(a text) RETURNS text SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql RETURN a;
SELECT * FROM traps('twice');
CREATE PROCEDURE proc(a int) SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql AS 'SELECT 1';
SELECT * FROM traps('proc');
CREATE FUNCTION trig() RETURNS trigger SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
SELECT * FROM traps('trig');
CREATE FUNCTION rec(a int) RETURNS SETOF record SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql AS 'SELECT 1, 2';
SELECT * FROM traps('rec');
CREATE FUNCTION nameless(int, b int) RETURNS int SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql RETURN $1;
SELECT * FROM traps('nameless');
CREATE FUNCTION many(VARIADIC a int[]) RETURNS int SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql RETURN a[1];
SELECT * FROM traps('many');
CREATE FUNCTION plain(a int) RETURNS int SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql RETURN a;
SELECT * FROM traps('plain');
SELECT * FROM traps('plain', path => '/x/{b}/{a}');
SELECT * FROM traps('plain', path => '/x', auth => 'user');
SELECT * FROM traps('plain', path => '/x', auth => 'application');
SELECT * FROM traps('plain', status => 404);
SELECT * FROM traps('plain', path => '/users/{a}', method => 'PUT');
SELECT * FROM traps('plain', path => '/contacts/{a}/conversation');
CREATE FUNCTION caller(caller_id int, caller_role text) RETURNS int SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql RETURN 1;
SELECT * FROM traps('caller', path => '/x/{caller_role}');
CREATE FUNCTION magic_words(caller_phone int, null_fields text) RETURNS int SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql RETURN 1;
SELECT * FROM traps('magic_words', path => '/x/{caller_phone}/{null_fields}');

-- definitions_that_may_surprise_are_reported
CREATE FUNCTION invoker(a int) RETURNS int SET search_path = pg_catalog, pg_temp LANGUAGE sql RETURN a;
SELECT * FROM traps('invoker');
CREATE FUNCTION unpinned(a int) RETURNS int SECURITY DEFINER LANGUAGE sql RETURN a;
SELECT * FROM traps('unpinned');
CREATE FUNCTION pinned_badly(a int) RETURNS int SECURITY DEFINER SET search_path = pg_catalog LANGUAGE sql RETURN a;
SELECT * FROM traps('pinned_badly');
SELECT * FROM traps('plain', method => 'GET');
CREATE FUNCTION stable_one(a int) RETURNS int STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql RETURN a;
SELECT * FROM traps('stable_one', method => 'GET');
SELECT * FROM traps('stable_one', method => 'POST');
CREATE FUNCTION strict_one(a int, b int DEFAULT NULL) RETURNS int STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql RETURN a;
SELECT * FROM traps('strict_one');
CREATE DOMAIN odd AS int CHECK (VALUE % 2 = 1);
CREATE FUNCTION domained(a odd, idempotency_key text DEFAULT NULL) RETURNS int STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql RETURN a;
SELECT * FROM traps('domained', method => 'GET');
CREATE FUNCTION magic(a int, OUT created timestamptz, OUT total_count int, OUT next_page int, OUT refused boolean)
	SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql AS 'SELECT now(), 1, 2, true';
SELECT * FROM traps('magic', status => 204);

-- add_route_refuses_the_former_and_warns_about_the_latter
SELECT add_route('GET', '/route_test/{b}', 'route_test.plain', 'operator');
SELECT add_route('GET', '/route_test/{a}', 'route_test.plain', 'operator');
SELECT add_route('GET', '/route_test/{a}', 'route_test.stable_one', 'operator');
-- … and_lets_the_gateway_and_the_operator_use_the_schema
SELECT r, has_schema_privilege(r, 'route_test', 'USAGE') FROM unnest('{parley_operator,parley_gateway}'::text[]) r;
-- … and_a_schema_that_they_may_not_use_does_not_hide_the_other_routes
REVOKE USAGE ON SCHEMA route_test FROM parley_operator, parley_gateway;
SELECT problem FROM traps('plain', 'GET', '/route_test/{a}') WHERE fatal;
SET LOCAL ROLE parley_operator;
SELECT function FROM help() WHERE function LIKE 'route_test.%';
SELECT function, problem FROM describe_routes() WHERE function LIKE 'route_test.%';
ROLLBACK;

-- changes_by_an_installation_are_recorded
BEGIN;
SELECT count(*) FROM parley.routes WHERE changed;
UPDATE parley.routes SET auth = 'operator' WHERE path = '/users/{user_id}/transfers';
UPDATE parley.routes SET auth = auth WHERE path = '/users/{user_id}/accounts';
DELETE FROM parley.routes WHERE path = '/users';
UPDATE parley.routes SET path = '/v1/contacts' WHERE path = '/contacts' AND method = 'POST';
SELECT method, path, auth, built_in, changed FROM parley.routes WHERE changed OR NOT built_in ORDER BY 2;
SELECT method, path FROM parley.closed_routes ORDER BY 2;
-- … and_an_update_that_ships_the_route_again_keeps_them, and routes that the installation had before
INSERT INTO parley.routes (method, path, function, auth, built_in) VALUES ('POST', '/users', 'parley.create_user', 'none', true),
	('POST', '/users/{user_id}/transfers', 'parley.post_transfer', 'user', true), ('GET', '/users', 'parley.get_user', 'none', true);
SELECT method, path, auth, built_in, changed FROM parley.routes WHERE path IN ('/users', '/users/{user_id}/transfers') ORDER BY 2;
-- … but_inserting_a_closed_route_again_opens_it
INSERT INTO parley.routes (method, path, function, auth) VALUES ('POST', '/users', 'parley.create_user', 'operator');
SELECT method, path, auth, built_in, changed FROM parley.routes WHERE path = '/users' ORDER BY 1;
SELECT method, path FROM parley.closed_routes ORDER BY 2;
-- … and_closed_routes_that_a_restore_without_triggers_brings_back_are_not_served
ALTER TABLE parley.closed_routes DISABLE TRIGGER ALL;
INSERT INTO parley.closed_routes VALUES ('/users/{user_id}', 'GET');
SELECT count(*) FROM parley.describe_routes() WHERE path = '/users/{user_id}';
TRUNCATE parley.routes;
SELECT count(*) > 30 AS closed FROM parley.closed_routes;
ROLLBACK;
