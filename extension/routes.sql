-- routes: what is wrong with a route, and what an installation changed of those that come with the extension.

-- to_regproc() would refuse to look into a schema that the caller may not use, and with it the list of all routes.
CREATE FUNCTION parley.route_function(name text) RETURNS oid
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT CASE count(*) WHEN 1 THEN min(p.oid) END
	FROM parse_ident(name) parts JOIN pg_namespace n ON n.nspname = parts[1] JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname = parts[2];
END;
COMMENT ON FUNCTION parley.route_function(text) IS
	'returns the function with that qualified name, whether or not the caller may use its schema; null if there is none or several';

CREATE FUNCTION parley.check_route(
	function text, method text DEFAULT NULL, path text DEFAULT NULL, auth text DEFAULT NULL, status integer DEFAULT NULL,
	OUT fatal boolean, OUT problem text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET standard_conforming_strings = on
AS $$
DECLARE
	found pg_proc := (SELECT p FROM pg_proc p WHERE p.oid = parley.route_function(check_route.function));
	arguments text[];
BEGIN
	IF found IS NULL THEN
		RETURN QUERY SELECT true, format(CASE count(*) WHEN 0 THEN 'function %s does not exist' ELSE 'there are several functions %s' END, function)
			FROM pg_proc f WHERE format('%I.%I', f.pronamespace::regnamespace, f.proname) = function OR f.proname = function;
		RETURN;
	END IF;
	arguments := ARRAY(SELECT found.proargnames[n] FROM generate_series(1, coalesce(cardinality(found.proargmodes), found.pronargs)) n
		WHERE coalesce(found.proargmodes[n], 'i') IN ('i', 'b', 'v'));

	-- What cannot work.
	RETURN QUERY
	SELECT true, p.problem FROM (VALUES
		(found.prokind <> 'f', 'only a function can answer, not a procedure, an aggregate or a window function'),
		(found.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype), 'the function can only be called by PostgreSQL itself'),
		(found.prorettype = 'record'::regtype AND found.proargmodes IS NULL, 'the function returns record without saying which columns'),
		(found.provariadic <> 0, 'the function is VARIADIC'),
		(coalesce(array_position(arguments, '') IS NOT NULL, false) OR cardinality(arguments) < found.pronargs, 'an argument has no name'),
		(auth = 'user' AND path !~ '\{user_id\}', 'auth is user, but the path has no {user_id}'),
		(auth = 'application' AND path !~ '\{token\}', 'auth is application, but the path has no {token}'),
		(status NOT BETWEEN 200 AND 204, 'status must be from 200 to 204')
	) AS p(is_so, problem) WHERE p.is_so
	UNION ALL
	SELECT true, format('the path has {%s}, but the function has no argument %s', m[1], m[1])
	FROM regexp_matches(path, '\{([a-z_]+)\}', 'g') m WHERE m[1] <> ALL (arguments)
	UNION ALL
	SELECT true, format('{%s} is bound from %s, not from the path', m[1], CASE m[1] WHEN 'null_fields' THEN 'the body' ELSE 'the token' END)
	FROM regexp_matches(path, '\{(caller_id|caller_role|caller_phone|null_fields)\}', 'g') m
	UNION ALL
	SELECT true, format('argument %s is bound from %s, and must be %s', a.name, w.source, w.type::regtype)
	FROM unnest(arguments, found.proargtypes::oid[]) AS a(name, type)
		JOIN (VALUES ('caller_id', 'the token', 'bigint'::regtype), ('caller_role', 'the token', 'text'),
			('caller_phone', 'the token', 'text'), ('null_fields', 'the fields that are null', 'text[]')) AS w(name, source, type) ON w.name = a.name
	WHERE a.type <> w.type
	UNION ALL
	SELECT true, format('%s %s has the same shape', r.method, r.path)
	FROM parley.routes r
	WHERE r.method = check_route.method AND r.path <> check_route.path
		AND regexp_replace(r.path, '\{\w+\}', '{}', 'g') = regexp_replace(check_route.path, '\{\w+\}', '{}', 'g')
	UNION ALL
	-- add_route() grants both.
	SELECT true, format('parley_gateway may not %s', CASE WHEN NOT m.may_use THEN format('use schema %I', found.pronamespace::regnamespace)
		ELSE 'execute the function' END)
	FROM parley.routes r, LATERAL (SELECT has_schema_privilege('parley_gateway', found.pronamespace, 'USAGE') AS may_use,
		has_function_privilege('parley_gateway', found.oid, 'EXECUTE') AS may_execute) m
	WHERE r.method = check_route.method AND r.path = check_route.path AND r.function = check_route.function AND NOT (m.may_use AND m.may_execute);

	-- What may behave unexpectedly.
	RETURN QUERY
	SELECT false, p.problem FROM (VALUES
		-- A function in C may act as its owner by itself.
		(NOT found.prosecdef AND found.prolang <> (SELECT l.oid FROM pg_language l WHERE l.lanname = 'c'), 'the function is not SECURITY DEFINER: it has the rights of parley_gateway, which may read no table'),
		(found.prosecdef AND NOT coalesce(found.proconfig && ARRAY(SELECT c FROM unnest(found.proconfig) c WHERE c ~ '^search_path=.*pg_temp"?$'), false),
			'the function is SECURITY DEFINER and does not pin its search_path, with pg_temp last: its caller chooses what its names mean'),
		(method = 'GET' AND found.provolatile = 'v', 'the function is VOLATILE: a GET runs in a read-only transaction, and fails where it writes'),
		(method IN ('POST', 'PUT', 'DELETE') AND found.provolatile <> 'v', 'the function is not VOLATILE, so it cannot write'),
		(found.proisstrict AND found.pronargdefaults > 0, 'the function is STRICT: when an optional argument is absent it is not run, and the answer is empty')
	) AS p(is_so, problem) WHERE p.is_so
	UNION ALL
	SELECT false, format('argument %s: the check of %s is not written in a shape that can be read, and no COMMENT ON DOMAIN tells clients what it asks',
		a.name, a.type::regtype)
	FROM unnest(arguments, found.proargtypes::oid[]) AS a(name, type)
	WHERE parley.argument_bounds(a.type) ? 'more' AND obj_description(a.type, 'pg_type') IS NULL
	UNION ALL
	SELECT false, format('argument %s is bound from the header Idempotency-Key, not from the %s', a, CASE WHEN path ~ '\{idempotency_key\}' THEN 'path' ELSE 'query' END)
	FROM unnest(arguments) a WHERE a = 'idempotency_key' AND (method IN ('GET', 'DELETE') OR path ~ '\{idempotency_key\}')
	UNION ALL
	SELECT false, format('column %s speaks to the gateway, and must be %s: see docs/routes.md', c.name, m.type)
	FROM (
		SELECT found.proargnames[n] AS name, found.proallargtypes[n] AS type
		FROM generate_series(1, cardinality(found.proargmodes)) n WHERE found.proargmodes[n] IN ('o', 'b', 't')
		UNION ALL
		SELECT a.attname, a.atttypid FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE t.oid = found.prorettype
	) c
		JOIN (VALUES ('created', 'boolean'::regtype), ('replayed', 'boolean'), ('total_count', 'bigint'), ('incomplete', 'boolean'), ('refused', 'text'),
			('refused_detail', 'text'))
			AS m(name, type) ON m.name = c.name
	WHERE c.type <> m.type AND (m.name <> 'incomplete' OR found.proretset)
	UNION ALL
	SELECT false, format('column %s is no field: it becomes a link to the next page, by an argument %s that the function does not have', c.name, substr(c.name, 6))
	FROM (
		SELECT found.proargnames[n] AS name FROM generate_series(1, cardinality(found.proargmodes)) n WHERE found.proargmodes[n] IN ('o', 'b', 't')
		UNION ALL
		SELECT a.attname FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE t.oid = found.prorettype
	) c WHERE c.name ~ '^next_' AND substr(c.name, 6) <> ALL (arguments)
	UNION ALL
	SELECT false, format('status is %s: the answer has no body', status) WHERE status = 204 AND found.prorettype <> 'void'::regtype;
END $$;
COMMENT ON FUNCTION parley.check_route(text, text, text, text, integer) IS
	'Returns problems of a function, given by its qualified name, as the function of a route. fatal is true if it cannot work, and '
	'false if it may behave unexpectedly. Does not check what is not given.';

CREATE FUNCTION parley.keep_route_changes() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_OP = 'TRUNCATE' THEN
		INSERT INTO parley.closed_routes SELECT r.path, r.method FROM parley.routes r WHERE r.built_in ON CONFLICT DO NOTHING;
	ELSIF TG_OP = 'DELETE' THEN
		INSERT INTO parley.closed_routes SELECT OLD.path, OLD.method WHERE OLD.built_in ON CONFLICT DO NOTHING;
		RETURN OLD;
	ELSIF TG_OP = 'UPDATE' THEN
		IF OLD.built_in AND (NEW.path, NEW.method) <> (OLD.path, OLD.method) THEN
			INSERT INTO parley.closed_routes VALUES (OLD.path, OLD.method) ON CONFLICT DO NOTHING;
			NEW.built_in := false;
		END IF;
		NEW.changed := NEW.built_in AND (NEW.changed OR NEW IS DISTINCT FROM OLD);
		RETURN NEW;
	ELSIF NEW.built_in AND NOT NEW.changed THEN
		-- A version of the extension ships the route: what the installation changed about it stays.
		UPDATE parley.routes r SET built_in = true, changed = true WHERE (r.path, r.method) = (NEW.path, NEW.method);
		RETURN CASE WHEN NOT FOUND AND NOT EXISTS (SELECT FROM parley.closed_routes c WHERE (c.path, c.method) = (NEW.path, NEW.method)) THEN NEW END;
	ELSE
		-- The installation's route, inserted now or by a restore: it replaces the shipped one.
		DELETE FROM parley.routes r WHERE (r.path, r.method) = (NEW.path, NEW.method) AND r.built_in AND NOT r.changed;
		-- It was closed by the line above, or before.
		DELETE FROM parley.closed_routes c WHERE (c.path, c.method) = (NEW.path, NEW.method);
		NEW.built_in := NEW.built_in OR FOUND;
		NEW.changed := NEW.built_in;
		RETURN NEW;
	END IF;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION parley.keep_route_changes() IS
	'Trigger of routes: makes sure that what an installation changes or deletes of the shipped routes is dumped, and restored.';

CREATE TRIGGER routes_keep_changes BEFORE INSERT OR UPDATE OR DELETE ON parley.routes
	FOR EACH ROW EXECUTE FUNCTION parley.keep_route_changes();
CREATE TRIGGER routes_keep_truncation BEFORE TRUNCATE ON parley.routes
	FOR EACH STATEMENT EXECUTE FUNCTION parley.keep_route_changes();

CREATE FUNCTION parley.close_route() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- If the trigger of routes inserted this row, the route is being deleted already.
	IF pg_trigger_depth() = 1 THEN
		DELETE FROM parley.routes r WHERE (r.path, r.method) = (NEW.path, NEW.method);
	END IF;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION parley.close_route() IS 'Trigger of closed_routes: deletes a route that is closed according to a dump.';

CREATE TRIGGER closed_routes_are_closed AFTER INSERT ON parley.closed_routes
	FOR EACH ROW EXECUTE FUNCTION parley.close_route();

