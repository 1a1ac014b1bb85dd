-- api: routes are described by the catalog. PUBLIC has no privileges; the gateway can run routes and nothing else.
\set VERBOSITY terse
\set SHOW_CONTEXT never

-- every_route_has_its_function
SELECT r.method, r.path, r.function FROM parley.routes r
	WHERE NOT EXISTS (SELECT FROM parley.describe_routes() d WHERE (d.method, d.path) = (r.method, r.path) AND d.statement IS NOT NULL);

-- the_name_of_a_routes_function_is_unambiguous
SELECT r.function FROM parley.routes r JOIN pg_proc p ON p.proname = split_part(r.function, '.', 2)
	AND p.pronamespace = 'parley'::regnamespace GROUP BY r.function, r.method, r.path HAVING count(*) > 1;

-- every_path_parameter_is_an_argument
SELECT d.method, d.path, m[1] FROM parley.describe_routes() d, regexp_matches(d.path, '\{([a-z_]+)\}', 'g') m
	WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(d.parameters) p WHERE p ->> 'name' = m[1] AND p ->> 'in' = 'path');

-- the_list_of_conversations_as_the_gateway_sees_it
SELECT statement FROM parley.describe_routes() WHERE method = 'GET' AND path = '/conversations';
-- routes_that_stream_have_a_statement_for_several_at_once
\pset format unaligned
SELECT path, batch FROM parley.describe_routes() WHERE batch IS NOT NULL;
\pset format aligned
SELECT p ->> 'name' AS name, p ->> 'in' AS "in", p ->> 'type' AS type, p ->> 'required' AS required, p ->> 'default' AS "default",
		p - 'name' - 'in' - 'type' - 'type_oid' - 'required' - 'default' - 'description' - 'domain' AS bounds
	FROM parley.describe_routes(), jsonb_array_elements(parameters) p
	WHERE method = 'GET' AND path = '/conversations';
SELECT p ->> 'name' AS name, p ->> 'in' AS "in", p ->> 'required' AS required,
		p - 'name' - 'in' - 'type' - 'type_oid' - 'required' - 'default' - 'description' - 'domain' AS bounds
	FROM parley.describe_routes(), jsonb_array_elements(parameters) p
	WHERE method = 'POST' AND path = '/users/{user_id}/conversations/{conversation_id}/messages';

-- only_the_token_says_who_calls: not the function's defaults, nor placeholders in the path
SELECT statement, p ->> 'in' AS "in", p ->> 'required' AS required, p ->> 'default' AS "default"
	FROM parley.describe_routes(), jsonb_array_elements(parameters) p
	WHERE path = '/users/{user_id}/accounts/{account_id}/transactions' AND method = 'POST' AND p ->> 'name' ~ '^caller';
CREATE FUNCTION public.whoami(caller_id bigint, caller_role text) RETURNS text LANGUAGE sql RETURN caller_role || caller_id;
SELECT parley.add_route('GET', '/whoami', 'public.whoami', 'none');
SELECT p ->> 'name' AS name, p ->> 'in' AS "in", p ->> 'required' AS required, statement
	FROM parley.describe_routes(), jsonb_array_elements(parameters) p WHERE path = '/whoami';
DELETE FROM parley.routes WHERE path = '/whoami';
DROP FUNCTION public.whoami(bigint, text);

-- a_route_is_added_with_a_function_and_a_row
CREATE FUNCTION public.hello(name text, greeting text DEFAULT 'hello') RETURNS text
	LANGUAGE sql RETURN greeting || ', ' || name;
SELECT parley.add_route('GET', '/hello/{name}', 'public.hello', 'none');
SELECT statement, returns_set FROM parley.describe_routes() WHERE path = '/hello/{name}';
SELECT has_function_privilege('parley_gateway', 'public.hello(text, text)', 'EXECUTE');
SELECT parley.add_route('GET', '/hello/{name}', 'public.hello', 'none');
SELECT parley.add_route('GET', 'hello', 'public.hello', 'none');
SELECT parley.add_route('PATCH', '/hello', 'public.hello', 'none');
SELECT parley.add_route('GET', '/hello', 'public.hello', 'everyone');
DELETE FROM parley.routes WHERE path = '/hello/{name}';
DROP FUNCTION public.hello(text, text);
-- … even_if_its_output_arguments_come_first
CREATE FUNCTION public.hello(OUT said text, name text, OUT at text, greeting text DEFAULT 'hello') LANGUAGE sql AS 'SELECT $2 || $1, NULL';
SELECT parley.add_route('GET', '/hello/{name}', 'public.hello', 'none');
SELECT statement, p ->> 'name' AS name, p ->> 'in' AS "in", p ->> 'required' AS required
	FROM parley.describe_routes(), jsonb_array_elements(parameters) p WHERE path = '/hello/{name}';
DELETE FROM parley.routes WHERE path = '/hello/{name}';
DROP FUNCTION public.hello(text, text);

-- bounds_of_a_domain_are_read_from_its_check
CREATE DOMAIN pg_temp.between AS integer CHECK (VALUE BETWEEN -3 AND 7);
CREATE DOMAIN pg_temp.at_least AS bigint CHECK (VALUE >= 1);
CREATE DOMAIN pg_temp.long AS text CHECK (char_length(VALUE) BETWEEN 2 AND 30);
CREATE DOMAIN pg_temp.short AS text CHECK (char_length(VALUE) <= 5);
CREATE DOMAIN pg_temp.one AS text CHECK (VALUE IN ('only'));
CREATE DOMAIN pg_temp.several AS text CHECK (VALUE IN ('a', 'b c', 'd'));
CREATE DOMAIN pg_temp.pattern AS text CHECK (VALUE ~ '^[a-z]+$');
CREATE DOMAIN pg_temp.both AS text CHECK (char_length(VALUE) <= 5 AND VALUE <> 'x') CHECK (char_length(VALUE) >= 2);
CREATE DOMAIN pg_temp.below AS bigint CHECK (VALUE <= -9223372036854775807);
CREATE DOMAIN pg_temp.anything AS text;
CREATE DOMAIN pg_temp.either AS integer CHECK (VALUE >= 10 OR VALUE = 0);
CREATE DOMAIN pg_temp.either_and AS integer CHECK ((VALUE >= 10 OR VALUE = 0) AND VALUE <= 20);
CREATE DOMAIN pg_temp.not_so AS integer CHECK (NOT (VALUE >= 10 AND VALUE <= 20));
CREATE DOMAIN pg_temp.untrue AS integer CHECK ((VALUE >= 10) = false);
CREATE DOMAIN pg_temp.some_of AS text CHECK (VALUE IN ('a', 'b') OR char_length(VALUE) <= 3);
CREATE DOMAIN pg_temp.quoted AS text CHECK (VALUE <> ') AND (VALUE >= 3' AND char_length(VALUE) <= 9);
CREATE DOMAIN pg_temp.fraction AS numeric CHECK (VALUE >= 1.5);
CREATE DOMAIN pg_temp.twice AS integer CHECK (VALUE >= 10) CHECK (VALUE >= 5);
CREATE DOMAIN pg_temp.over_twice AS pg_temp.twice CHECK (VALUE <= 50);
CREATE DOMAIN pg_temp.cased AS integer CHECK (CASE WHEN VALUE >= 10 THEN VALUE <= 20 ELSE true END);
SELECT d, parley.argument_bounds(('pg_temp.' || d)::regtype)
	FROM unnest(ARRAY['between', 'at_least', 'long', 'short', 'one', 'several', 'pattern', 'both', 'below', 'anything',
		'either', 'either_and', 'not_so', 'untrue', 'some_of', 'quoted', 'fraction', 'twice', 'over_twice', 'cased']) d;

-- only_domains_that_say_so_check_more_than_their_bounds
SELECT t.typname FROM pg_type t
	WHERE t.typnamespace = 'parley'::regnamespace AND t.typtype = 'd' AND parley.argument_bounds(t.oid) ? 'more' ORDER BY 1;

-- every_value_that_is_invalid_for_its_type_is_named
COMMENT ON DOMAIN pg_temp.pattern IS 'small letters';
SELECT * FROM parley.refused_values('{a,b,c,d,e,f}', '{pg_temp.pattern,pg_temp.both,integer,uuid,pg_temp.between,bigint[]}',
	'{A,x,99999999999,"","8","{1,x}"}');
SELECT * FROM parley.refused_values('{a,b,c,d,e,f}', '{pg_temp.pattern,pg_temp.both,integer,jsonb,pg_temp.between,bigint[]}',
	'{a,xy,999,"[]","7","{1,2}"}');
SELECT * FROM parley.refused_values('{a,b}', '{parley.phone_number,parley.email_address}', '{x,x}');
SELECT * FROM parley.refused_values('{}', '{}', '{}');

-- a_route_whose_function_is_overloaded_or_missing_says_so
CREATE FUNCTION public.hello() RETURNS text LANGUAGE sql RETURN 'hello';
SELECT parley.add_route('GET', '/hello', 'public.hello', 'none');
CREATE FUNCTION public.hello(name text) RETURNS text LANGUAGE sql RETURN name;
SELECT method, path, statement, parameters, problem FROM parley.describe_routes() WHERE problem IS NOT NULL;
DROP FUNCTION public.hello();
SELECT statement, problem FROM parley.describe_routes() WHERE path = '/hello';
DROP FUNCTION public.hello(text);
SELECT method, path, statement, parameters, problem FROM parley.describe_routes() WHERE problem IS NOT NULL;
DELETE FROM parley.routes WHERE path = '/hello';

-- public_has_nothing
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'parley'::regnamespace
	AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0);
SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'parley'::regnamespace
	AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0);
SELECT has_schema_privilege('public', 'parley', 'USAGE') AS public_uses_parley;

-- the_gateway_runs_routes_and_nothing_else
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'parley'::regnamespace
	AND has_function_privilege('parley_gateway', p.oid, 'EXECUTE')
	AND p.proname NOT IN (SELECT split_part(function, '.', 2) FROM parley.routes) ORDER BY p.oid::regprocedure::text;
SELECT c.oid::regclass, c.relkind FROM pg_class c WHERE c.relnamespace = 'parley'::regnamespace AND c.relkind IN ('r', 'v', 'S')
	AND (has_table_privilege('parley_gateway', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE'))
	ORDER BY c.relname;
SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'parley'::regnamespace AND c.relkind IN ('r', 'v')
	AND has_table_privilege('parley_operator', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE');

-- … and_it_can
SET ROLE parley_gateway;
SELECT count(*) > 10 AS routes FROM parley.describe_routes();
SELECT (parley.create_user('+1 706 555 0001', 'Ana Api')).name;
SELECT count(*) FROM parley.contacts;
SELECT parley.rebuild_conversations();
RESET ROLE;

-- the_operator_executes_what_help_lists_and_what_domains_and_descriptions_need
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'parley'::regnamespace
	AND has_function_privilege('parley_operator', p.oid, 'EXECUTE')
	AND p.oid NOT IN (SELECT f.oid FROM parley.public_functions() f) ORDER BY p.oid::regprocedure::text;
SET ROLE parley_operator;
SELECT module, function FROM parley.help() WHERE module IN ('agents', 'routes');
SELECT function FROM parley.help() WHERE description IS NULL;
SELECT parley.random_token();
CALL parley.erase_messages('1999-01-01Z', 'contact');
RESET ROLE;
-- security_definer_functions_pin_their_search_path
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'parley'::regnamespace AND p.prosecdef
	AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c ~ '^search_path=pg_catalog,.*pg_temp$');

-- every_public_object_has_a_comment
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'parley'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL;
SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'parley'::regnamespace AND c.relkind IN ('r', 'v')
	AND obj_description(c.oid, 'pg_class') IS NULL;
SELECT t.oid::regtype FROM pg_type t WHERE t.typnamespace = 'parley'::regnamespace AND t.typtype IN ('d', 'e')
	AND obj_description(t.oid, 'pg_type') IS NULL;

-- every_table_and_sequence_is_dumped
SELECT c.oid::regclass FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
	WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'parley') AND c.relkind IN ('r', 'S')
	AND c.oid NOT IN (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'parley');
SELECT s.oid::regclass FROM pg_class s WHERE s.relnamespace = 'parley'::regnamespace AND s.relkind = 'S'
	AND s.oid NOT IN (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'parley');
