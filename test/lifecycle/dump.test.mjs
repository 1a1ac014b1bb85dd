// What pg_dump writes for a database with the extension, when restored in another cluster, gives the same database.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createDatabase, program, psql, root, run } from "../support/database.mjs";

const fill = `
	SET search_path = parley, public;
	INSERT INTO contacts (name, phone, email, created_at) VALUES
		('Ann O''Hara', '+1-800-555-1234', NULL, '2023-12-31 23:58:21.123456+00'),
		(E'tab\\tand\\\\backslash', NULL, 'b@example.org', '2024-02-29 00:00:00+00'),
		('王芳', '(030) 1234 567', 'Wang@Example.org', '2020-01-01 00:00:00+00');
	INSERT INTO conversations (kind, contact_id) SELECT 'contact', id FROM contacts;
	INSERT INTO conversations (kind, low_contact_id, high_contact_id) SELECT 'direct', min(id), max(id) FROM contacts;
	SELECT create_chat(token) FROM create_application('an application');
	INSERT INTO members (conversation_id, contact_id, read_number) SELECT id, contact_id, 1 FROM conversations WHERE kind = 'contact';
	SELECT begin_bulk_load('a load');
	SELECT finish_bulk_load();
	SELECT post_message(id, content) FROM conversations,
		unnest(ARRAY['plain', E'two\\nlines, \\\\N and a\\ttab', 'ünïcödé 🙂 中文', repeat('long ', 2000)]) AS content;
	SELECT edit_message(id, 1, 'edited') FROM conversations;
	SELECT delete_message(id, 2) FROM conversations;
	SELECT create_agent('Mara', 'mara@example.org');
	SELECT set_case(c.id, 'resolved', assignee_id => a.id, labels => '["vip"]') FROM conversations c, agents a WHERE c.kind = 'contact';
	SELECT open_account(id, 'EUR', 'savings') FROM contacts ORDER BY id LIMIT 2;
	SELECT post_transaction(user_id, id, 1000, 'opening') FROM accounts;
	SELECT post_transaction(user_id, id, -1) FROM accounts, generate_series(1, 200);
	SELECT post_transaction(user_id, id, -9999, 'too much', 'a key') FROM accounts;
	SELECT post_transfer(a.user_id, a.id, b.user_id, b.id, 5) FROM accounts a, accounts b WHERE a.user_id < b.user_id;
	SELECT create_user('+49 30 888888'), create_user('+49 30 999999');
	SELECT open_direct_conversation(id, phone => '+49 30 999999', caller_role => 'user') FROM contacts WHERE phone = '+49 30 888888';
	SELECT block_contact(min(id), max(id)) FROM contacts;
	SELECT change_contact(id, attributes => '{"plan": "gold"}') FROM contacts WHERE phone = '+49 30 888888';
	SELECT merge_contacts(a.id, b.id), erase_contact(c.id, 7) FROM create_contact('one') a, create_contact('two') b, create_contact('three') c;
	CREATE FUNCTION public.hello(name text) RETURNS TABLE (greeting text) LANGUAGE sql RETURN 'hello ' || name;
	SELECT add_route('GET', '/hello/{name}', 'public.hello', 'none');
	DELETE FROM routes WHERE path = '/users';
	UPDATE routes SET auth = 'operator' WHERE path = '/users/{user_id}/transfers';
	UPDATE routes SET path = '/v1' || path WHERE path = '/applications';`;

// has rows only during a bulk load
const emptyInPeace = ["parley.bulk_load_indexes"];

const tables = `
	SELECT oid::regclass FROM pg_class
	WHERE relnamespace = 'parley'::regnamespace AND relkind = '$kind' ORDER BY oid::regclass::text`;

// every row of every table, the state of every sequence, and all privileges
async function contents(database, env) {
	const result = {};
	for (const table of (await psql(database, tables.replace("$kind", "r"), env)).split("\n"))
		result[table] = (await psql(database, `SELECT t FROM ${table} t ORDER BY t::text`, env)).split("\n").filter(Boolean);
	for (const sequence of (await psql(database, tables.replace("$kind", "S"), env)).split("\n"))
		result[sequence] = [await psql(database, `SELECT last_value, is_called FROM ${sequence}`, env)];
	result.privileges = (await psql(database, `
		SELECT oid::regprocedure::text, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(proacl) a) FROM pg_proc
		WHERE pronamespace IN ('parley'::regnamespace, 'public'::regnamespace) ORDER BY 1`, env)).split("\n");
	return result;
}

async function secondCluster(t) {
	const directory = mkdtempSync("/tmp/parley-restore-");
	await run("chmod", ["755", directory]);
	const cluster = (command) => run("bash", [join(root, "deploy/local/cluster.sh"), command, directory]);
	t.after(async () => {
		await cluster("remove");
		rmSync(directory, { recursive: true });
	});
	await cluster("create");
	await cluster("start");
	return { PGHOST: (await cluster("socket")).stdout.trim() };
}

test("restored_dump_equals_the_source", async (t) => {
	const source = await createDatabase(t, "dump_source");
	await psql(source, "CREATE EXTENSION parley CASCADE");
	await psql(source, fill);
	const before = await contents(source);
	for (const [table, rows] of Object.entries(before))
		assert.ok(rows.length > 0 || emptyInPeace.includes(table), `the test puts nothing in ${table}`);

	const dump = await program("pg_dump", ["-d", source]);
	const other = await secondCluster(t);
	const target = "dump_target";
	await psql("postgres", `CREATE DATABASE ${target} TEMPLATE template0`, other);
	const file = join(other.PGHOST, "../../dump.sql");
	writeFileSync(file, dump);
	await program("psql", ["-Xq", "-v", "ON_ERROR_STOP=1", "-d", target, "-f", file], other);
	assert.deepEqual(await contents(target, other), before);

	await t.test("numbers_go_on_where_they_were", async () => {
		const next = "SELECT id FROM parley.create_contact(name => 'next')";
		assert.equal(await psql(target, next, other), await psql(source, next));
	});
	await t.test("added_route_is_described", async () => {
		assert.equal(await psql(target, "SELECT function FROM parley.describe_routes() WHERE path = '/hello/{name}'", other), "public.hello");
	});
});

test("restore_that_disabled_the_triggers_is_seen_by_the_audits_and_repaired_as_documented", async (t) => {
	const source = await createDatabase(t, "dump_source");
	const target = await createDatabase(t, "dump_data");
	for (const database of [source, target]) await psql(database, "CREATE EXTENSION parley CASCADE");
	await psql(source, fill);
	const directory = mkdtempSync("/tmp/parley-dump-");
	t.after(() => rmSync(directory, { recursive: true }));
	// As docs/operations.md says.
	for (const flags of [["--disable-triggers", "-T", "parley.routes", "-T", "parley.closed_routes"], ["-t", "parley.routes", "-t", "parley.closed_routes"]]) {
		const file = join(directory, "data.sql");
		writeFileSync(file, await program("pg_dump", ["--data-only", ...flags, "-d", source]));
		await program("psql", ["-Xq", "-v", "ON_ERROR_STOP=1", "-d", target, "-f", file]);
	}
	const routes = "SELECT method, path, auth FROM parley.describe_routes() ORDER BY path, method";
	assert.equal(await psql(target, routes), await psql(source, routes));
	const audit = "SELECT found FROM parley.audit_ledger() UNION ALL SELECT found FROM parley.audit_conversations() ORDER BY 1";
	const known = await psql(source, audit);
	assert.deepEqual((await psql(target, audit)).split("\n").filter((found) => !known.includes(found)), ["conversations_wake of parley.conversations", "members_wake of parley.members", "refusals_are_immutable",
		"transactions_are_immutable", "transfers_are_immutable"].map((trigger) => `trigger ${trigger} is not ENABLE ALWAYS`));
	const [, repair] = readFileSync(join(root, "docs/operations.md"), "utf8").match(/ {3}```sql\n((?: {3}ALTER TABLE .*\n)+) {3}```/);
	await psql(target, repair);
	assert.equal(await psql(target, audit), known);
	const triggers = "SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2";
	assert.equal(await psql(target, triggers), await psql(source, triggers));
});
