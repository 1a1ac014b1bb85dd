// The migration from accounts to users, on a filled copy of the schema that it starts from, while old and new code write. Nothing
// is lost, each user's sums stay the same, and every step except the last can be undone. Also the import of such a database into
// parley.

import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "node:test";
import { createDatabase, program, psql, root } from "../support/database.mjs";
import { Session } from "../support/psql_session.mjs";

// As its comments say, a step that waited for a lock for too long is run again.
const step = (database, file, ...args) =>
	program("psql", ["-XAtq", "-d", database, ...args, "-f", join(root, "docs/migration", file)])
		.catch((error) => {
			if (!/lock timeout/.test(error.stderr)) throw error;
			return step(database, file, ...args);
		});

const users = 300;

// Users with no account, with one, and with several; totals that differ from the sum of their transactions; floats with and
// without cents.
async function filled(t, name) {
	const database = await createDatabase(t, name);
	await step(database, "0_schema.sql");
	await psql(database, `SELECT setseed(0.5);
		INSERT INTO users (id, name) SELECT 'user ' || n, 'name ' || n FROM generate_series(1, ${users}) n;
		INSERT INTO account (id, user_id, total) SELECT format('account %s of %s', a, n), 'user ' || n, round((random() * 100)::numeric, 2)
			FROM generate_series(1, ${users}) n, generate_series(1, n % 4) a;
		INSERT INTO transaction (id, account_id, amount, created_at)
			SELECT gen_random_uuid(), a.id, (random() * 1000 - 400)::numeric(12, 2), 1700000000 + random() * 30000000
			FROM account a, generate_series(1, 12);
		UPDATE account a SET total = a.total + t.amount
			FROM (SELECT account_id, sum(amount) AS amount FROM transaction GROUP BY account_id) t WHERE t.account_id = a.id`);
	return database;
}

// Code that inserts until it is told to stop, and how much it has given to each user, in cents.
class Writers {
	#stopped = false;
	#jobs;
	given = new Map();
	inserted = 0;

	constructor(database, count, statement) {
		const session = () => new Session({ PGDATABASE: database });
		this.#jobs = Array.from({ length: count }, session).map((s, i) => this.#write(s, i, statement));
	}

	async #write(session, seed, statement) {
		for (let n = seed; !this.#stopped; n += 7) {
			const user = `user ${(n * 31) % users + 1}`;
			const cents = (n * 17) % 500 - 200;
			const rows = await session.rows(statement(user, cents));
			assert.ok(Array.isArray(rows), JSON.stringify(rows));
			if (rows.length === 0) continue;
			this.inserted++;
			this.given.set(user, (this.given.get(user) ?? 0) + cents);
		}
		await session.close();
	}

	// Waits until they have inserted this many more.
	async insert(count) {
		const enough = this.inserted + count;
		for (const end = Date.now() + 60000; this.inserted < enough; await pause(20)) assert.ok(Date.now() < end, `${count} more were not inserted`);
	}

	async stop() {
		this.#stopped = true;
		await Promise.all(this.#jobs);
	}
}

// The old code: a transaction of an account, and the account's total.
const oldCode = (user, cents) => `SELECT old_insert('${user}', ${cents / 100}) AS id LIMIT 1`;
const oldFunction = `CREATE FUNCTION old_insert(who varchar, amount double precision) RETURNS SETOF varchar LANGUAGE plpgsql AS $$
	DECLARE
		account_id varchar := (SELECT a.id FROM account a WHERE a.user_id = who ORDER BY random() LIMIT 1);
	BEGIN
		IF account_id IS NOT NULL THEN
			INSERT INTO transaction (id, account_id, amount, created_at)
				VALUES (gen_random_uuid(), account_id, amount, extract(epoch FROM now())::integer);
			UPDATE account a SET total = a.total + amount WHERE a.id = account_id;
			RETURN NEXT account_id;
		END IF;
	END $$`;
// … and the new code, as a client would send it: one INSERT.
const newFunction = `CREATE FUNCTION new_insert(who varchar, amount double precision) RETURNS varchar LANGUAGE sql AS $$
	INSERT INTO transaction (id, user_id, amount, created_at)
		VALUES (gen_random_uuid(), who, amount, extract(epoch FROM now())::integer) RETURNING id $$`;
const newCode = (user, cents) => `SELECT new_insert('${user}', ${cents / 100}) AS id`;

const cents = async (database, query) =>
	new Map(JSON.parse(await psql(database, `SELECT coalesce(json_agg(json_build_array(id, cents)), '[]') FROM (${query}) s`)));
const byUser = `SELECT user_id AS id, round(sum(amount::numeric) * 100)::bigint AS cents FROM transaction GROUP BY user_id`;
const byAccount = `SELECT a.user_id AS id, round(sum(t.amount::numeric) * 100)::bigint AS cents
	FROM transaction t JOIN account a ON a.id = t.account_id GROUP BY a.user_id`;
const totals = `SELECT id, round(total * 100)::bigint AS cents FROM users`;
const accountTotals = `SELECT user_id AS id, round(sum(total::numeric) * 100)::bigint AS cents FROM account GROUP BY user_id`;

function assertGrownBy(after, before, ...writers) {
	for (let n = 1; n <= users; n++) {
		const user = `user ${n}`;
		const grown = writers.reduce((sum, { given }) => sum + (given.get(user) ?? 0), before.get(user) ?? 0);
		assert.equal(after.get(user) ?? 0, grown, user);
	}
}

test("accounts_become_users_while_old_and_new_code_write", async (t) => {
	const database = await filled(t, "migration");
	const sums = await cents(database, byAccount);
	const before = await cents(database, accountTotals);
	await psql(database, oldFunction);
	const old = new Writers(database, 3, oldCode);
	for (const file of ["1_keys.sql", "2_expand.sql", "3_backfill.sql", "4_constrain.sql", "3_backfill.sql"]) await step(database, file);
	assert.equal(await step(database, "5_verify.sql"), "");

	// both generations at the same time
	await psql(database, newFunction);
	const young = new Writers(database, 3, newCode);
	for (let i = 0; i < 5; i++) {
		await Promise.all([old.insert(10), young.insert(5)]);
		assert.equal(await step(database, "5_verify.sql"), "");
	}
	await old.stop();

	// only the new code, while the accounts are retired
	await step(database, "6_retire.sql");
	await young.insert(50);
	await young.stop();
	await step(database, "7_drop.sql");
	assertGrownBy(await cents(database, byUser), sums, old, young);
	assertGrownBy(await cents(database, totals), before, old, young);
	assert.equal(await psql(database, "SELECT to_regclass('account')"), "");
});

test("every_step_before_the_last_can_be_undone", async (t) => {
	const database = await filled(t, "migration_undone");
	const shape = () => psql(database, `SELECT string_agg(format('%s.%s %s %s', attrelid::regclass, attname, atttypid::regtype, attnotnull), ', '
		ORDER BY attrelid::regclass::text, attname) FROM pg_attribute WHERE attrelid IN ('users'::regclass, 'account'::regclass, 'transaction'::regclass)
		AND attnum > 0 AND NOT attisdropped`);
	await step(database, "1_keys.sql");
	const was = await shape();
	const before = await cents(database, byAccount);
	const beforeTotals = await cents(database, accountTotals);
	await step(database, "2_expand.sql");
	await psql(database, newFunction);
	await step(database, "3_backfill.sql");
	await step(database, "4_constrain.sql");
	await step(database, "6_retire.sql");
	const young = new Writers(database, 2, newCode);
	await young.insert(50);
	await step(database, "6_retire_undo.sql");
	assert.equal(await step(database, "5_verify.sql"), "");
	await young.stop();
	assert.equal(await step(database, "5_verify.sql"), "");
	await step(database, "2_expand_undo.sql");
	assert.equal(await shape(), was);
	assertGrownBy(await cents(database, byAccount), before, young);
	assertGrownBy(await cents(database, accountTotals), beforeTotals, young);
});

// Interrupts the step after it has got this far, again and again, and then lets it finish.
async function stopAndGoOn(database, file, t) {
	const name = `stopped ${file}`;
	for (let bound = 1; ; bound = bound * 2 + 5) {
		const running = program("psql", ["-XAtq", "-d", database, "-f", join(root, "docs/migration", file)], { PGAPPNAME: name })
			.then(() => true, (error) => { if (!/terminating connection|server closed|lock timeout/.test(error.stderr)) throw error; return false; });
		const ended = await Promise.race([running, pause(bound)]);
		if (ended) return;
		await psql("postgres", `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${name}'`);
		if (await running) return;
	}
}

test("every_step_goes_on_where_it_was_stopped_while_others_write", async (t) => {
	const database = await filled(t, "migration_stopped");
	const before = await cents(database, byAccount);
	const beforeTotals = await cents(database, accountTotals);
	await psql(database, oldFunction);
	const old = new Writers(database, 2, oldCode);
	for (const file of ["1_keys.sql", "2_expand.sql", "3_backfill.sql", "4_constrain.sql"]) {
		// A transaction whose snapshot stays open for a while makes CONCURRENTLY wait.
		const open = new Session({ PGDATABASE: database });
		assert.equal(await open.statement("BEGIN ISOLATION LEVEL REPEATABLE READ"), "00000");
		await open.rows("SELECT count(*) FROM transaction");
		const going = stopAndGoOn(database, file, t);
		await pause(300);
		await open.close();
		await going;
		await step(database, file);
		await old.insert(5);
	}
	assert.equal(await step(database, "5_verify.sql"), "");
	await old.stop();
	assert.equal(await psql(database, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0");
	await psql(database, newFunction);
	const young = new Writers(database, 2, newCode);
	for (const file of ["6_retire.sql", "6_retire_undo.sql", "6_retire.sql", "7_drop.sql"]) {
		await stopAndGoOn(database, file, t);
		await step(database, file);
		await young.insert(5);
	}
	await young.stop();
	assertGrownBy(await cents(database, byUser), before, old, young);
	assertGrownBy(await cents(database, totals), beforeTotals, old, young);
});

test("ids_that_are_there_twice_stop_the_first_step", async (t) => {
	const database = await filled(t, "migration_twice");
	await psql(database, "INSERT INTO users VALUES ('user 1', 'again')");
	await assert.rejects(step(database, "1_keys.sql"), /could not create unique index "users_key"/);
	await psql(database, "DELETE FROM users WHERE name = 'again'");
	await step(database, "1_keys.sql");
});

test("what_belongs_to_nobody_stops_the_constraint_and_is_listed", async (t) => {
	const database = await filled(t, "migration_nobody");
	await psql(database, "INSERT INTO transaction VALUES ('lost', 'gone', 5, 0)");
	for (const file of ["1_keys.sql", "2_expand.sql", "3_backfill.sql"]) await step(database, file);
	await assert.rejects(step(database, "4_constrain.sql"), /transaction_user_id_present/);
	assert.match(await step(database, "5_verify.sql"), /^nobody's transaction lost/m);
	await psql(database, "DELETE FROM transaction WHERE id = 'lost'");
	await step(database, "4_constrain.sql");
});

test("the_obvious_update_counts_one_account_a_user", async (t) => {
	const database = await filled(t, "migration_obvious");
	await psql(database, `ALTER TABLE users ADD COLUMN total float DEFAULT 0;
		UPDATE users u SET total = u.total + a.total FROM account a WHERE a.user_id = u.id`);
	const wrong = await cents(database, totals);
	const right = await cents(database, accountTotals);
	assert.ok([...right].filter(([user, total]) => wrong.get(user) !== total).length > users / 3);
});

test("such_a_database_is_imported_to_the_cent_and_what_was_rounded_is_reported", async (t) => {
	const database = await filled(t, "migration_import");
	await psql(database, `CREATE SCHEMA old; ALTER TABLE users SET SCHEMA old; ALTER TABLE account SET SCHEMA old;
		ALTER TABLE transaction SET SCHEMA old; CREATE EXTENSION parley CASCADE;
		INSERT INTO old.users VALUES ('odd'), ('poor');
		INSERT INTO old.account (id, user_id, total) VALUES ('odd', 'odd', 3.005), ('poor', 'poor', -7.25);
		INSERT INTO old.transaction (id, account_id, amount, created_at) VALUES ('third', 'odd', 1.0/3, 1577836800), ('half', 'odd', 0.125, 1577923200),
			('minus half', 'odd', -0.125, 1578009600), ('nothing', 'odd', 0.004, 1578096000), ('nan', 'odd', 'NaN', 1578182400),
			('exact', 'odd', 0.1 + 0.2, 1578268800), ('all', 'poor', -7.25, 1577836800), ('lost', 'gone', 5, 1577836800), ('none', 'poor', NULL, NULL);
		INSERT INTO old.account VALUES ('nobody''s', 'gone', 1), ('without', 'poor', NULL)`);
	const expected = await cents(database, `SELECT user_id AS id, sum(round(total::numeric * 100))::bigint AS cents FROM old.account WHERE user_id <> 'gone' GROUP BY user_id`);
	await step(database, "import.sql", "-v", "currency=EUR", "-v", "source=old");

	const imported = await cents(database, `SELECT u.user_id AS id, sum(a.balance)::bigint AS cents
		FROM parley_import.users u JOIN parley.accounts a ON a.user_id = u.contact_id GROUP BY u.user_id`);
	assert.deepEqual([...imported].sort(), [...expected].sort());
	assert.equal(await psql(database, "SELECT count(*) FROM parley.audit_ledger()"), "0");
	const lines = async (account) => psql(database, `SELECT string_agg(t.amount || coalesce(' ' || t.memo, ''), ', ' ORDER BY t.number)
		FROM parley.transactions t JOIN parley_import.accounts a ON (a.contact_id, a.id) = (t.user_id, t.account_id) WHERE a.account_id = '${account}'`);
	assert.equal(await lines("odd"), "238 opening balance, 33, 13, -13, 30");
	assert.equal(await lines("poor"), "-725");
	const differences = await psql(database, `SELECT kind, id, given, trim_scale(imported) FROM parley_import.differences
		WHERE id IN ('third', 'half', 'minus half', 'nothing', 'nan', 'exact', 'odd', 'poor', 'lost', 'nobody''s', 'none') ORDER BY kind, id`);
	assert.deepEqual(differences.split("\n"), ["nobody's|lost|5|", "nobody's|nobody's|1|", "opening balance|odd|0|2.38", "rounded|half|0.125|0.13", "rounded|minus half|-0.125|-0.13",
		"rounded|third|0.333333333333333|0.33", "skipped|nan|NaN|", "skipped|none||", "skipped|nothing|0.004|", "user|odd|3.005|3.01"]);
	// the imported accounts work like any other
	const user = await psql(database, "SELECT contact_id FROM parley_import.users WHERE user_id = 'odd'");
	assert.equal(await psql(database, `SELECT balance, id FROM parley.post_transaction(${user}, 1, -301)`), "0|6");
});
