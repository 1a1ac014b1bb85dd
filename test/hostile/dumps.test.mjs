// All kinds of dumps, when restored, give the same database, or report what is missing.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createDatabase, program, psql } from "../support/database.mjs";

const fill = `
	SET search_path = parley, public;
	SELECT create_contact('Ann', '+1-800-555-1234'), create_contact('Zoë', '(030) 1234 567');
	SELECT open_direct_conversation(1, 2);
	SELECT post_message(c.id, content, idempotency_key => 'key') FROM (SELECT id FROM conversations) c, (VALUES (E'a\\tmovie')) m(content);
	SELECT open_account(1, 'EUR'), open_account(2, 'EUR');
	SELECT post_transaction(1, 1, 1000, 'opening', caller_role => 'operator');
	SELECT post_transfer(1, 1, 2, 1, 500, 'rent');
	SELECT create_chat(token) FROM create_application('an application');
	DELETE FROM routes WHERE path = '/users';
	UPDATE routes SET auth = 'operator' WHERE path = '/users/{user_id}/transfers';
	CREATE FUNCTION public.hello(name text) RETURNS text LANGUAGE sql RETURN 'hello ' || name;
	SELECT add_route('GET', '/hello/{name}', 'public.hello', 'none')`;

// What must be unchanged: results, and that the numbering continues.
const state = `
	SELECT to_jsonb(r) FROM parley.list_conversations('movie') r; SELECT to_jsonb(r) FROM parley.list_transactions(1, 1) r;
	SELECT to_jsonb(r) - 'parameters' FROM parley.describe_routes() r; SELECT to_jsonb(a) FROM parley.audit_ledger() a; SELECT to_jsonb(a) FROM parley.audit_conversations() a;
	SELECT (parley.create_contact('next')).id; SELECT amount, balance FROM parley.post_transaction(1, 1, -1)`;

async function source(t, name) {
	const database = await createDatabase(t, name);
	await psql(database, "CREATE EXTENSION parley CASCADE");
	await psql(database, fill);
	return database;
}

function directory(t) {
	const path = mkdtempSync("/tmp/parley-dump-");
	t.after(() => rmSync(path, { recursive: true }));
	return path;
}

const audits = "SELECT DISTINCT rule FROM parley.audit_ledger() UNION ALL SELECT rule FROM parley.audit_conversations()";

for (const [flavour, dumpFlags, restoreFlags] of [["plain", [], null], ["plain with clean", ["--clean", "--if-exists"], null], ["inserts", ["--column-inserts"], null],
	["custom", ["-Fc"], []], ["custom with clean", ["-Fc"], ["--clean", "--if-exists"]], ["directory by two jobs", ["-Fd", "-j2"], ["-j2"]],
	["one transaction", ["-Fc"], ["-1"]], ["without owners", ["-Fc", "--no-owner"], ["--no-owner"]]])
	test(`a dump is restored: ${flavour}`, async (t) => {
		const from = await source(t, "hostile_dumped");
		const file = join(directory(t), "dump");
		await program("pg_dump", [...dumpFlags, "-d", from, "-f", file]);
		const to = await createDatabase(t, "hostile_restored");
		if (restoreFlags === null) await program("psql", ["-Xq", "-v", "ON_ERROR_STOP=1", "-d", to, "-f", file]);
		else await program("pg_restore", [...restoreFlags, "-e", "-d", to, file]);
		assert.equal(await psql(to, state), await psql(from, state));
	});

test("schema and data dumped apart are the same again", async (t) => {
	const from = await source(t, "hostile_dumped");
	const path = directory(t);
	await program("pg_dump", ["-s", "-Fc", "-d", from, "-f", join(path, "schema")]);
	await program("pg_dump", ["-a", "-Fc", "-d", from, "-f", join(path, "data")]);
	const to = await createDatabase(t, "hostile_restored");
	await program("pg_restore", ["-e", "-d", to, join(path, "schema")]);
	await program("pg_restore", ["-e", "-d", to, join(path, "data")]);
	assert.equal(await psql(to, state), await psql(from, state));
});

test("data restored with triggers disabled leaves shipped routes that were changed in the way, in words", async (t) => {
	const from = await source(t, "hostile_dumped");
	const file = join(directory(t), "data.sql");
	await program("pg_dump", ["-a", "--disable-triggers", "-d", from, "-f", file]);
	const to = await createDatabase(t, "hostile_restored");
	await psql(to, "CREATE EXTENSION parley CASCADE");
	await assert.rejects(program("psql", ["-Xq", "-v", "ON_ERROR_STOP=1", "-d", to, "-f", file]), /routes_pkey/);
});

test("what a restore with triggers disabled leaves is known by the audits", async (t) => {
	const from = await source(t, "hostile_dumped");
	assert.equal(await psql(from, audits), "");
	await psql(from, "ALTER TABLE parley.transactions DISABLE TRIGGER ALL; ALTER TABLE parley.transactions ENABLE TRIGGER ALL");
	assert.equal(await psql(from, audits), "what was posted is never changed");
	await psql(from, "ALTER TABLE parley.transactions ENABLE ALWAYS TRIGGER transactions_are_immutable");
	assert.equal(await psql(from, audits), "");
});

test("a dump of the schema alone holds nothing, for it is the extension's", async (t) => {
	const from = await source(t, "hostile_dumped");
	assert.doesNotMatch(await program("pg_dump", ["-n", "parley", "-d", from]), /^(CREATE|COPY|INSERT)/m);
});

test("a table restored alone is known by the audits", async (t) => {
	const from = await source(t, "hostile_dumped");
	const file = join(directory(t), "dump");
	await program("pg_dump", ["-a", "-t", "parley.transactions", "-Fc", "-d", from, "-f", file]);
	const to = await createDatabase(t, "hostile_restored");
	await psql(to, "CREATE EXTENSION parley CASCADE");
	await program("pg_restore", ["-d", to, file]);
	if ((await psql(to, "SELECT count(*) FROM parley.transactions")) !== "0") assert.match(await psql(to, audits), /a transaction has its account/);
});

// [the sequence, the row id to which it is set back, the call that then uses that id again]
const creations = {
	contacts: ["contacts", "min(id)", "SELECT parley.create_contact('again')"],
	conversations: ["conversations", "min(id) / 1024", "SELECT parley.open_contact_conversation(1)"],
	chats: ["conversations", "max(id) / 1024", "SELECT parley.create_chat(token) FROM (SELECT token FROM parley.applications ORDER BY id LIMIT 1) a"],
	transfers: ["transfers", "min(id)", "SELECT parley.post_transfer(1, 1, 2, 1, 5)"],
	agents: ["agents", "min(id)", "SELECT parley.create_agent('Agent Two', 'two@example.org')"],
	applications: ["applications", "max(id) / 1024", "SELECT parley.create_application('again', 'key 1')"],
	users: ["contacts", "min(id)", "SELECT parley.create_user(caller_phone => '+1-800-555-7777')"],
};
for (const [what, [name, place, statement]] of Object.entries(creations))
	test(`a sequence behind its data says what is wrong: ${what}`, async (t) => {
		const database = await source(t, "hostile_dumped");
		await psql(database, `SELECT parley.create_agent('Agent One', 'one@example.org'), parley.create_application('first', 'key 1');
			UPDATE parley.applications SET idempotency_key = NULL;
			SELECT setval('parley.${name}_id_seq', ${place}, false) FROM parley.${name}`);
		await assert.rejects(psql(database, statement), /next (contact|conversation|transfer|agent|application) id is taken[^]*without advancing the sequence/);
	});
