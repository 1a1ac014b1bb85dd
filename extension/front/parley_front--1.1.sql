-- parley_front: parley's routes for a home database and a number of shards, which is a power of two. Its own database has parley's types,
-- functions and routes, but no rows. connect() sets where the other databases are. build() reads the catalog and parley.routes, and for
-- each route creates parley_front.NAME, which has the same arguments and columns, and calls the function in another database by
-- PL/Proxy (remote.h). The functions of the few routes that need several calls are defined below; what they call is in parley_remote.
-- What the routes call often has no search_path of its own, because setting one costs as much as the rest; their callers pin it.
\echo Use "CREATE EXTENSION parley_front" to load this file. \quit

CREATE SCHEMA parley_remote;
COMMENT ON SCHEMA parley_remote IS 'calls to other databases through PL/Proxy, created by parley_front.build()';
CREATE SCHEMA parley_front;
COMMENT ON SCHEMA parley_front IS 'the functions of routes if there are several databases';

-- Calls of other databases, and which of these respond. Home is part -1, and shards are parts from 0 on.

CREATE FUNCTION parley_front.remote_handler() RETURNS language_handler
LANGUAGE c
AS 'MODULE_PATHNAME', 'parley_call_remote';
COMMENT ON FUNCTION parley_front.remote_handler() IS 'Calls the handler of PL/Proxy, but for no longer than parley.shard_timeout.';
CREATE LANGUAGE parley_remote HANDLER parley_front.remote_handler;
COMMENT ON LANGUAGE parley_remote IS 'PL/Proxy, with a limit on the time of a call';

CREATE FUNCTION parley_front.reach(part integer, count integer) RETURNS integer
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'parley_reach';
COMMENT ON FUNCTION parley_front.reach(integer, integer) IS
	'Returns the place of a part in the cluster, and notes that the call is for it. Each of the count parts has two places: '
	'the second one has its hosts in another order, for when the first of them does not respond. Errors: 08001 the part is away.';

CREATE FUNCTION parley_front.place(part integer, count integer) RETURNS SETOF integer
LANGUAGE sql STABLE ROWS 1
AS $$
	SELECT parley_front.reach(part, count)
$$;
COMMENT ON FUNCTION parley_front.place(integer, integer) IS
	'Same as reach, for RUN ON, which selects FROM a function: one that is inlined costs half as much there.';

CREATE FUNCTION parley_front.list_parts(state text, first integer, last integer) RETURNS integer[]
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'parley_list_parts';
COMMENT ON FUNCTION parley_front.list_parts(text, integer, integer) IS
	'Returns those of the parts that are in a state: near (it responds), away, or unknown (it was away, and it is time to try again).';

CREATE FUNCTION parley_front.part_has_changed(part integer) RETURNS boolean
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'parley_part_has_changed';
COMMENT ON FUNCTION parley_front.part_has_changed(integer) IS
	'Returns whether the part may have been away since this session asked last.';

CREATE FUNCTION parley_front.forget_failures() RETURNS void
LANGUAGE c
AS 'MODULE_PATHNAME', 'parley_forget_failures';
COMMENT ON FUNCTION parley_front.forget_failures() IS 'Lets the next call of each part that is away try again at once.';

CREATE FUNCTION parley_front.ask(parts integer[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET parley.shard_timeout = '500ms'
AS $$
DECLARE
	part integer;
BEGIN
	FOREACH part IN ARRAY parts LOOP
		BEGIN
			IF part < 0 THEN
				PERFORM parley_remote.ask_home();
			ELSE
				PERFORM parley_remote.ask_shard(part);
			END IF;
		EXCEPTION WHEN connection_exception THEN
			NULL;
		END;
	END LOOP;
END $$;
COMMENT ON FUNCTION parley_front.ask(integer[]) IS
	'Asks each of the parts whether it responds. Those that do not are away from then on.';

CREATE FUNCTION parley_front.near_parts(first integer, last integer) RETURNS integer[]
LANGUAGE plpgsql
AS $$
DECLARE
	near integer[] := parley_front.list_parts('near', first, last);
	unknown integer[];
BEGIN
	IF cardinality(near) > last - first THEN
		RETURN near;
	END IF;
	unknown := parley_front.list_parts('unknown', first, last);
	IF unknown <> '{}' THEN
		PERFORM parley_front.ask(unknown);
		near := parley_front.list_parts('near', first, last);
	END IF;
	IF near = '{}' THEN
		RAISE EXCEPTION 'no database can be reached' USING ERRCODE = 'sqlclient_unable_to_establish_sqlconnection';
	END IF;
	RETURN near;
END $$;
COMMENT ON FUNCTION parley_front.near_parts(integer, integer) IS
	'Returns those of the parts that respond. Errors: 08001 none does.';

-- The databases.

CREATE FUNCTION parley_front.token_shard(token text) RETURNS integer
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
	RETURN coalesce(parley.token_shard(token), 0);
END $$;
COMMENT ON FUNCTION parley_front.token_shard(text) IS
	'Returns the logical shard of an application. For an invalid token, returns any shard, where it will not be found.';

CREATE FUNCTION parley_front.shard_count() RETURNS integer
LANGUAGE plpgsql STABLE
AS $$
BEGIN
	-- Each has two places, and there is one other option.
	RETURN (SELECT (cardinality(s.srvoptions) - 1) / 2 FROM pg_foreign_server s WHERE s.srvname = 'parley_shards');
END $$;
COMMENT ON FUNCTION parley_front.shard_count() IS 'Returns the number of shard databases.';

CREATE FUNCTION parley_front.turn_hosts(place text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN regexp_replace(place, '\m(host|hostaddr|port)=([^ ,]+),([^ ]+)', '\1=\3,\2', 'g');
END $$;
COMMENT ON FUNCTION parley_front.turn_hosts(text) IS
	'Returns a connection string with the first of several hosts last. PL/Proxy waits forever for one that does not respond.';

CREATE FUNCTION parley_front.all_shards() RETURNS integer[]
LANGUAGE plpgsql STABLE
AS $$
BEGIN
	RETURN ARRAY(SELECT n FROM generate_series(0, parley_front.shard_count() - 1) n);
END $$;
COMMENT ON FUNCTION parley_front.all_shards() IS 'Returns the numbers of all shards, for calls that all of them must respond to.';

CREATE FUNCTION parley_front.connect(home text, VARIADIC shards text[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cluster record;
	wait_ms constant integer := extract(epoch FROM current_setting('parley.shard_timeout')::interval) * 1000;
	-- Errors pass their column in the detail. A statement that lasts too long must end before the front stops waiting for it, or the
	-- database would count as away.
	options constant text := ' -c parley.column_in_detail=on';
	quick constant text := format(' -c statement_timeout=%s', greatest(wait_ms - 500, wait_ms / 2));
BEGIN
	IF cardinality(shards) NOT IN (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024) THEN
		RAISE EXCEPTION 'the number of shards must be a power of two, not %', cardinality(shards) USING ERRCODE = 'invalid_parameter_value';
	END IF;
	FOR cluster IN SELECT * FROM (VALUES ('parley_home', ARRAY[home], quick), ('parley_shards', shards, quick),
			('parley_home_slow', ARRAY[home], ''), ('parley_shards_slow', shards, '')) c(name, places, timeout)
	LOOP
		EXECUTE format('DROP SERVER IF EXISTS %I CASCADE', cluster.name);
		EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER plproxy OPTIONS (connection_lifetime ''1800'', %s)', cluster.name,
			(SELECT string_agg(format('p%s %L', n - 1, format('%s options=''%s''', place, options || cluster.timeout)), ', ')
				FROM unnest(cluster.places || ARRAY(SELECT parley_front.turn_hosts(p) FROM unnest(cluster.places) p)) WITH ORDINALITY p(place, n)));
		EXECUTE format('CREATE USER MAPPING FOR PUBLIC SERVER %I OPTIONS (user ''parley_gateway'')', cluster.name);
		EXECUTE format('GRANT USAGE ON FOREIGN SERVER %I TO parley_owner, parley_gateway, parley_operator', cluster.name);
	END LOOP;
	PERFORM parley_front.forget_failures();
	PERFORM parley_front.build();
END $$;
COMMENT ON FUNCTION parley_front.connect(text, text[]) IS
	'Sets where home and the shards are, and calls build(). These are connection strings (host=… port=… dbname=…) without a user and '
	'options. The shards are '
	'given in order, and their number must be a power of two. Statements there may last half a second less than parley.shard_timeout '
	'does now; those of settle() and audit() may last longer.';

-- Generated functions.

CREATE FUNCTION parley_front.own(routine regprocedure) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('ALTER FUNCTION %s OWNER TO parley_owner', routine);
	EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
	EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_gateway, parley_operator', routine);
END $$;
COMMENT ON FUNCTION parley_front.own(regprocedure) IS
	'Makes parley''s owner the owner of a function, and lets the gateway and the operator call it.';

CREATE FUNCTION parley_front.argument_names(source regproc, modes text) RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(SELECT quote_ident(a.name) FROM pg_proc p,
			unnest(p.proargnames, coalesce(p.proargmodes, array_fill('i'::"char", ARRAY[p.pronargs::integer]))) WITH ORDINALITY a(name, mode, n)
		WHERE p.oid = source AND strpos(modes, a.mode::text) > 0 ORDER BY a.n);
END $$;
COMMENT ON FUNCTION parley_front.argument_names(regproc, text) IS
	'Returns the quoted names of a function''s arguments that have one of the modes.';

CREATE FUNCTION parley_front.home() RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN $r$'parley_home'; RUN ON parley_front.place(-1, 1)$r$;
END $$;
COMMENT ON FUNCTION parley_front.home() IS 'Returns the PL/Proxy statement that runs a function at home.';

CREATE FUNCTION parley_front.shard_of(key text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format($r$'parley_shards'; RUN ON parley_front.place((%s & %s)::integer, %s)$r$, key, parley_front.shard_count() - 1,
		parley_front.shard_count());
END $$;
COMMENT ON FUNCTION parley_front.shard_of(text) IS
	'Returns the PL/Proxy statement that runs a function on the shard of a key, which is an expression.';

CREATE FUNCTION parley_front.each_shard() RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format($r$'parley_shards'; SPLIT parts; RUN ON parley_front.place(parts, %s)$r$, parley_front.shard_count());
END $$;
COMMENT ON FUNCTION parley_front.each_shard() IS
	'Returns the PL/Proxy statement that runs a function on each of the shards in its argument parts.';

CREATE FUNCTION parley_front.make_remote(source regproc, statements text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found pg_proc := (SELECT p FROM pg_proc p WHERE p.oid = source);
BEGIN
	EXECUTE format('CREATE FUNCTION parley_remote.%I(%s) RETURNS %s LANGUAGE parley_remote AS %L',
		found.proname, pg_get_function_arguments(found.oid), pg_get_function_result(found.oid), statements);
	PERFORM parley_front.own(p.oid) FROM pg_proc p WHERE p.pronamespace = 'parley_remote'::regnamespace AND p.proname = found.proname;
END $$;
COMMENT ON FUNCTION parley_front.make_remote(regproc, text) IS
	'Creates parley_remote.NAME of these PL/Proxy statements, with the arguments and columns of parley.NAME.';

CREATE FUNCTION parley_front.call_of(source regproc, runs_on text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found pg_proc := (SELECT p FROM pg_proc p WHERE p.oid = source);
BEGIN
	RETURN format('CLUSTER %s; ',
			CASE runs_on WHEN 'home' THEN parley_front.home() WHEN 'token' THEN parley_front.shard_of('parley_front.token_shard(token)')
				ELSE parley_front.shard_of(quote_ident(runs_on)) END)
		-- TARGET casts each column, which the shard has to parse. But PL/Proxy replaces the word FROM if it is the name of an argument.
		|| CASE WHEN 'from' = ANY (found.proargnames) THEN format('TARGET parley.%I;', found.proname)
			ELSE format('SELECT * FROM parley.%I(%s);', found.proname,
				(SELECT string_agg('$' || n, ', ' ORDER BY n) FROM generate_series(1, found.pronargs) n)) END;
END $$;
COMMENT ON FUNCTION parley_front.call_of(regproc, text) IS
	'Returns the PL/Proxy statements that call a function of parley at home or on the shard of an argument.';

CREATE FUNCTION parley_front.make_front(source regproc, body text, language text DEFAULT 'plpgsql') RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found pg_proc := (SELECT p FROM pg_proc p WHERE p.oid = source);
	made regprocedure;
BEGIN
	EXECUTE format('CREATE FUNCTION parley_front.%I(%s) RETURNS %s LANGUAGE %I %s SECURITY DEFINER %s SET search_path = pg_catalog, pg_temp AS %L',
		found.proname, pg_get_function_arguments(found.oid), pg_get_function_result(found.oid), language,
		-- PL/Proxy refuses functions that are not VOLATILE.
		CASE WHEN found.provolatile = 'v' OR language = 'parley_remote' THEN 'VOLATILE' ELSE 'STABLE' END,
		CASE WHEN found.proretset THEN 'ROWS ' || found.prorows END, body);
	SELECT p.oid INTO made FROM pg_proc p WHERE p.pronamespace = 'parley_front'::regnamespace AND p.proname = found.proname;
	EXECUTE format('COMMENT ON FUNCTION %s IS %L', made, obj_description(found.oid, 'pg_proc'));
	PERFORM parley_front.own(made);
END $$;
COMMENT ON FUNCTION parley_front.make_front(regproc, text, text) IS
	'Creates parley_front.NAME with this body, and with the arguments, columns and comment of parley.NAME.';

CREATE FUNCTION parley_front.make_steps(source regproc, body text, declarations text DEFAULT '') RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley_front.make_front(source, format($body$
		#variable_conflict use_variable
		DECLARE
			%s
		BEGIN
			%s
		END $body$, declarations, body));
END $$;
COMMENT ON FUNCTION parley_front.make_steps(regproc, text, text) IS 'Creates parley_front.NAME, which consists of several calls.';

CREATE FUNCTION parley_front.after_home(statements text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format($body$
			BEGIN
				%s
			EXCEPTION WHEN sqlclient_unable_to_establish_sqlconnection THEN
				RAISE EXCEPTION '%%', SQLERRM USING ERRCODE = 'connection_failure';
			END;$body$, statements);
END $$;
COMMENT ON FUNCTION parley_front.after_home(text) IS
	'Returns PL/pgSQL statements that execute others when home has already changed something: their error cannot mean that nothing was done.';

CREATE FUNCTION parley_front.ask_near_shards(body text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format($body$
		<<attempts>>
		FOR attempt IN 1 .. 3 LOOP
			near := parley_front.near_parts(0, %1$s);
			BEGIN
				%2$s
				EXIT attempts;
			EXCEPTION WHEN connection_exception THEN
				IF attempt = 3 THEN
					RAISE;
				END IF;
				PERFORM parley_front.ask(near);
			END;
		END LOOP;
		is_incomplete := cardinality(near) <= %1$s;
		$body$, parley_front.shard_count() - 1, body);
END $$;
COMMENT ON FUNCTION parley_front.ask_near_shards(text) IS
	'Returns PL/pgSQL statements that execute others for the shards "near", and repeat them without those that turn out to be away.';

-- A list of all shards. We ask each for rows after the same position, and take the newest of them. The cursor is valid on all shards.
CREATE FUNCTION parley_front.make_list(source regproc) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found pg_proc := (SELECT p FROM pg_proc p WHERE p.oid = source);
	names text[] := parley_front.argument_names(source, 'ib');
	filters text := (SELECT string_agg(n, ', ') FROM unnest(names) n WHERE n NOT IN ('page', '"limit"', 'cursor', 'count', 'caller_role'));
	call text := (SELECT string_agg(CASE n WHEN 'page' THEN 'NULL' WHEN 'cursor' THEN 'place' WHEN 'count' THEN 'NULL' ELSE n END, ', ')
		FROM unnest(names) n);
	count_call text := (SELECT string_agg(CASE n WHEN 'page' THEN 'NULL' WHEN 'cursor' THEN 'NULL' WHEN '"limit"' THEN '1' ELSE n END, ', ')
		FROM unnest(names) n);
	-- PL/Proxy replaces every word of its query that is the name of an argument, and some arguments are called "from" and "limit".
	arguments text := (SELECT string_agg(format('a%s %s', n, t::regtype), ', ') FROM unnest(found.proargtypes::oid[]) WITH ORDINALITY a(t, n));
	passed text := (SELECT string_agg(format('a%s', n), ', ') FROM generate_series(1, found.pronargs) n);
BEGIN
	-- A shard that does not know the user has no rows of theirs.
	PERFORM parley_front.make_helper(format('%I(parts integer[], %s)', found.proname, arguments), pg_get_function_result(found.oid),
		parley_front.each_shard(), format(CASE names[1] WHEN 'user_id' THEN 'SELECT l.* FROM parley_shard.knows(a1) k, LATERAL parley.%I(%s) l'
			ELSE 'SELECT l.* FROM parley.%I(%s) l' END, found.proname, passed));
	PERFORM parley_front.make_steps(source, format($body$
		IF page IS NOT NULL AND cursor IS NOT NULL THEN
			RAISE EXCEPTION 'either page or cursor can be given, not both' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'page';
		END IF;
		%1$s
		%2$s
		FOR n IN 1 .. coalesce(cardinality(rows), 0) LOOP
			answer := rows[n];
			answer.total_count := total;
			answer.incomplete := is_incomplete;
			answer.next_cursor := CASE WHEN more AND n = cardinality(rows)
				THEN parley_front.list_cursor(answer."timestamp", answer.conversation_id) || hash END;
			RETURN NEXT answer;
		END LOOP;
		-- A row that is not an element.
		IF (count IS NOT NULL OR is_incomplete) AND coalesce(cardinality(rows), 0) = 0 THEN
			answer := NULL;
			answer.total_count := total;
			answer.incomplete := is_incomplete;
			RETURN NEXT answer;
		END IF;
		$body$,
		parley_front.ask_near_shards(format($body$
				place := parley_front.list_place(cursor, hash);
				FOR turn IN 1 .. coalesce(page, 1) LOOP
					SELECT array_agg(r ORDER BY r."timestamp" DESC, r.conversation_id DESC) FILTER (WHERE r.conversation_id IS NOT NULL),
							coalesce(bool_or(r.next_cursor IS NOT NULL), false)
						INTO rows, more FROM parley_remote.%1$I(near, %2$s) r;
					more := more OR coalesce(cardinality(rows), 0) > "limit";
					rows := rows[:"limit"];
					IF turn < coalesce(page, 1) AND NOT more THEN
						rows := NULL;
						EXIT;
					END IF;
					IF turn > 1000 / "limit" THEN
						RAISE EXCEPTION 'page %% of %% rows is too deep', page, "limit" USING ERRCODE = 'invalid_parameter_value', COLUMN = 'page',
							HINT = 'Follow the "next" links.';
					END IF;
					answer := rows[cardinality(rows)];
					place := parley_front.list_cursor(answer."timestamp", answer.conversation_id);
				END LOOP;
				IF count IS NOT NULL THEN
					-- One row of each shard contains its count.
					SELECT sum(r.total_count) INTO total FROM parley_remote.%1$I(near, %3$s) r;
				END IF;
				$body$, found.proname, call, count_call)),
		CASE names[1] WHEN 'user_id' THEN 'IF rows IS NULL THEN PERFORM parley_remote.require_contact(user_id); END IF;' END),
		format('rows %1$s[]; answer %1$s; place text; more boolean; total bigint; near integer[]; is_incomplete boolean; '
			'hash text := left(md5(ROW(%2$s)::text), 8);', found.prorettype::regtype, filters));
END $$;
COMMENT ON FUNCTION parley_front.make_list(regproc) IS
	'Creates a list of conversations on all shards: asks each for rows after the same position, and takes the newest of them.';

CREATE FUNCTION parley_front.list_cursor(at timestamptz, conversation_id bigint) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
	RETURN lpad(to_hex((extract(epoch FROM at - '2000-01-01Z'::timestamptz) * 1000000)::bigint), 16, '0')
		|| lpad(to_hex(conversation_id), 16, '0');
END $$;
COMMENT ON FUNCTION parley_front.list_cursor(timestamptz, bigint) IS
	'Returns a cursor of a position, which parley''s lists accept with any filters.';

CREATE FUNCTION parley_front.list_place(cursor text, hash text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
	IF cursor !~ '^[0-9a-f]{40}$' OR right(cursor, 8) <> hash THEN
		RAISE EXCEPTION 'invalid cursor' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'cursor',
			DETAIL = 'It does not belong to this list.', HINT = 'Use the cursor of a "next" link unchanged.';
	END IF;
	RETURN left(cursor, 32);
END $$;
COMMENT ON FUNCTION parley_front.list_place(text, text) IS
	'Returns the position in a cursor of a list with these filters. Errors: 22023 it is not such a cursor.';

-- Calls to other databases that build() creates besides those of routes.

CREATE FUNCTION parley_front.make_helper(signature text, result text, place text, call text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('CREATE FUNCTION parley_remote.%s RETURNS %s LANGUAGE parley_remote AS $body$ CLUSTER %s; %s; $body$',
		signature, result, place, call);
	PERFORM parley_front.own(p.oid) FROM pg_proc p
		WHERE p.pronamespace = 'parley_remote'::regnamespace AND p.proname = substring(signature, '^[a-z_]+');
END $$;
COMMENT ON FUNCTION parley_front.make_helper(text, text, text, text) IS
	'Creates a function of parley_remote that calls one of parley_shard.';

CREATE FUNCTION parley_front.make_helpers() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	opened constant text := 'OUT id bigint, OUT kind parley.conversation_kind, %s OUT created_at timestamptz, OUT created boolean';
	synced constant text := 'OUT part integer, OUT cursor text, OUT messages json, OUT reads json, OUT transactions json, OUT more boolean, '
		'OUT changed boolean';
	woken constant text := 'place bigint, wait_ms integer, OUT "position" bigint, OUT user_ids bigint[], OUT is_complete boolean, '
		'OUT age_us bigint';
	await constant text := 'SELECT w.position, w.user_ids, w.is_complete, w.age_us FROM parley.await_wakeups(place, wait_ms) w';
	erased constant text := '(parts integer[], contact_id bigint, caller_id bigint, contact_rows jsonb[], OUT messages bigint,
		OUT idempotency_hashes bigint)';
	erase_copy constant text := 'SELECT * FROM parley_shard.erase_copy(contact_id, caller_id, contact_rows)';
	merged constant text := '(parts integer[], contact_id bigint, into_id bigint, contact_rows jsonb[], blocks jsonb)';
	merge_copy constant text := 'SELECT * FROM parley_shard.merge_copy(contact_id, into_id, contact_rows, blocks)';
	home constant text := parley_front.home();
	-- For what may take long.
	home_slow constant text := replace(parley_front.home(), 'parley_home', 'parley_home_slow');
	each_slow constant text := replace(parley_front.each_shard(), 'parley_shards', 'parley_shards_slow');
	each_shard constant text := parley_front.each_shard();
	each_with_cursor constant text := replace(parley_front.each_shard(), 'SPLIT parts', 'SPLIT parts, cursors');
	by_key constant text := parley_front.shard_of('key');
	by_conversation constant text := parley_front.shard_of('conversation_id');
BEGIN
	PERFORM parley_front.make_helper(h.signature, h.result, h.place, h.call) FROM (VALUES
		('get_row(name text, id bigint)', 'jsonb', home, 'TARGET parley_shard.get_row'),
		('copy(parts integer[], name text, copied jsonb)', 'SETOF text', each_shard,
			'SELECT parley_shard.remember(name, copied)::text'),
		('get_copy_due(relation text, row_id bigint, OUT copied jsonb, OUT number bigint)', 'record', home, 'TARGET parley_shard.get_copy_due'),
		('list_copies_due(OUT relation text, OUT row_id bigint, OUT created_at timestamptz)', 'SETOF record', home,
			'TARGET parley_shard.list_copies_due'),
		('forget_copy(relation text, row_id bigint, number bigint)', 'void', home, 'TARGET parley_shard.forget_copy'),
		('home_copies(name text)', 'SETOF jsonb', home_slow, 'TARGET parley_shard.copies'),
		('copies(parts integer[], name text)', 'SETOF jsonb', each_slow, 'SELECT * FROM parley_shard.copies(name)'),
		('require_contact(contact_id bigint)', 'parley.contact', home, 'TARGET parley.get_contact'),
		('find_recipient(user_id bigint, recipient_id bigint, phone text, email text)', 'bigint', home, 'TARGET parley_shard.find_recipient'),
		('shares_conversation(parts integer[], user_id bigint, contact_id bigint)', 'SETOF boolean', each_shard,
			'SELECT parley_shard.shares_conversation(user_id, contact_id)'),
		('has_direct_conversation(low_contact_id bigint, high_contact_id bigint)', 'boolean', parley_front.shard_of('low_contact_id'),
			'TARGET parley_shard.has_direct_conversation'),
		('count_opening(user_id bigint)', 'void', home, 'TARGET parley_shard.count_opening'),
		('open_direct(key bigint, user_row jsonb, other_row jsonb, phone text, '
			|| format(opened, 'OUT user1_id bigint, OUT user2_id bigint,') || ')',
			'record', by_key, 'SELECT * FROM parley_shard.open_direct_conversation(user_row, other_row, phone)'),
		('open_contact(key bigint, contact_row jsonb, OUT contact_id bigint, ' || format(opened, '') || ')', 'record', by_key,
			'SELECT * FROM parley_shard.open_contact_conversation(contact_row)'),
		('set_block(parts integer[], part integer, user_row jsonb, contact_row jsonb, blocked boolean)', 'SETOF text', each_shard,
			'SELECT parley_shard.set_block(part = (parts::integer[])[1], user_row, contact_row, blocked)::text'),
		('require_members(conversation_id bigint, user_id bigint, to_user_id bigint)', 'boolean', by_conversation,
			'TARGET parley_shard.require_members'),
		('post_due_transfer(user_id bigint, from_account_id bigint, to_user_id bigint, to_account_id bigint, amount bigint, memo text,
			conversation_id bigint, idempotency_key text, is_blocked boolean)', 'parley.posted_transfer', home, 'TARGET parley_shard.post_transfer'),
		('get_receipt(user_id bigint, account_id bigint, number bigint, OUT transfer_id bigint, OUT conversation_id bigint, OUT content text,
			OUT idempotency_key text, OUT message_id bigint)', 'record', home, 'TARGET parley_shard.get_receipt'),
		('list_receipts_due(OUT transfer_id bigint, OUT user_id bigint, OUT conversation_id bigint, OUT content text, OUT idempotency_key text,
			OUT created_at timestamptz)', 'SETOF record', home, 'TARGET parley_shard.list_receipts_due'),
		('post_receipt(conversation_id bigint, transfer_id bigint, user_id bigint, content text, idempotency_key text)', 'bigint',
			by_conversation, 'TARGET parley_shard.post_receipt'),
		('note_receipt(transfer_id bigint, message_id bigint)', 'void', home, 'TARGET parley_shard.note_receipt'),
		('begin_erasure(contact_id bigint, caller_id bigint)', 'parley.erasure', home, 'TARGET parley_shard.begin_erasure'),
		('begin_merge(contact_id bigint, from_contact_id bigint)', 'parley.contact', home, 'TARGET parley_shard.begin_merge'),
		('list_contacts_due(about_id bigint, OUT contact_id bigint, OUT into_id bigint, OUT caller_id bigint, OUT created_at timestamptz,
			OUT contact_rows jsonb[], OUT blocks jsonb)', 'SETOF record', home, 'TARGET parley_shard.list_contacts_due'),
		('finish_contact(contact_id bigint, messages bigint, idempotency_hashes bigint)', 'void', home, 'TARGET parley_shard.finish_contact'),
		('erase_copies' || erased, 'SETOF record', each_shard, erase_copy),
		('erase_copies_slowly' || erased, 'SETOF record', each_slow, erase_copy),
		('merge_copies' || merged, 'SETOF boolean', each_shard, merge_copy),
		('merge_copies_slowly' || merged, 'SETOF boolean', each_slow, merge_copy),
		('create_keyed_application(key integer, name text, idempotency_key text)', 'parley.created_application', by_key,
			'SELECT * FROM parley_shard.create_application(key, name, idempotency_key)'),
		('audit_shards(parts integer[])', 'SETOF text', each_slow, 'SELECT * FROM parley_shard.audit()'),
		('audit_home()', 'SETOF text', home_slow, 'TARGET parley_shard.audit'),
		('logical_shards(key integer)', 'SETOF integer', by_key, 'SELECT * FROM parley_shard.logical_shards()'),
		('sync_home(user_id bigint, parts integer[], cursors text[], page_size integer, thorough boolean, ' || synced || ')',
			'SETOF record', home,
			'SELECT * FROM parley_shard.sync($1, $2, $3, $4, $5)'),
		('sync_shards(user_id bigint, parts integer[], cursors text[], page_size integer, thorough boolean, ' || synced || ')', 'SETOF record',
			each_with_cursor, 'SELECT * FROM parley_shard.sync($1, $2, $3, $4, $5)'),
		('sync_list_shards(parts integer[], cursors text[], page_size integer, OUT part integer, OUT cursor text, OUT conversations json,
			OUT is_whole boolean, OUT more boolean, OUT changed boolean)', 'SETOF record', each_with_cursor, 'SELECT * FROM parley_shard.sync_list($1, $2, $3)'),
		('await_home(' || woken || ')', 'record', home, await),
		('await_shard(key integer, ' || woken || ')', 'record', by_key, await),
		('ask_home()', 'integer', home, 'SELECT 1'),
		('ask_shard(key integer)', 'integer', by_key, 'SELECT 1')) h(signature, result, place, call);
END $$;
COMMENT ON FUNCTION parley_front.make_helpers() IS 'Creates the functions that call those of parley_shard.';

-- Wake-ups. The gateway has a listener for each database. Source 0 is home, and the shards follow.

CREATE FUNCTION parley_front.await_wakeups(
	INOUT "position" bigint, patience_ms integer, source integer, OUT user_ids bigint[], OUT is_complete boolean, OUT age_us bigint,
	OUT sources integer)
LANGUAGE plpgsql
AS $$
BEGIN
	sources := parley_front.shard_count() + 1;
	IF source = 0 THEN
		SELECT w.position, w.user_ids, w.is_complete, w.age_us INTO "position", user_ids, is_complete, age_us
			FROM parley_remote.await_home("position", patience_ms) w;
	ELSE
		SELECT w.position, w.user_ids, w.is_complete, w.age_us INTO "position", user_ids, is_complete, age_us
			FROM parley_remote.await_shard(source - 1, "position", patience_ms) w;
	END IF;
	-- While the database was away, sync may have left out what somebody was woken for.
	is_complete := is_complete AND NOT parley_front.part_has_changed(source - 1);
EXCEPTION WHEN connection_exception THEN
	-- Nobody can be woken until it responds again.
	PERFORM pg_sleep(least(patience_ms, 500) / 1000.0);
	user_ids := '{}';
	is_complete := true;
	age_us := 0;
END $$;
COMMENT ON FUNCTION parley_front.await_wakeups(bigint, integer, integer) IS
	'Same as parley.await_wakeups for the database of a source. While that is away, nobody is woken. Afterwards, everybody is.';

-- The routes that need several calls. Their steps are in such an order that it is harmless if a crash omits the last ones, and a retry
-- does them.

CREATE FUNCTION parley_front.get_contact_row(contact_id bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	contact_row jsonb := parley_remote.get_row('contacts', contact_id);
BEGIN
	IF contact_row ->> 'merged_into_id' IS NOT NULL THEN
		contact_row := parley_remote.get_row('contacts', (contact_row ->> 'merged_into_id')::bigint);
	END IF;
	IF contact_row IS NULL THEN
		RAISE EXCEPTION 'contact % does not exist', contact_id USING ERRCODE = 'no_data_found', COLUMN = 'contact_id';
	END IF;
	RETURN contact_row;
END $$;
COMMENT ON FUNCTION parley_front.get_contact_row(bigint) IS 'Returns the row of a contact from home. Errors: P0002 no such contact.';

CREATE FUNCTION parley_front.shares_conversation(user_id bigint, contact_id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT bool_or(s) FROM parley_remote.shares_conversation(parley_front.all_shards(), user_id, contact_id) s);
END $$;
COMMENT ON FUNCTION parley_front.shares_conversation(bigint, bigint) IS 'Returns whether both are members of a conversation on any shard.';

CREATE FUNCTION parley_front.find_recipient_row(
	user_id bigint, recipient_id bigint, phone parley.phone_number, email parley.email_address, caller_role text)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	other_row jsonb := parley_remote.get_row('contacts', parley_remote.find_recipient(user_id, recipient_id, phone, email));
BEGIN
	IF caller_role = 'user' AND (recipient_id IS NOT NULL OR other_row ->> 'registered_at' IS NULL)
			AND NOT parley_front.shares_conversation(user_id, (other_row ->> 'id')::bigint) THEN
		RAISE EXCEPTION '%', CASE WHEN recipient_id IS NOT NULL THEN format('contact %s does not exist', recipient_id)
				WHEN phone IS NOT NULL THEN 'no contact has that phone' ELSE 'no contact has that email' END
			USING ERRCODE = 'no_data_found',
				COLUMN = CASE WHEN recipient_id IS NOT NULL THEN 'recipient_id' WHEN phone IS NOT NULL THEN 'phone' ELSE 'email' END;
	END IF;
	RETURN other_row;
END $$;
COMMENT ON FUNCTION parley_front.find_recipient_row(bigint, bigint, parley.phone_number, parley.email_address, text) IS
	'Same as parley.find_recipient, but returns the row from home.';

CREATE FUNCTION parley_front.post_receipt(conversation_id bigint, transfer_id bigint, user_id bigint, content text, idempotency_key text)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	message_id bigint := parley_remote.post_receipt(conversation_id, transfer_id, user_id, content, idempotency_key);
BEGIN
	PERFORM parley_remote.note_receipt(transfer_id, message_id);
	RETURN message_id;
END $$;
COMMENT ON FUNCTION parley_front.post_receipt(bigint, bigint, bigint, text, text) IS
	'Posts a receipt that is due, and records that it was posted.';

-- Others may change the row meanwhile, and copy an older one after a newer one. So we are done when the row is the one that we copied.
-- All shards get a copy, also those that had none, so that nobody makes one there of an older row (meet).
CREATE FUNCTION parley_front.finish_copy(relation text, row_id bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	last constant integer := parley_front.shard_count() - 1;
	asked integer[];
	near integer[] := parley_front.near_parts(0, last);
	copied jsonb;
	due record;
BEGIN
	LOOP
		due := parley_remote.get_copy_due(relation, row_id);
		EXIT WHEN due.copied IS NULL OR due.copied = copied;
		BEGIN
			PERFORM parley_remote.copy(near, relation, due.copied);
			copied := due.copied;
		EXCEPTION WHEN connection_exception THEN
			copied := NULL;
			asked := near;
			PERFORM parley_front.ask(asked);
			near := parley_front.near_parts(0, last);
			IF near = asked THEN
				RAISE;
			END IF;
		END;
	END LOOP;
	IF cardinality(near) <= last THEN
		RAISE EXCEPTION 'a shard is away' USING ERRCODE = 'connection_failure';
	END IF;
	PERFORM parley_remote.forget_copy(relation, row_id, due.number);
END $$;
COMMENT ON FUNCTION parley_front.finish_copy(text, bigint) IS
	'Makes the copies of a row of contacts or agents the same as at home, and records that it has. Errors: 08006 a shard is away.';

-- An erasure or a merge that home has begun. Each shard does its part, and then home records that they have.
CREATE FUNCTION parley_front.finish_contact(due record, slowly boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	shards constant integer[] := parley_front.all_shards();
	messages bigint;
	hashes bigint;
BEGIN
	IF due.into_id IS NULL AND slowly THEN
		SELECT sum(e.messages), sum(e.idempotency_hashes) INTO messages, hashes
			FROM parley_remote.erase_copies_slowly(shards, due.contact_id, due.caller_id, due.contact_rows) e;
	ELSIF due.into_id IS NULL THEN
		SELECT sum(e.messages), sum(e.idempotency_hashes) INTO messages, hashes
			FROM parley_remote.erase_copies(shards, due.contact_id, due.caller_id, due.contact_rows) e;
	ELSIF slowly THEN
		PERFORM parley_remote.merge_copies_slowly(shards, due.contact_id, due.into_id, due.contact_rows, due.blocks);
	ELSE
		PERFORM parley_remote.merge_copies(shards, due.contact_id, due.into_id, due.contact_rows, due.blocks);
	END IF;
	PERFORM parley_remote.finish_contact(due.contact_id, messages, hashes);
END $$;
COMMENT ON FUNCTION parley_front.finish_contact(record, boolean) IS
	'Lets all shards do what is due of a contact (a row of list_contacts_due), for as long as it takes if slowly.';

CREATE FUNCTION parley_front.finish_contacts(contact_id bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	due record;
BEGIN
	FOR due IN SELECT * FROM parley_remote.list_contacts_due(contact_id) LOOP
		PERFORM parley_front.finish_contact(due, false);
	END LOOP;
END $$;
COMMENT ON FUNCTION parley_front.finish_contacts(bigint) IS 'Lets all shards do what is due of a contact.';

CREATE FUNCTION parley_front.require_strangers(contact_id bigint, other_id bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF contact_id <> other_id AND parley_front.shares_conversation(contact_id, other_id) THEN
		RAISE EXCEPTION 'contacts % and % have a conversation with each other', contact_id, other_id USING ERRCODE = 'PY409';
	END IF;
END $$;
COMMENT ON FUNCTION parley_front.require_strangers(bigint, bigint) IS
	'Errors: PY409 the two have a conversation with each other.';

CREATE FUNCTION parley_front.settle() RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET parley.shard_timeout = 0
AS $$
DECLARE
	due record;
	settled bigint := 0;
BEGIN
	FOR due IN SELECT * FROM parley_remote.list_receipts_due() LOOP
		BEGIN
			PERFORM parley_front.post_receipt(due.conversation_id, due.transfer_id, due.user_id, due.content, due.idempotency_key);
			settled := settled + 1;
		EXCEPTION WHEN OTHERS THEN
			RAISE WARNING 'the receipt of transfer % cannot be posted: %', due.transfer_id, SQLERRM;
		END;
	END LOOP;
	FOR due IN SELECT * FROM parley_remote.list_copies_due() LOOP
		BEGIN
			PERFORM parley_front.finish_copy(due.relation, due.row_id);
			settled := settled + 1;
		EXCEPTION WHEN OTHERS THEN
			RAISE WARNING '% % cannot be copied: %', due.relation, due.row_id, SQLERRM;
		END;
	END LOOP;
	FOR due IN SELECT * FROM parley_remote.list_contacts_due(NULL) LOOP
		BEGIN
			PERFORM parley_front.finish_contact(due, true);
			settled := settled + 1;
		EXCEPTION WHEN OTHERS THEN
			RAISE WARNING 'the % of contact % cannot be finished: %', CASE WHEN due.into_id IS NULL THEN 'erasure' ELSE 'merge' END,
				due.contact_id, SQLERRM;
		END;
	END LOOP;
	RETURN settled;
END $$;
COMMENT ON FUNCTION parley_front.settle() IS
	'Does what was omitted because of a crash, or because a shard was away, and returns how much: posts receipts, copies contacts and '
	'agents that have changed, and finishes erasures and merges of contacts. Warns of what cannot be done. Run it every minute.';

CREATE FUNCTION parley_front.audit() RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET parley.shard_timeout = 0
AS $$
DECLARE
	shards constant integer[] := parley_front.all_shards();
	relation text;
BEGIN
	RETURN QUERY SELECT 'home: ' || a FROM parley_remote.audit_home() a
		UNION ALL SELECT 'shard: ' || a FROM parley_remote.audit_shards(shards) a;
	FOREACH relation IN ARRAY ARRAY['contacts', 'agents'] LOOP
		RETURN QUERY SELECT format('%s: the copy of %s is not what home has', relation, c ->> 'id') FROM parley_remote.copies(shards, relation) c
			WHERE NOT EXISTS (SELECT FROM parley_remote.home_copies(relation) h WHERE h = c);
	END LOOP;
	RETURN QUERY SELECT format('shard %s has what belongs to logical shard %s', n, l)
		FROM unnest(shards) n, parley_remote.logical_shards(n) l WHERE l & (cardinality(shards) - 1) <> n;
	RETURN QUERY SELECT format('the receipt of transfer %s is due since %s', d.transfer_id, d.created_at)
		FROM parley_remote.list_receipts_due() d WHERE d.created_at < now() - interval '1 minute';
	RETURN QUERY SELECT format('the %s of contact %s is due since %s', CASE WHEN d.into_id IS NULL THEN 'erasure' ELSE 'merge' END,
			d.contact_id, d.created_at)
		FROM parley_remote.list_contacts_due(NULL) d WHERE d.created_at < now() - interval '1 minute';
	RETURN QUERY SELECT format('the copies of %s %s are due since %s', d.relation, d.row_id, d.created_at)
		FROM parley_remote.list_copies_due() d WHERE d.created_at < now() - interval '1 minute';
END $$;
COMMENT ON FUNCTION parley_front.audit() IS
	'Returns what is wrong in all databases: the results of their own audits, copies that differ, rows on a shard that their id does not '
	'belong to, and receipts, copies, erasures and merges that are overdue.';

-- Sync. Its cursor contains those of home and all shards. One that is away keeps its cursor, so what it has is delivered later.

CREATE FUNCTION parley_front.sync_all(
	user_id bigint, INOUT cursor text, page_size integer, thorough boolean,
	OUT messages json, OUT reads json, OUT transactions json, OUT more boolean, OUT changed boolean, OUT incomplete boolean)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
	shards constant integer := parley_front.shard_count();
	vector constant text := parley_front.spread_cursor(cursor, cursor || '_');
	-- The first one is that of home.
	given constant text[] := coalesce(substring(vector, '^s[.]([^_]*)_'), '')
		|| parley_front.read_cursor(regexp_replace(vector, '^s[.][^_]*_', 's.'), shards);
	cursors text[];
	near integer[];
	near_shards integer[];
	their_cursors text[];
	room integer;
	size integer;
	answer record;
	lists text[];
BEGIN
	<<attempts>>
	FOR attempt IN 1 .. 3 LOOP
		near := parley_front.near_parts(-1, shards - 1);
		near_shards := array_remove(near, -1);
		their_cursors := given[2:];
		IF cardinality(near_shards) < shards THEN
			their_cursors := ARRAY(SELECT given[n + 2] FROM unnest(near_shards) n);
		END IF;
		cursors := given;
		lists := ARRAY['', '', ''];
		room := page_size;
		more := false;
		changed := false;
		BEGIN
			FOR answer IN
				SELECT h.* FROM parley_remote.sync_home(user_id, ARRAY[-1], given[1:1], page_size, thorough) h WHERE near[1] = -1
				UNION ALL
				SELECT * FROM parley_remote.sync_shards(user_id, near_shards, their_cursors, page_size, thorough)
			LOOP
				size := json_array_length(answer.messages) + json_array_length(answer.transactions);
				-- It does not fit, so it is left for the next page.
				IF size > room THEN
					more := true;
					CONTINUE;
				END IF;
				room := room - size;
				more := more OR answer.more;
				changed := changed OR answer.changed;
				cursors[answer.part + 2] := answer.cursor;
				-- A database may still have rows from before a split that belong to another one now. Ignore these.
				IF answer.part < 0 THEN
					lists[3] := parley_front.join_lists(lists[3], answer.transactions);
				ELSE
					lists[1] := parley_front.join_lists(lists[1], answer.messages);
					lists[2] := parley_front.join_lists(lists[2], answer.reads);
				END IF;
			END LOOP;
			EXIT attempts;
		EXCEPTION WHEN connection_exception THEN
			IF attempt = 3 THEN
				RAISE;
			END IF;
			PERFORM parley_front.ask(near);
		END;
	END LOOP;
	incomplete := cardinality(near) <= shards;
	cursor := 's.' || array_to_string(cursors, '_');
	messages := '[' || lists[1] || ']';
	reads := '[' || lists[2] || ']';
	transactions := '[' || lists[3] || ']';
END $$;
COMMENT ON FUNCTION parley_front.sync_all(bigint, text, integer, boolean) IS
	'Same as parley.sync for home and all shards. The cursor contains theirs, in order. If the cursor of a database has expired, only that '
	'database starts from the beginning. incomplete says that a database is away.';

CREATE FUNCTION parley_front.spread_cursor(cursor text, home text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
	RETURN CASE WHEN cursor ~ '^[0-9]+[.][^_]+$' THEN 's.' || home || cursor ELSE cursor END;
END $$;
COMMENT ON FUNCTION parley_front.spread_cursor(text, text) IS
	'Returns the cursor for several databases that is the same as one from before there were several, because they are copies of the one. '
	'Returns any other cursor as it is.';

CREATE FUNCTION parley_front.read_cursor(cursor text, parts integer) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
	given text[] := coalesce(string_to_array(regexp_replace(cursor, '^s[.]', ''), '_'), ARRAY['']);
	known constant integer := cardinality(given);
BEGIN
	-- The cursor of a shard that does not know the user is not looked at there.
	IF cursor !~ '^s[.]([0-9]+[.][^_]*)?(_([0-9]+[.][^_]*)?)*$' OR known NOT BETWEEN 1 AND parts OR parts % greatest(known, 1) <> 0 THEN
		RAISE EXCEPTION 'invalid cursor' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'cursor',
			HINT = 'Use the cursor of an earlier response unchanged, or none to start over.';
	END IF;
	IF known = parts THEN
		RETURN given;
	END IF;
	-- If it has fewer shards than there are now, each has been split, and its cursor is valid for all its parts.
	RETURN ARRAY(SELECT given[1 + n % known] FROM generate_series(0, parts - 1) n);
END $$;
COMMENT ON FUNCTION parley_front.read_cursor(text, integer) IS
	'Returns the cursors of the shards that a cursor contains. Errors: 22023 it is not such a cursor.';

CREATE FUNCTION parley_front.sync_list_all(
	INOUT cursor text, page_size integer, OUT conversations json, OUT is_whole boolean, OUT more boolean, OUT changed boolean,
	OUT incomplete boolean)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
	shards constant integer := parley_front.shard_count();
	cursors text[] := parley_front.read_cursor(parley_front.spread_cursor(cursor, ''), shards);
	near integer[];
	failures integer := 0;
	answer record;
	lists text;
BEGIN
	is_whole := cursor IS NULL;
	<<again>>
	LOOP
		near := parley_front.near_parts(0, shards - 1);
		more := false;
		changed := false;
		lists := '';
		BEGIN
			FOR answer IN
				SELECT * FROM parley_remote.sync_list_shards(near, ARRAY(SELECT cursors[n + 1] FROM unnest(near) n), page_size)
			LOOP
				IF answer.is_whole AND NOT is_whole THEN
					is_whole := true;
					cursors := parley_front.read_cursor(NULL, shards);
					CONTINUE again;
				END IF;
				more := more OR answer.more;
				changed := changed OR answer.changed;
				cursors[answer.part + 1] := answer.cursor;
				lists := parley_front.join_lists(lists, answer.conversations);
			END LOOP;
			EXIT again;
		EXCEPTION WHEN connection_exception THEN
			failures := failures + 1;
			IF failures = 3 THEN
				RAISE;
			END IF;
			PERFORM parley_front.ask(near);
		END;
	END LOOP;
	incomplete := cardinality(near) < shards;
	cursor := 's.' || array_to_string(cursors, '_');
	SELECT coalesce(json_agg(e ORDER BY (e ->> 'timestamp')::timestamptz DESC NULLS LAST, (e ->> 'conversation_id')::bigint DESC), '[]')
		INTO conversations
		FROM (SELECT e FROM json_array_elements(('[' || lists || ']')::json) e
			ORDER BY (e ->> 'timestamp')::timestamptz DESC NULLS LAST, (e ->> 'conversation_id')::bigint DESC
			LIMIT CASE WHEN is_whole THEN page_size END) e;
END $$;
COMMENT ON FUNCTION parley_front.sync_list_all(text, integer) IS
	'Same as parley.sync_list for all shards. If one of them returns its first page, all of them do. incomplete says that one is away.';

CREATE FUNCTION parley_front.join_lists(elements text, list json) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
	RETURN CASE WHEN json_array_length(list) = 0 THEN elements
		ELSE elements || CASE WHEN elements <> '' THEN ',' ELSE '' END || regexp_replace(list::text, '^\s*\[|\]\s*$', '', 'g') END;
END $$;
COMMENT ON FUNCTION parley_front.join_lists(text, json) IS 'Appends the elements of a JSON array to those of another.';

-- Each shard returns its first pages, of 200 rows, of which the first rows of all are taken.
CREATE FUNCTION parley_front.make_application_list(source regproc) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley_front.make_helper('list_applications(parts integer[], page integer, size integer)', 'SETOF parley.listed_application',
		parley_front.each_shard(), 'SELECT * FROM parley.list_applications(page, size)');
	PERFORM parley_front.make_steps(source, parley_front.ask_near_shards($body$
				IF last > 1000 AND EXISTS (SELECT FROM parley_remote.list_applications(near, 5, 200) a WHERE a.next_page IS NOT NULL) THEN
					RAISE EXCEPTION 'page % of % rows is too deep', page, "limit" USING ERRCODE = 'invalid_parameter_value', COLUMN = 'page';
				END IF;
				SELECT array_agg(a ORDER BY a.created_at, a.token), count(*) > last OR bool_or(a.next_page IS NOT NULL AND i = pages)
					INTO rows, more FROM generate_series(1, least(pages, 5)) i, LATERAL parley_remote.list_applications(near, i::integer, 200) a;
				$body$)
		|| $body$
		FOR answer IN
			(SELECT a.* FROM unnest(rows) a OFFSET last - "limit" LIMIT "limit")
			-- A row that is not an element.
			UNION ALL SELECT (NULL::parley.listed_application).* WHERE is_incomplete
		LOOP
			answer.next_page := CASE WHEN more THEN page::bigint + 1 END;
			answer.incomplete := is_incomplete;
			RETURN NEXT answer;
		END LOOP;
		$body$, 'rows parley.listed_application[]; answer parley.listed_application; more boolean; near integer[]; is_incomplete boolean; '
			'last bigint := page::bigint * "limit"; pages bigint := (last + 199) / 200;');
END $$;
COMMENT ON FUNCTION parley_front.make_application_list(regproc) IS 'Creates the list of the applications on all shards.';

CREATE FUNCTION parley_front.make_route(source regproc, name text, runs_on text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- Tables of which the shards have copies. A row is created or changed at home first, and then on the shards.
	copied text := CASE WHEN name IN ('create_agent', 'change_agent') THEN 'agents' WHEN name = 'change_contact' THEN 'contacts' END;
	arguments text := (SELECT string_agg(a, ', ') FROM unnest(parley_front.argument_names(source, 'ib')) a);
BEGIN
	IF copied IS NOT NULL THEN
		-- In the same transaction, home notes that the copies are due. If a shard is away, settle() makes them.
		PERFORM parley_front.make_remote(source, regexp_replace(parley_front.call_of(source, 'home'), 'SELECT [*] (FROM .*);$',
			format('SELECT r.* \1 r, LATERAL parley_shard.note_copy(%L, r.id);', copied)));
		PERFORM parley_front.make_steps(source, format('made := parley_remote.%I(%s);
			BEGIN
				PERFORM parley_front.finish_copy(%L, made.id);
			EXCEPTION WHEN OTHERS THEN
				RAISE LOG ''the copies of %% %% are left to settle(): %%'', %3$L, made.id, SQLERRM;
			END;
			RETURN made;', name, arguments, copied), 'made record;');
	ELSIF runs_on <> 'front' THEN
		PERFORM parley_front.make_front(source, parley_front.call_of(source, runs_on), 'parley_remote');
	ELSIF name IN ('list_conversations', 'list_user_conversations') THEN
		PERFORM parley_front.make_list(source);
	ELSIF name = 'sync' THEN
		PERFORM parley_front.make_steps(source, 'SELECT s.cursor, s.messages, s.reads, s.transactions, s.more, s.changed, s.incomplete
			INTO cursor, messages, reads, transactions, more, changed, incomplete
			FROM parley_front.sync_all(user_id, cursor, "limit", thorough) s;');
	ELSIF name = 'sync_list' THEN
		PERFORM parley_front.make_steps(source, 'SELECT s.cursor, s.conversations, s.is_whole, s.more, s.changed, s.incomplete
			INTO cursor, conversations, is_whole, more, changed, incomplete FROM parley_front.sync_list_all(cursor, "limit") s;');
	ELSIF name = 'open_contact_conversation' THEN
		PERFORM parley_front.make_steps(source, 'found_row := parley_front.get_contact_row(contact_id);
			SELECT o.contact_id, o.id, o.kind, o.created_at, o.created INTO contact_id, id, kind, created_at, created
				FROM parley_remote.open_contact((found_row ->> ''id'')::bigint, found_row) o;', 'found_row jsonb;');
	ELSIF name = 'open_direct_conversation' THEN
		PERFORM parley_front.make_steps(source, 'other_row := parley_front.find_recipient_row(user_id, recipient_id, phone, email, caller_role);
			other_id := (other_row ->> ''id'')::bigint;
			IF caller_role = ''user'' AND NOT parley_remote.has_direct_conversation(least(user_id, other_id), greatest(user_id, other_id)) THEN
				PERFORM parley_remote.count_opening(user_id);
			END IF;
			SELECT d.id, d.kind, d.user1_id, d.user2_id, d.created_at, d.created INTO id, kind, user1_id, user2_id, created_at, created
				FROM parley_remote.open_direct(least(user_id, other_id), parley_front.get_contact_row(user_id), other_row, phone) d;',
			'other_row jsonb; other_id bigint;');
	ELSIF name IN ('block_contact', 'unblock_contact') THEN
		PERFORM parley_front.make_remote(source, parley_front.call_of(source, 'home'));
		PERFORM parley_front.make_steps(source, format('PERFORM parley_remote.%I(user_id => user_id, contact_id => contact_id);
			%s', name, parley_front.after_home(format('user_row := parley_front.get_contact_row(user_id);
				contact_row := parley_front.get_contact_row(contact_id);
				PERFORM parley_remote.set_block(parley_front.all_shards(), (least(user_id, contact_id) & (parley_front.shard_count() - 1))::integer,
					user_row, contact_row, %L);', name = 'block_contact'))), 'user_row jsonb; contact_row jsonb;');
	ELSIF name = 'erase_contact' THEN
		PERFORM parley_front.make_steps(source, 'PERFORM parley_front.finish_contacts(contact_id);
			receipt := parley_remote.begin_erasure(contact_id, caller_id);
			' || parley_front.after_home('PERFORM parley_front.finish_contacts(contact_id);
				RETURN parley_remote.begin_erasure(contact_id, caller_id);'), 'receipt parley.erasure;');
	ELSIF name = 'merge_contacts' THEN
		PERFORM parley_front.make_steps(source, 'PERFORM parley_front.finish_contacts(contact_id);
			PERFORM parley_front.finish_contacts(from_contact_id);
			PERFORM parley_front.require_strangers((parley_front.get_contact_row(contact_id) ->> ''id'')::bigint, from_contact_id);
			merged := parley_remote.begin_merge(contact_id, from_contact_id);
			' || parley_front.after_home('PERFORM parley_front.finish_contacts(contact_id);') || '
			RETURN merged;', 'merged parley.contact;');
	ELSIF name = 'create_application' THEN
		PERFORM parley_front.make_steps(source, 'key := coalesce(idempotency_key, gen_random_uuid()::text);
			RETURN parley_remote.create_keyed_application((hashtextextended(key, 0) & 1023)::integer, name, key);', 'key text;');
	ELSIF name = 'list_applications' THEN
		PERFORM parley_front.make_application_list(source);
	ELSIF name = 'post_transfer' THEN
		PERFORM parley_front.make_steps(source, 'IF conversation_id IS NOT NULL THEN
				is_blocked := parley_remote.require_members(conversation_id, user_id, to_user_id);
			END IF;
			posted := parley_remote.post_due_transfer(user_id, from_account_id, to_user_id, to_account_id, amount, memo, conversation_id,
				idempotency_key, is_blocked);
			IF conversation_id IS NOT NULL AND posted.refused IS NULL AND posted.message_id IS NULL AND NOT is_blocked THEN
				' || parley_front.after_home('receipt := parley_remote.get_receipt(user_id, from_account_id, (posted.from_transaction ->> ''id'')::bigint);
					posted.message_id := parley_front.post_receipt(conversation_id, receipt.transfer_id, user_id, receipt.content,
						receipt.idempotency_key);') || '
			END IF;
			RETURN posted;', 'posted parley.posted_transfer; receipt record; is_blocked boolean;');
	ELSE
		PERFORM parley_front.make_steps(source, format(
			'RAISE EXCEPTION ''%s is not possible over several databases'' USING ERRCODE = ''feature_not_supported'';', replace(name, '_', ' ')));
	END IF;
END $$;
COMMENT ON FUNCTION parley_front.make_route(regproc, text, text) IS 'Creates the function of parley_front for a route of this function.';

CREATE FUNCTION parley_front.unbuild() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made regprocedure;
BEGIN
	FOR made IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'parley_remote'::regnamespace
		UNION SELECT p.oid FROM pg_proc p JOIN parley.routes r ON to_regproc(r.function) = p.oid
			WHERE p.pronamespace = 'parley_front'::regnamespace
	LOOP
		EXECUTE format('DROP FUNCTION %s', made);
	END LOOP;
	UPDATE parley.routes r SET function = regexp_replace(r.function, '^parley_front[.]', 'parley.') WHERE r.function ~ '^parley_front[.]';
END $$;
COMMENT ON FUNCTION parley_front.unbuild() IS 'Drops what build() has created. The routes then have the functions of parley again.';

CREATE FUNCTION parley_front.build() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	route record;
BEGIN
	PERFORM parley_front.unbuild();
	PERFORM parley_front.make_helpers();
	FOR route IN
		SELECT DISTINCT ON (p.oid) p.oid::regproc AS source, p.proname::text AS name, r.runs_on
		FROM parley.routes r JOIN pg_proc p ON p.oid = to_regproc(regexp_replace(r.function, '^parley_front[.]', 'parley.'))
		-- Internal routes describe the front's own routes.
		WHERE p.pronamespace = 'parley'::regnamespace AND NOT r.internal
	LOOP
		PERFORM parley_front.make_route(route.source, route.name, route.runs_on);
	END LOOP;
	-- The gateway calls the function by this name.
	CREATE OR REPLACE FUNCTION parley.await_wakeups(
		INOUT "position" bigint DEFAULT NULL, patience_ms integer DEFAULT 1000, source integer DEFAULT 0, OUT user_ids bigint[],
		OUT is_complete boolean, OUT age_us bigint, OUT sources integer)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $await$
	BEGIN
		SELECT w.position, w.user_ids, w.is_complete, w.age_us, w.sources INTO "position", user_ids, is_complete, age_us, sources
			FROM parley_front.await_wakeups("position", patience_ms, source) w;
	END $await$;
	UPDATE parley.routes r SET function = regexp_replace(r.function, '^parley[.]', 'parley_front.')
		WHERE to_regproc(regexp_replace(r.function, '^parley[.]', 'parley_front.')) IS NOT NULL AND r.function ~ '^parley[.]' AND NOT r.internal;
END $$;
COMMENT ON FUNCTION parley_front.build() IS
	'Creates the functions of the routes according to the catalog and parley.routes. Call it again when routes or functions of parley have '
	'changed.';

DO $$
DECLARE
	routine regprocedure;
BEGIN
	FOR routine IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'parley_front'::regnamespace LOOP
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
	END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION parley_front.place(integer, integer), parley_front.token_shard(text),
	parley_front.shard_count(), parley_front.all_shards(), parley_front.list_cursor(timestamptz, bigint),
	parley_front.list_place(text, text), parley_front.get_contact_row(bigint),
	parley_front.find_recipient_row(bigint, bigint, parley.phone_number, parley.email_address, text),
	parley_front.post_receipt(bigint, bigint, bigint, text, text), parley_front.finish_copy(text, bigint),
	parley_front.finish_contact(record, boolean),
	parley_front.finish_contacts(bigint), parley_front.require_strangers(bigint, bigint),
	parley_front.sync_all(bigint, text, integer, boolean), parley_front.join_lists(text, json),
	parley_front.read_cursor(text, integer), parley_front.spread_cursor(text, text), parley_front.sync_list_all(text, integer),
	parley_front.await_wakeups(bigint, integer, integer), parley_front.reach(integer, integer),
	parley_front.list_parts(text, integer, integer), parley_front.part_has_changed(integer), parley_front.ask(integer[]),
	parley_front.near_parts(integer, integer), parley_front.shares_conversation(bigint, bigint) TO parley_owner;
GRANT EXECUTE ON FUNCTION parley_front.settle(), parley_front.audit(), parley_front.shard_count() TO parley_operator;
GRANT USAGE ON SCHEMA parley_front TO parley_gateway, parley_operator, parley_owner;
GRANT USAGE ON SCHEMA parley_remote TO parley_owner;
ALTER FUNCTION parley_front.settle() SECURITY DEFINER;
ALTER FUNCTION parley_front.audit() SECURITY DEFINER;
