// CREATE EXTENSION runs as a superuser, in a database where others may create objects. None of theirs is run, and what it creates
// does not belong to a superuser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createDatabase, psql, root } from "../support/database.mjs";

// Everything that PostgreSQL has under a name, for arguments that match better than its own: text where it accepts anything, and
// operators between types that it would have to cast. Each reports that it ran.
const plant = (schema, names) => `
	SET search_path = pg_catalog;
	CREATE FUNCTION ${schema}.planted_ran() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted: it ran'; END $$;
	DO $do$
	DECLARE
		planted record;
	BEGIN
		FOR planted IN
			SELECT DISTINCT p.proname AS name, a.types
			FROM pg_proc p CROSS JOIN (VALUES ('text'), ('text, text'), ('text, text, text'), ('text, text, text, text'), ('name'), ('text, name'),
				('name, text'), ('name, name'), ('regtype'), ('regclass'), ('text, regtype'), ('text, regclass'), ('text, bigint'),
				('text, int'), ('text, oid'), ('oid, int'), ('oid, text'), ('bigint, bigint'), ('bigint, bigint, bigint, bigint'),
				('jsonb'), ('text, jsonb'), ('text[]'), ('bigint, int'), ('smallint'), ('text, variadic text[]')) a (types)
			WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY ('{${names}}')
		LOOP
			BEGIN
				EXECUTE format('CREATE FUNCTION ${schema}.%I(%s) RETURNS text LANGUAGE sql AS ''SELECT ${schema}.planted_ran()''',
					planted.name, planted.types);
			EXCEPTION WHEN duplicate_function OR syntax_error THEN NULL;
			END;
		END LOOP;
		FOR planted IN
			SELECT o AS name, l AS l, r AS r
			FROM unnest(ARRAY['=', '<>', '<', '>', '<=', '>=', '||', '~', '~~', '~~*', '#>>', '->', '->>', '+', '-', '@~', '?']) o,
				unnest(ARRAY['text', 'name', 'bigint', 'int', 'smallint', 'regtype', 'regclass', 'oid', '"char"', 'jsonb', 'json', 'regproc', 'bytea']) l,
				unnest(ARRAY['text', 'name', 'bigint', 'int', 'smallint', 'regtype', 'regclass', 'oid', '"char"', 'jsonb', 'json', 'regproc', 'bytea']) r
		LOOP
			BEGIN
				EXECUTE format('CREATE FUNCTION ${schema}.planted_operator(%s, %s) RETURNS boolean LANGUAGE sql AS ''SELECT ${schema}.planted_ran() IS NULL''',
					planted.l, planted.r);
			EXCEPTION WHEN duplicate_function THEN NULL;
			END;
			EXECUTE format('CREATE OPERATOR ${schema}.%s (FUNCTION = ${schema}.planted_operator, LEFTARG = %s, RIGHTARG = %s)',
				planted.name, planted.l, planted.r);
		END LOOP;
	END $do$;
	CREATE DOMAIN ${schema}.person_name AS text CHECK (${schema}.planted_ran() IS NULL);
	CREATE TYPE ${schema}.contact AS (id text);
	CREATE TABLE ${schema}.contacts (id int);
	CREATE TABLE ${schema}.pg_extension (extname text, oid oid);`;

const planted = `
	SET search_path = pg_catalog;
	SELECT pg_describe_object(d.classid, d.objid, 0) || ' uses ' || pg_describe_object(d.refclassid, d.refobjid, 0)
	FROM pg_depend d
		LEFT JOIN pg_proc f ON d.refclassid = 'pg_proc'::regclass AND f.oid = d.refobjid
		LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
		LEFT JOIN pg_type y ON d.refclassid = 'pg_type'::regclass AND y.oid = d.refobjid
	WHERE 'install_planter'::regrole IN (f.proowner, o.oprowner, y.typowner)
		AND (d.classid, d.objid) IN (SELECT classid, objid FROM pg_depend e
			WHERE e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e'
			UNION ALL SELECT 'pg_rewrite'::regclass, oid FROM pg_rewrite UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint
				WHERE connamespace = 'parley'::regnamespace
			UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relnamespace = 'parley'::regnamespace
			UNION ALL SELECT 'pg_attrdef'::regclass, oid FROM pg_attrdef)`;

async function planter(t) {
	const database = await createDatabase(t, "install_planted");
	await psql("postgres", "DROP ROLE IF EXISTS install_planter; CREATE ROLE install_planter");
	t.after(() => psql("postgres", "DROP ROLE IF EXISTS install_planter"));
	await psql(database, `
		CREATE SCHEMA trigrams; CREATE EXTENSION pg_trgm SCHEMA trigrams;
		CREATE SCHEMA postgres;
		GRANT CREATE, USAGE ON SCHEMA public, trigrams, postgres TO install_planter`);
	const version = await psql(database, "SELECT default_version FROM pg_available_extensions WHERE name = 'parley'");
	const script = readFileSync(join(root, `extension/parley--${version}.sql`), "utf8");
	const names = new Set(script.match(/\b[a-z_]+(?=\()/g));
	for (const schema of ["public", "trigrams", "postgres"]) await psql(database, `SET ROLE install_planter; ${plant(schema, [...names])}`);
	t.after(() => psql("postgres", `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`));
	return database;
}

test("what_others_planted_is_not_run", async (t) => {
	const database = await planter(t);
	await psql(database, "CREATE EXTENSION parley");
	assert.equal(await psql(database, planted), "");
	// … nor later, by functions that look up names when they run.
	await psql(database, `
		SET search_path = public, trigrams;
		SELECT parley.create_contact('Ann', '+1 800 555 1234');
		SELECT count(*) FROM parley.describe_routes();
		SELECT parley.open_account(1, 'EUR');
		SELECT parley.post_transaction(1, 1, 100);
		SELECT parley.post_message(o.id, 'text') FROM parley.open_contact_conversation(1) o;
		SELECT parley.rebuild_conversations();
		SELECT parley.rebuild_ledger();`);
});

test("nothing_of_the_extension_is_a_superusers", async (t) => {
	const database = await createDatabase(t, "install_owner");
	await psql(database, "CREATE EXTENSION parley CASCADE");
	const others = await psql(database, `
		SELECT pg_describe_object(classid, objid, 0) FROM (
			SELECT 'pg_class'::regclass, oid, relowner FROM pg_class WHERE relnamespace = 'parley'::regnamespace UNION ALL
			SELECT 'pg_proc'::regclass, oid, proowner FROM pg_proc WHERE pronamespace = 'parley'::regnamespace UNION ALL
			SELECT 'pg_type'::regclass, oid, typowner FROM pg_type WHERE typnamespace = 'parley'::regnamespace UNION ALL
			SELECT 'pg_operator'::regclass, oid, oprowner FROM pg_operator WHERE oprnamespace = 'parley'::regnamespace UNION ALL
			SELECT 'pg_opclass'::regclass, oid, opcowner FROM pg_opclass WHERE opcnamespace = 'parley'::regnamespace UNION ALL
			SELECT 'pg_opfamily'::regclass, oid, opfowner FROM pg_opfamily WHERE opfnamespace = 'parley'::regnamespace UNION ALL
			SELECT 'pg_namespace'::regclass, oid, nspowner FROM pg_namespace WHERE nspname = 'parley'
		) AS object (classid, objid, owner) WHERE owner <> 'parley_owner'::regrole`);
	assert.equal(others, "");
	assert.equal(await psql(database, "SELECT rolcanlogin OR rolsuper FROM pg_roles WHERE rolname = 'parley_owner'"), "f");
});

test("an_owner_who_can_do_more_is_refused", async (t) => {
	const database = await createDatabase(t, "install_mighty");
	await psql(database, "CREATE EXTENSION parley CASCADE; DROP EXTENSION parley; ALTER ROLE parley_owner LOGIN");
	t.after(() => psql("postgres", "ALTER ROLE parley_owner NOLOGIN"));
	await assert.rejects(psql(database, "CREATE EXTENSION parley"), /role "parley_owner" exists and can do more than own parley/);
});
