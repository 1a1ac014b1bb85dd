-- How the gateway learns its routes: one row per route, with the statement to prepare and the requirements of each parameter.

CREATE FUNCTION parley.conjuncts(condition text) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	depth integer := 0;
	part text := '';
	parts text[] := '{}';
	wrapped boolean := left(condition, 1) = '(';
	token text;
BEGIN
	FOR token IN SELECT m[1] FROM regexp_matches(condition, '(''(?:[^'']|'''')*''| AND |[()]| |[^ ()'']+)', 'g') m LOOP
		wrapped := wrapped AND (depth > 0 OR part = '');
		depth := depth + CASE token WHEN '(' THEN 1 WHEN ')' THEN -1 ELSE 0 END;
		IF depth = 0 AND token = ' AND ' THEN
			parts := parts || part;
			part := '';
		ELSE
			part := part || token;
		END IF;
	END LOOP;
	parts := parts || part;
	IF wrapped THEN
		RETURN QUERY SELECT parley.conjuncts(substr(condition, 2, length(condition) - 2));
	ELSIF cardinality(parts) = 1 THEN
		RETURN NEXT condition;
	ELSE
		FOREACH part IN ARRAY parts LOOP
			RETURN QUERY SELECT parley.conjuncts(part);
		END LOOP;
	END IF;
END $$;
COMMENT ON FUNCTION parley.conjuncts(text) IS 'returns the parts of a condition, as PostgreSQL deparses it, that are joined by AND';

CREATE FUNCTION parley.base_type(type oid) RETURNS oid
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	base oid := type;
BEGIN
	WHILE (SELECT typtype = 'd' FROM pg_type WHERE oid = base) LOOP
		SELECT typbasetype INTO base FROM pg_type WHERE oid = base;
	END LOOP;
	RETURN base;
END $$;
COMMENT ON FUNCTION parley.base_type(oid) IS
	'returns the base type of a domain, even of a domain over a domain; any other type is returned as it is';

CREATE FUNCTION parley.argument_bounds(domain oid) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET standard_conforming_strings = on
AS $$
DECLARE
	cast_value text := '(VALUE)::' || format_type(parley.base_type(domain), NULL);
	above oid := domain;
	conditions text[] := '{}';
BEGIN
	WHILE (SELECT typtype = 'd' FROM pg_type WHERE oid = above) LOOP
		-- A domain over a domain: deparsed, the value is cast to the base type of both.
		conditions := conditions || ARRAY(SELECT parley.conjuncts(replace(substr(pg_get_constraintdef(c.oid), 7), cast_value, 'VALUE'))
			FROM pg_constraint c WHERE c.contypid = above AND c.contype = 'c');
		SELECT typbasetype INTO above FROM pg_type WHERE oid = above;
	END LOOP;
	RETURN (
		SELECT jsonb_strip_nulls(jsonb_build_object(
			'minimum', max(b.minimum), 'maximum', min(b.maximum), 'min_length', max(b.min_length), 'max_length', min(b.max_length),
			'one_of', (array_agg(b.one_of) FILTER (WHERE b.one_of IS NOT NULL))[1],
			-- Whether they require anything else.
			'more', nullif(coalesce(bool_or(num_nonnulls(b.minimum, b.maximum, b.min_length, b.max_length, b.one_of) = 0), false)
				OR count(b.one_of) > 1, false)))
		FROM unnest(conditions) AS condition
			CROSS JOIN LATERAL (
				SELECT substring(condition, '^VALUE >= ''?(-?\d+)(?:''::(?:smallint|integer|bigint))?$')::bigint AS minimum,
					substring(condition, '^VALUE <= ''?(-?\d+)(?:''::(?:smallint|integer|bigint))?$')::bigint AS maximum,
					substring(condition, '^char_length\(VALUE\) >= (\d+)$')::bigint AS min_length,
					substring(condition, '^char_length\(VALUE\) <= (\d+)$')::bigint AS max_length,
					(SELECT jsonb_agg(m[1]) FROM regexp_matches(condition, '''([^'']*)''::text', 'g') m
						WHERE condition ~ '^VALUE = (''[^'']*''::text|ANY \(ARRAY\[(''[^'']*''::text(, )?)+\]\))$') AS one_of
			) b);
END $$;
COMMENT ON FUNCTION parley.argument_bounds(oid) IS
	'returns what the checks of a domain, and of the domains under it, require of a value, if they are written in a form that can '
	'be read: minimum, maximum, min_length, max_length, one_of. more is true if they require something else as well';

CREATE FUNCTION parley.refused_values(names text[], types regtype[], given text[], OUT name text, OUT detail text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	type regtype;
	value text;
BEGIN
	FOR name, type, value IN SELECT * FROM unnest(names, types, given) LOOP
		BEGIN
			EXECUTE format('SELECT $1::%s', type) USING value;
		EXCEPTION
			WHEN data_exception THEN
				detail := SQLERRM;
				RETURN NEXT;
			WHEN integrity_constraint_violation THEN
				detail := coalesce(obj_description(type, 'pg_type'), 'is not acceptable');
				RETURN NEXT;
		END;
	END LOOP;
END $$;
COMMENT ON FUNCTION parley.refused_values(text[], regtype[], text[]) IS
	'returns those of some named values that are invalid for their types, and why. A statement would fail at the first of them, but'
	' a response should report all';

CREATE FUNCTION parley.describe_routes(
	OUT method text, OUT path text, OUT auth text, OUT status smallint, OUT function text, OUT returns_set boolean,
	OUT description text, OUT statement text, OUT parameters jsonb, OUT problem text, OUT runs_on text, OUT internal boolean,
	OUT streams boolean, OUT batch text)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off -- compiling this takes four times as long as running it
BEGIN ATOMIC
	-- Look at each type once, however many arguments have it.
	WITH argument_type AS MATERIALIZED (
		SELECT t.oid, parley.base_type(t.oid) AS base, parley.argument_bounds(t.oid) AS bounds,
			CASE WHEN t.typbasetype <> 0 THEN obj_description(t.oid, 'pg_type') END AS description
		FROM pg_type t
		WHERE t.oid IN (SELECT unnest(p.proargtypes) FROM parley.routes r JOIN pg_proc p ON p.oid = parley.route_function(r.function))
	)
	SELECT r.method, r.path, r.auth, r.status, r.function, p.proretset, obj_description(p.oid, 'pg_proc'),
		CASE WHEN p.oid IS NOT NULL THEN format('SELECT * FROM %s(%s)', p.oid::regproc, a.arguments) END, coalesce(a.parameters, '[]'),
		CASE WHEN p.oid IS NULL THEN (
			SELECT CASE count(*) WHEN 0 THEN 'there is no function ' ELSE 'there are several functions ' END || r.function
			FROM pg_proc f WHERE format('%I.%I', f.pronamespace::regnamespace, f.proname) = r.function) END,
		r.runs_on, r.internal, r.streams,
		CASE WHEN r.streams AND NOT p.proretset AND NOT a.have_arrays THEN format(
			'SELECT f.* FROM unnest(%s) WITH ORDINALITY AS q(%s, place), LATERAL %s(%s) AS f ORDER BY q.place',
			a.arrays, a.columns, p.oid::regproc, a.batch_arguments) END
	FROM parley.routes r
	LEFT JOIN pg_proc p ON p.oid = parley.route_function(r.function)
	CROSS JOIN LATERAL (
		SELECT string_agg(format(v.form, i.name, '$' || i.position, i.fallback), ', ' ORDER BY i.position) AS arguments,
			string_agg(format(v.form, i.name, 'q.p' || i.position, i.fallback), ', ' ORDER BY i.position) AS batch_arguments,
			string_agg(format('$%s::%s[]', i.position, format_type(t.base, NULL)), ', ' ORDER BY i.position) AS arrays,
			string_agg(format('p%s', i.position), ', ' ORDER BY i.position) AS columns,
			bool_or(format_type(t.base, NULL) LIKE '%[]') AS have_arrays,
			jsonb_agg(jsonb_build_object(
					'name', i.name,
					'in', CASE WHEN i.is_caller THEN 'token' WHEN i.name = 'null_fields' THEN 'nulls' WHEN r.path ~ ('\{' || i.name || '\}') THEN 'path' WHEN i.name = 'idempotency_key' THEN 'header'
						WHEN r.method IN ('POST', 'PUT') THEN 'body' ELSE 'query' END,
					'type', format_type(t.base, NULL),
					'type_oid', t.base::bigint,
					'required', i.fallback IS NULL AND NOT i.is_caller,
					'default', CASE WHEN i.fallback !~ '^NULL::' AND NOT i.is_caller THEN i.fallback END,
					'domain', CASE WHEN t.base <> i.type THEN i.type::regtype END,
					'description', t.description) || t.bounds ORDER BY i.position) AS parameters
		FROM (
			SELECT g.position, p.proargnames[g.n] AS name, p.proargtypes[g.position - 1] AS type,
				pg_get_function_arg_default(p.oid, g.n) AS fallback,
				-- If there is no token, do not use the default.
				p.proargnames[g.n] IN ('caller_id', 'caller_role', 'caller_phone') AS is_caller
			-- Output arguments may be between the input arguments.
			FROM (SELECT n, row_number() OVER (ORDER BY n)::integer AS position
				FROM generate_series(1, cardinality(p.proargnames)) n WHERE coalesce(p.proargmodes[n], 'i') IN ('i', 'b', 'v')) g
		) i
		JOIN argument_type t ON t.oid = i.type
		CROSS JOIN LATERAL (SELECT CASE WHEN i.fallback IS NULL OR i.fallback ~ '^NULL::' OR i.is_caller THEN '%I => %s'
			ELSE '%I => coalesce(%s, %s)' END AS form) v
	) a
	-- A restore with triggers disabled leaves closed routes in the table.
	WHERE NOT EXISTS (SELECT FROM parley.closed_routes c WHERE (c.path, c.method) = (r.path, r.method))
	ORDER BY r.path, r.method;
END;
COMMENT ON FUNCTION parley.describe_routes() IS
	'returns every route with the statement that calls its function, and the name, source, type and bounds of each parameter; '
	'problem is why there is no such statement, or null';

CREATE FUNCTION parley.add_route(method text, path text, function regproc, auth text, status integer DEFAULT 200,
	runs_on text DEFAULT 'home')
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
DECLARE
	qualified text := (SELECT format('%I.%I', n.nspname, p.proname)
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = function);
	schema text := (SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = function);
	trap record;
BEGIN
	IF EXISTS (SELECT FROM parley.routes r WHERE (r.path, r.method) = (add_route.path, add_route.method)) THEN
		RAISE EXCEPTION 'route % % already exists', method, path USING ERRCODE = 'unique_violation',
			HINT = 'To change it, update parley.routes.';
	END IF;
	FOR trap IN SELECT * FROM parley.check_route(qualified, method, path, auth, status) LOOP
		IF trap.fatal THEN
			RAISE EXCEPTION 'route % % cannot work: %', method, path, trap.problem USING ERRCODE = 'invalid_parameter_value';
		END IF;
		RAISE WARNING '%', trap.problem;
	END LOOP;
	INSERT INTO parley.routes (method, path, function, auth, status, runs_on) VALUES (method, path, qualified, auth, status, runs_on);
	EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_operator, parley_gateway', function::regprocedure);
	IF NOT (has_schema_privilege('parley_operator', schema, 'USAGE') AND has_schema_privilege('parley_gateway', schema, 'USAGE')) THEN
		EXECUTE format('GRANT USAGE ON SCHEMA %I TO parley_operator, parley_gateway', schema);
	END IF;
END $$;
COMMENT ON FUNCTION parley.add_route(text, text, regproc, text, integer, text) IS
	'Adds an endpoint and allows the gateway to call its function. Running gateways serve it at once. Grants USAGE on the function''s '
	'schema to parley_operator and parley_gateway. Warns of what check_route() finds. Errors: 22023 it cannot work, 23505 the route exists.';

CREATE FUNCTION parley.announce_routes() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	NOTIFY parley_routes;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION parley.announce_routes() IS
	'Trigger: notifies running gateways to read the routes again when a change of them commits.';

CREATE TRIGGER routes_are_announced AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON parley.routes
	FOR EACH STATEMENT EXECUTE FUNCTION parley.announce_routes();

-- This must come last: everything belongs to a role without other privileges, so that a hole in a SECURITY DEFINER function
-- exposes parley but not the cluster.
DO $$
DECLARE
	object record;
BEGIN
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'parley_owner'
			AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)) THEN
		RAISE EXCEPTION 'role "parley_owner" exists and can do more than own parley' USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'It must have neither LOGIN nor SUPERUSER, CREATEROLE, CREATEDB, REPLICATION or BYPASSRLS.';
	END IF;
	FOR object IN
		SELECT i.type, i.identity
		FROM pg_depend d
			CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) i
			LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
			LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
		WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
			AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'parley')
			AND 'parley' IN (i.schema, i.name) AND (c.oid IS NULL OR c.relkind IN ('r', 'p', 'v', 'm'))
			-- Since 17 array types and the row types of tables belong to the extension too, and change their owner together with
			-- what they depend on.
			AND (t.oid IS NULL OR t.typcategory <> 'A' AND NOT EXISTS (SELECT FROM pg_class r WHERE r.oid = t.typrelid AND r.relkind <> 'c'))
	LOOP
		EXECUTE format('ALTER %s %s OWNER TO parley_owner', object.type, object.identity);
	END LOOP;
END $$;

-- PUBLIC may do nothing, the operator may execute the public functions, and the gateway those of routes.
REVOKE ALL ON ALL ROUTINES IN SCHEMA parley FROM PUBLIC, parley_operator;
REVOKE ALL ON ALL TABLES IN SCHEMA parley FROM PUBLIC;
GRANT INSERT ON parley.contact_import TO parley_operator;
GRANT SELECT ON parley.routes, parley.closed_routes TO parley_operator, parley_gateway;
DO $$
DECLARE
	public regprocedure;
BEGIN
	FOR public IN SELECT oid FROM parley.public_functions() LOOP
		EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO parley_operator', public);
	END LOOP;
	FOR public IN SELECT DISTINCT parley.route_function(function) FROM parley.routes WHERE parley.route_function(function) IS NOT NULL LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_gateway', public);
	END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION parley.describe_routes(), parley.await_wakeups(bigint, integer, integer), parley.refused_values(text[], regtype[], text[])
	TO parley_gateway;
-- Functions that describe_routes(), openapi() and the checks of domains call: these run with the caller's privileges.
GRANT EXECUTE ON FUNCTION parley.route_function(text), parley.conjuncts(text), parley.base_type(oid), parley.argument_bounds(oid),
	parley.openapi_type(oid),
	parley.openapi_nullable(jsonb), parley.openapi_columns(oid), parley.openapi_marks(), parley.openapi_shape(text),
	parley.is_printable_ascii(text), parley.are_labels(jsonb)
	TO parley_operator, parley_gateway;
