// The generator fills a database with exactly what was asked for, and the same seed gives the same data. It does not touch other
// data. If it is killed at any moment, the next run, or finish_bulk_load() alone, completes the load.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createDatabase, psql, root } from "../support/database.mjs";

const stoppedAt = 471147;
const waitMs = 60000;

function start(database, args) {
	const child = spawn(join(root, "bench/populate"), args, { env: { ...process.env, PGDATABASE: database } });
	child.output = "";
	child.stderr.on("data", (data) => (child.output += data));
	child.ended = new Promise((resolve) => child.on("close", (status, signal) => resolve({ status, signal, output: child.output })));
	return child;
}

async function populate(database, ...args) {
	const { status, output } = await start(database, args).ended;
	assert.equal(status, 0, output);
	return output;
}

async function parleyDatabase(t, name) {
	await createDatabase(t, name);
	await psql(name, "CREATE EXTENSION parley CASCADE");
	return name;
}

async function checksum(database) {
	return psql(database, `SELECT md5(string_agg(row, E'\\n')) FROM (
		SELECT m::text AS row FROM (SELECT * FROM parley.messages ORDER BY conversation_id, number) m
		UNION ALL SELECT c::text FROM (SELECT * FROM parley.contacts ORDER BY id) c
		UNION ALL SELECT c::text FROM (SELECT * FROM parley.conversations ORDER BY id) c
		UNION ALL SELECT m::text FROM (SELECT * FROM parley.members ORDER BY conversation_id, contact_id) m) rows`);
}

async function indexes(database) {
	return await psql(database, `SELECT indexdef FROM pg_indexes WHERE schemaname = 'parley' ORDER BY indexname`) +
		await psql(database, `SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
			WHERE connamespace = 'parley'::regnamespace AND conrelid <> 0 ORDER BY 1, 2`);
}

async function until(what, condition) {
	for (const end = Date.now() + waitMs; !(await condition()); await new Promise((resolve) => setTimeout(resolve, 20)))
		assert.ok(Date.now() < end, `${what} has not come to pass`);
}

// A session that holds the lock for which the triggers below wait.
async function hold(t, database) {
	const session = spawn("psql", ["-XAtq", "-d", database]);
	t.after(() => session.kill());
	session.stdin.write(`SELECT 'held' FROM pg_advisory_lock(${stoppedAt});\n`);
	await new Promise((resolve) => session.stdout.on("data", resolve));
	return () => session.stdin.end();
}

const stopCopying = `
	CREATE FUNCTION public.stop() RETURNS trigger LANGUAGE plpgsql AS
		'BEGIN PERFORM pg_advisory_xact_lock(${stoppedAt}); RETURN NEW; END';
	CREATE TRIGGER stop BEFORE INSERT ON parley.messages FOR EACH ROW WHEN (NEW.number = 3) EXECUTE FUNCTION public.stop()`;

const stopIndexing = (condition) => `
	CREATE FUNCTION public.stop() RETURNS event_trigger LANGUAGE plpgsql AS
		$$ BEGIN IF ${condition} THEN PERFORM pg_advisory_xact_lock(${stoppedAt}); END IF; END $$;
	CREATE EVENT TRIGGER stop_${Date.now()} ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.stop()`;

// Starts the generator, waits until it reaches the trigger, kills it, and waits until the server has noticed.
async function killAt(t, database, trigger, args) {
	await psql(database, trigger);
	const release = await hold(t, database);
	const child = start(database, args);
	await until("the generator reaching the trigger", async () => {
		assert.equal(child.exitCode, null, child.output);
		return await psql(database, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = ${stoppedAt} AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) === "1";
	});
	child.kill("SIGKILL");
	assert.equal((await child.ended).signal, "SIGKILL");
	await until("the server noticing", async () => await psql(database, `SELECT count(*) FROM pg_stat_activity
		WHERE application_name = 'parley populate' AND datname = current_database()`) === "0");
	release();
}

const small = ["--contacts", "300", "--messages", "3000"];

test("the_database_holds_what_was_asked_for", async (t) => {
	const database = await parleyDatabase(t, "populate_content");
	const before = await indexes(database);
	await populate(database, "--contacts", "1000", "--messages", "20000");
	const value = (sql) => psql(database, sql);

	assert.equal(await value("SELECT count(*), count(DISTINCT phone_digits) FROM parley.contacts"), "1000|1000");
	assert.equal(await value("SELECT count(*) FROM parley.audit_shards()"), "0");
	assert.equal(await value(`SELECT count(*) FROM parley.members b WHERE has_written <> EXISTS (SELECT FROM parley.messages m
		WHERE m.conversation_id = b.conversation_id AND m.sender_id = b.contact_id)`), "0", "who has written");
	assert.equal(await value("SELECT count(*) FROM parley.audit_conversations()"), "0");
	assert.equal(await value("SELECT kind, count(*) FROM parley.conversations GROUP BY kind ORDER BY kind"), "contact|1000\ndirect|10");
	assert.equal(await value("SELECT count(*) FROM parley.messages"), "20000");
	assert.equal(await value("SELECT count(*) FROM parley.members"), "1020");
	assert.equal(await value("SELECT count(*) FROM parley.conversations WHERE last_number = 0"), "0");
	assert.equal(await value(`SELECT count(*) FROM (SELECT c.id FROM parley.conversations c JOIN parley.messages m ON m.conversation_id = c.id
		GROUP BY c.id HAVING min(m.number) <> 1 OR max(m.number) <> c.last_number OR count(*) <> c.last_number
			OR max(m.created_at) <> c.last_message_at OR min(m.created_at) <> c.created_at) wrong`), "0", "counters");
	assert.equal(await value(`SELECT count(*) FROM (SELECT ctid > lag(ctid) OVER w AND number >= 1 AS ordered
		FROM parley.messages WINDOW w AS (ORDER BY created_at)) m WHERE NOT ordered`), "0", "rows lie in the order of time");
	assert.equal(await value(`SELECT count(*) FROM (SELECT created_at > lag(created_at) OVER w AS ordered
		FROM parley.messages WINDOW w AS (PARTITION BY conversation_id ORDER BY number)) m WHERE NOT ordered`), "0", "numbers follow time");
	assert.equal(await value(`SELECT count(*) FROM parley.messages m WHERE sender_id IS NOT NULL AND NOT EXISTS
		(SELECT FROM parley.members b WHERE b.conversation_id = m.conversation_id AND b.contact_id = m.sender_id)`), "0", "senders");
	assert.equal(await value(`SELECT count(*) FROM parley.messages m JOIN parley.conversations c ON c.id = m.conversation_id
		WHERE c.kind = 'direct' AND m.sender_id IS NULL`), "0");
	assert.equal(await value("SELECT count(*) FROM parley.members b JOIN parley.conversations c ON c.id = b.conversation_id WHERE read_number > last_number"), "0");
	assert.equal(await value("SELECT max(created_at) < '2026-01-01Z' AND min(created_at) > '2023-12-31Z' FROM parley.messages"), "t");
	assert.equal(await value("SELECT count(*) FROM parley.contacts p JOIN parley.messages m ON m.sender_id = p.id WHERE p.created_at > m.created_at"), "0");
	assert.equal(await indexes(database), before);
});

test("life_goes_on_after_the_load", async (t) => {
	const database = await parleyDatabase(t, "populate_life");
	await populate(database, ...small);
	assert.equal(await psql(database, "SELECT id FROM parley.create_contact(name => 'New', phone => '+999 123 4567')"), "301");
	assert.equal(await psql(database, "SELECT id FROM parley.open_contact_conversation(301)"), String(304 * 1024 + 301));
	assert.equal(await psql(database, `SELECT p.message_id - c.last_number FROM parley.conversations c,
		parley.post_message(c.id, 'hello') p WHERE c.contact_id = 5`), "1");
});

test("the_same_seed_gives_the_same_data", async (t) => {
	const one = await parleyDatabase(t, "populate_seed_1");
	const other = await parleyDatabase(t, "populate_seed_2");
	await populate(one, ...small, "--seed", "7");
	await populate(other, ...small, "--seed", "7");
	const first = await checksum(one);
	assert.equal(await checksum(other), first);

	await populate(other, ...small, "--seed", "8");
	assert.notEqual(await checksum(other), first, "another seed");
	await populate(other, ...small, "--seed=7", "--until=2025-01-01T00:00:00Z");
	assert.notEqual(await checksum(other), first, "another time");
	await populate(other, ...small, "--seed", "7");
	assert.equal(await checksum(other), first, "the first again");
	assert.match(await populate(other, ...small, "--seed", "7"), /already there/);
	assert.doesNotMatch(await populate(other, ...small, "--seed", "7", "--replace"), /already there/);
	assert.equal(await checksum(other), first, "the first, replaced");
});

test("texts_come_from_the_csv", async (t) => {
	const database = await parleyDatabase(t, "populate_csv");
	const directory = mkdtempSync(join(tmpdir(), "parley-populate-"));
	t.after(() => rmSync(directory, { recursive: true }));
	const csv = join(directory, "texts.csv");
	writeFileSync(csv, `content\r\n"one, ""two""\nthree"\r\nplain 🙂\r\n\r\n"${"x".repeat(10001)}"\r\n`);
	const output = await populate(database, ...small, "--csv", csv);
	assert.match(output, /2 texts, 2 rows skipped/);
	assert.equal(await psql(database, "SELECT DISTINCT content::text COLLATE \"C\" FROM parley.messages ORDER BY 1"), 'one, "two"\nthree\nplain 🙂');
});

test("data_of_others_is_refused", async (t) => {
	const database = await parleyDatabase(t, "populate_refusal");
	const refused = async (reason) => {
		const before = await checksum(database);
		const { status, output } = await start(database, [...small, "--seed", "2"]).ended;
		assert.equal(status, 3, output);
		assert.match(output, reason);
		assert.equal(await checksum(database), before);
	};
	const changes = ["INSERT INTO parley.contacts (id, name) VALUES (-1, 'Ann')", "SELECT parley.post_message(1025, 'mine')",
		"SELECT parley.edit_message(1025, 1, 'mine')", "SELECT parley.delete_message(1025, 1)",
		"SELECT parley.create_application('mine')"];

	await psql(database, changes[0]);
	await refused(/not generated/);
	for (const change of changes) {
		await populate(database, ...small, "--replace");
		await psql(database, change);
		await refused(/has changed since|has rows that were not generated/);
	}
	await populate(database, ...small, "--replace");
	await psql(database, "SELECT parley.begin_bulk_load('another loader')");
	await refused(/somebody else/);
	await populate(database, ...small, "--replace");
	assert.equal(await psql(database, "SELECT count(*) FROM parley.bulk_loads WHERE finished_at IS NULL"), "0");
});

test("money_is_never_deleted", async (t) => {
	const database = await parleyDatabase(t, "populate_money");
	await populate(database, ...small);
	await psql(database, "SELECT parley.open_account(1, 'EUR')");
	await populate(database, ...small, "--replace");
	assert.equal(await psql(database, "SELECT count(*) FROM parley.accounts"), "0", "an account without a transaction is not money yet");

	await psql(database, "SELECT parley.open_account(1, 'EUR')");
	await psql(database, "SELECT parley.post_transaction(1, 1, 100)");
	const { status, output } = await start(database, [...small, "--replace"]).ended;
	assert.equal(status, 3, output);
	assert.match(output, /parley.transactions has rows, which are never deleted/);
});

test("story_is_told_once_and_counts_as_generated", async (t) => {
	const database = await parleyDatabase(t, "populate_story");
	const telling = [...small, "--story", join(root, "bench/story.sql")];
	const value = (sql) => psql(database, sql);
	assert.match(await populate(database, ...telling), /ran .*story/);
	assert.equal(await value("SELECT count(*) FROM parley.audit_conversations()"), "0");
	assert.equal(await value("SELECT count(*) FROM parley.audit_ledger()"), "0");
	assert.equal(await value("SELECT count(*) FROM parley.messages WHERE transfer_id IS NOT NULL"), "1");
	assert.equal(await value("SELECT count(*) FROM parley.refusals"), "0");
	assert.equal(await value("SELECT count(*) >= 5 FROM parley.transactions WHERE amount < 0"), "t");
	assert.equal(await value("SELECT array_agg(DISTINCT status::text ORDER BY status::text) FROM parley.cases"), "{open,resolved,snoozed}");
	assert.equal(await value("SELECT count(*) > 20 FROM parley.messages WHERE created_at > now() - interval '4 days'"), "t");
	assert.match(await populate(database, ...telling), /already there/);

	// Without it: only the generated rows, although some of the story's rows are money.
	const plain = await parleyDatabase(t, "populate_story_plain");
	await populate(plain, ...small);
	await populate(database, ...small);
	assert.equal(await checksum(database), await checksum(plain));
	assert.equal(await value("SELECT count(*) FROM parley.transactions"), "0");
	assert.match(await value("SELECT string_agg(tgenabled::text, '') FROM pg_trigger WHERE tgname LIKE '%immutable'"), /^A+$/);

	// Running it again gives the same, on top of what is there.
	assert.match(await populate(database, ...telling), /already there[^]*ran .*story/);
	await psql(database, "SELECT parley.post_transaction(c.id, 1, 1) FROM parley.contacts c WHERE name = 'Olu Adeyemi'");
	const { status, output } = await start(database, [...small, "--replace"]).ended;
	assert.equal(status, 3, output);
	assert.match(output, /has rows, which are never deleted/);
});

test("killed_while_copying_it_leaves_what_was_there", async (t) => {
	const database = await parleyDatabase(t, "populate_kill_copy");
	await populate(database, ...small, "--seed", "1");
	const rows = await checksum(database);
	const whole = await indexes(database);

	await killAt(t, database, stopCopying, [...small, "--seed", "2"]);
	assert.equal(await checksum(database), rows);
	assert.equal(await indexes(database), whole);
	await populate(database, ...small, "--seed", "2");
	assert.notEqual(await checksum(database), rows);
	assert.equal(await indexes(database), whole);
});

for (const [moment, condition] of [["first", "true"], ["last", "to_regclass('parley.messages_pkey') IS NOT NULL"]]) {
	test(`killed_at_the_${moment}_index_the_next_run_goes_on`, async (t) => {
		const unharmed = await parleyDatabase(t, `populate_unharmed_${moment}`);
		const database = await parleyDatabase(t, `populate_kill_${moment}`);
		await populate(unharmed, ...small);
		await killAt(t, database, stopIndexing(condition), small);
		assert.notEqual(await indexes(database), await indexes(unharmed));

		assert.match(await populate(database, ...small), /interrupted/);
		assert.equal(await indexes(database), await indexes(unharmed));
		assert.equal(await checksum(database), await checksum(unharmed));
		assert.equal(await psql(database, "SELECT count(*) FROM parley.bulk_loads WHERE finished_at IS NULL"), "0");
		assert.match(await populate(database, ...small), /already there/);
	});
}

test("killed_at_an_index_another_load_starts_over", async (t) => {
	const database = await parleyDatabase(t, "populate_kill_over");
	const whole = await indexes(database);
	await killAt(t, database, stopIndexing("to_regclass('parley.contacts_pkey') IS NOT NULL"), small);
	await populate(database, ...small, "--seed", "2");
	assert.equal(await indexes(database), whole);
});

test("finish_bulk_load_alone_repairs", async (t) => {
	const database = await parleyDatabase(t, "populate_kill_finish");
	const whole = await indexes(database);
	await killAt(t, database, stopIndexing("to_regclass('parley.contacts_pkey') IS NOT NULL"), small);
	await psql(database, "SELECT parley.finish_bulk_load()");
	assert.equal(await indexes(database), whole);
	assert.match(await populate(database, ...small), /already there/);
	await psql(database, "SELECT parley.finish_bulk_load()");
	assert.equal(await indexes(database), whole, "once more is harmless");
});

test("what_it_does_not_understand_is_an_error", async (t) => {
	const ends = async (database, args, expected, reason) => {
		const { status, output } = await start(database, args).ended;
		assert.equal(status, expected, output);
		assert.match(output, reason);
	};
	const empty = await createDatabase(t, "populate_errors");
	await ends(empty, small, 1, /does not have the extension parley/);
	await ends("no_such_database", small, 1, /no_such_database/);
	await ends(empty, ["--contacts", "0"], 2, /contacts: 0/);
	await ends(empty, ["--messages", "many"], 2, /messages: many/);
	await ends(empty, ["--seed"], 2, /value is missing: seed/);
	await ends(empty, ["--until", "yesterday"], 2, /until is a time like .*: yesterday/);
	await ends(empty, ["--speed", "1"], 2, /unknown option: --speed/);
	await ends(empty, ["--csv", "/nonexistent.csv"], 1, /cannot read \/nonexistent.csv: No such file/);
});
