-- help: lists the functions for the operator, which are those that the operator may execute.

CREATE FUNCTION parley.public_functions(OUT module text, OUT oid oid) RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT min(CASE
			WHEN r.path ~ '/(accounts|transactions|transfers|ledger)(/|$)' THEN 'ledger'
			WHEN r.path ~ '/(events|sync)$' THEN 'live'
			WHEN r.path = '/openapi.json' THEN 'routes'
			ELSE split_part(r.path, '/', 2)
		END), parley.route_function(r.function)
	FROM parley.routes r
	WHERE parley.route_function(r.function) IS NOT NULL
	GROUP BY 2
	UNION
	SELECT s.module, p.oid
	FROM (VALUES
			('conversations', 'recent_conversations'), ('conversations', 'explain_search'), ('conversations', 'contains'),
			('conversations', 'audit_conversations'), ('conversations', 'rebuild_conversations'), ('conversations', 'scrub'),
			('contacts', 'create_contacts'), ('contacts', 'erasure_pending'), ('conversations', 'erase_messages'), ('conversations', 'erase_batch'),
			('ledger', 'post_transactions'), ('ledger', 'allow_negative'), ('ledger', 'close_account'), ('ledger', 'audit_ledger'),
			('ledger', 'rebuild_ledger'),
			('live', 'await_wakeups'),
			('loading', 'begin_bulk_load'), ('loading', 'build_bulk_load_index'), ('loading', 'finish_bulk_load'),
			('routes', 'describe_routes'), ('routes', 'check_route'), ('routes', 'add_route'), ('routes', 'help'),
			('shards', 'audit_shards'), ('shards', 'rekey_conversations')
		) s (module, name) JOIN pg_proc p ON p.proname = s.name AND p.pronamespace = to_regnamespace('parley');
END;
COMMENT ON FUNCTION parley.public_functions() IS
	'returns the functions that the operator may execute: those of routes, and those that are only called from SQL; all others in '
	'the schema are internal';

CREATE FUNCTION parley.help(OUT module text, OUT function text, OUT description text) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
BEGIN ATOMIC
	SELECT f.module,
		format('%s%s(%s)', CASE WHEN n.nspname <> 'parley' THEN quote_ident(n.nspname) || '.' END, quote_ident(p.proname),
			(SELECT string_agg(a.name, ', ' ORDER BY a.place) FROM unnest(p.proargnames) WITH ORDINALITY a (name, place)
				WHERE p.proargmodes IS NULL OR p.proargmodes[a.place] IN ('i', 'b'))),
		-- the first sentence
		substring(obj_description(p.oid, 'pg_proc') FROM '^.*?(?=[.:;](?: |$)|$)')
	FROM parley.public_functions() f JOIN pg_proc p ON p.oid = f.oid JOIN pg_namespace n ON n.oid = p.pronamespace
	ORDER BY f.module, p.proname, n.nspname;
END;
COMMENT ON FUNCTION parley.help() IS
	'Lists the functions for the operator by module, including routes that the installation added. All other functions in the '
	'schema are internal.';
