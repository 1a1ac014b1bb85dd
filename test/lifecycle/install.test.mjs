// The extension is created completely and dropped without a trace, except for its roles, which belong to the cluster.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createDatabase, psql } from "../support/database.mjs";

// every object that is not PostgreSQL's own, by its description
const objects = `
	SELECT pg_describe_object(classid, objid, 0) FROM (
		SELECT 'pg_class'::regclass, oid FROM pg_class UNION ALL
		SELECT 'pg_proc'::regclass, oid FROM pg_proc UNION ALL
		SELECT 'pg_type'::regclass, oid FROM pg_type UNION ALL
		SELECT 'pg_constraint'::regclass, oid FROM pg_constraint UNION ALL
		SELECT 'pg_operator'::regclass, oid FROM pg_operator UNION ALL
		SELECT 'pg_opclass'::regclass, oid FROM pg_opclass UNION ALL
		SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily UNION ALL
		SELECT 'pg_cast'::regclass, oid FROM pg_cast UNION ALL
		SELECT 'pg_trigger'::regclass, oid FROM pg_trigger UNION ALL
		SELECT 'pg_policy'::regclass, oid FROM pg_policy UNION ALL
		SELECT 'pg_default_acl'::regclass, oid FROM pg_default_acl UNION ALL
		SELECT 'pg_event_trigger'::regclass, oid FROM pg_event_trigger UNION ALL
		SELECT 'pg_namespace'::regclass, oid FROM pg_namespace UNION ALL
		SELECT 'pg_extension'::regclass, oid FROM pg_extension
	) AS object (classid, objid)
	WHERE objid >= 16384
	ORDER BY 1`;

test("dropped_extension_leaves_nothing_but_its_roles", async (t) => {
	const database = await createDatabase(t, "install_drop");
	const before = await psql(database, objects);
	await psql(database, "CREATE EXTENSION parley CASCADE");
	assert.notEqual(await psql(database, objects), before);
	await psql(database, "DROP EXTENSION parley; DROP EXTENSION pg_trgm");
	assert.equal(await psql(database, objects), before);
	assert.equal(await psql(database, "SELECT count(*) FROM pg_roles WHERE rolname IN ('parley_owner', 'parley_operator', 'parley_gateway')"), "3");
});

test("dropped_extension_can_be_created_again", async (t) => {
	const database = await createDatabase(t, "install_again");
	await psql(database, "CREATE EXTENSION parley CASCADE; DROP EXTENSION parley; CREATE EXTENSION parley");
	assert.equal(await psql(database, "SELECT extversion FROM pg_extension WHERE extname = 'parley'"), "1.1");
});

test("two_databases_of_a_cluster_have_the_extension", async (t) => {
	for (const name of ["install_one", "install_two"]) await psql(await createDatabase(t, name), "CREATE EXTENSION parley CASCADE");
});

test("every_table_and_sequence_is_dumped", async (t) => {
	const database = await createDatabase(t, "install_dumped");
	await psql(database, "CREATE EXTENSION parley CASCADE");
	const forgotten = await psql(database, `
		SELECT c.oid::regclass FROM pg_class c
		WHERE c.relnamespace = 'parley'::regnamespace AND c.relkind IN ('r', 'p', 'S')
			AND c.oid <> ALL (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'parley')`);
	assert.equal(forgotten, "");
});

test("public_has_nothing", async (t) => {
	const database = await createDatabase(t, "install_public");
	await psql(database, "CREATE EXTENSION parley CASCADE; CREATE ROLE install_nobody");
	t.after(() => psql("postgres", "DROP ROLE IF EXISTS install_nobody"));
	const reachable = await psql(database, `
		SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'parley'::regnamespace
			AND has_function_privilege('install_nobody', oid, 'EXECUTE')
		UNION ALL
		SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'parley'::regnamespace AND relkind IN ('r', 'p', 'v')
			AND has_table_privilege('install_nobody', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
		UNION ALL
		SELECT 'schema parley' WHERE has_schema_privilege('install_nobody', 'parley', 'USAGE, CREATE')`);
	assert.equal(reachable, "");
});

test("public_objects_are_commented", async (t) => {
	const database = await createDatabase(t, "install_comments");
	await psql(database, "CREATE EXTENSION parley CASCADE");
	const silent = await psql(database, `
		SELECT oid::regprocedure::text FROM pg_proc
		WHERE pronamespace = 'parley'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL
		UNION ALL
		SELECT oid::regclass::text FROM pg_class
		WHERE relnamespace = 'parley'::regnamespace AND relkind IN ('r', 'p', 'v') AND obj_description(oid, 'pg_class') IS NULL`);
	assert.equal(silent, "");
});
