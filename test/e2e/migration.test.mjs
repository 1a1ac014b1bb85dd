// The migration from accounts to users, on a filled copy of the schema that it starts from, while old and new code write: nothing is
// lost, each user's sums stay, every step but the last can be undone; and the import of such a database into parley.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createDatabase, program, psql, root } from "../support/database.mjs";
import { Session } from "../support/psql_session.mjs";

const step = (database, file, ...args) =>
	program("psql", ["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, ...args, "-f", join(root, "docs/migration", file)]);

const users = 300;

// Users with no account, one, and several; totals that their transactions do not account for; floats with and without cents.
async function filled(t, name) {
	const database = await createDatabase(t, name);
	await step(database, "0_schema.sql");
	await psql(database, `SELECT setseed(0.5);
		INSERT INTO users (id, name) SELECT 'user ' || n, 'name ' || n FROM generate_series(1, ${users}) n;
		INSERT INTO account (id, user_id, total) SELECT format('account %s of %s', a, n), 'user ' || n, round((random() * 100)::numeric, 2)
			FROM generate_series(1, ${users}) n, generate_series(1, n % 4) a;
		INSERT INTO transaction (account_id, amount, created_at)
			SELECT a.id, (random() * 1000 - 400)::numeric(12, 2), now() - random() * interval '1 year' FROM account a, generate_series(1, 12);
		UPDATE account a SET total = a.total + t.amount
			FROM (SELECT account_id, sum(amount) AS amount FROM transaction GROUP BY account_id) t WHERE t.account_id = a.id`);
	return database;
}

// Code that inserts until it is told to stop; how much it has given each user, in cents.
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
			INSERT INTO transaction (account_id, amount) VALUES (account_id, amount);
			UPDATE account a SET total = a.total + amount WHERE a.id = account_id;
			RETURN NEXT account_id;
		END IF;
	END $$`;
// … and the new, as statements of a client would come: one INSERT.
const newFunction = `CREATE FUNCTION new_insert(who varchar, amount double precision) RETURNS varchar LANGUAGE sql AS $$
	INSERT INTO transaction (user_id, amount) VALUES (who, amount) RETURNING id $$`;
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
	await step(database, "1_expand.sql");
	await step(database, "2_backfill.sql");
	await step(database, "3_constrain.sql");
	await step(database, "2_backfill.sql");
	assert.equal(await step(database, "4_verify.sql"), "");

	// both generations at once
	await psql(database, newFunction);
	const young = new Writers(database, 3, newCode);
	for (let i = 0; i < 5; i++) assert.equal(await step(database, "4_verify.sql"), "");
	await old.stop();
	assert.ok(old.inserted > 100 && young.inserted > 10, `${old.inserted} and ${young.inserted} inserted`);

	// the new alone, over the retirement of the accounts
	await step(database, "5_retire.sql");
	const inserted = young.inserted;
	while (young.inserted < inserted + 50) await psql(database, "SELECT 1");
	await young.stop();
	await step(database, "6_drop.sql");
	assertGrownBy(await cents(database, byUser), sums, old, young);
	assertGrownBy(await cents(database, totals), before, old, young);
	assert.equal(await psql(database, "SELECT to_regclass('account')"), "");
});

test("every_step_before_the_last_can_be_undone", async (t) => {
	const database = await filled(t, "migration_undone");
	const shape = () => psql(database, `SELECT string_agg(format('%s.%s %s %s', attrelid::regclass, attname, atttypid::regtype, attnotnull), ', '
		ORDER BY attrelid::regclass::text, attname) FROM pg_attribute WHERE attrelid IN ('users'::regclass, 'account'::regclass, 'transaction'::regclass)
		AND attnum > 0 AND NOT attisdropped`);
	const was = await shape();
	const before = await cents(database, byAccount);
	const beforeTotals = await cents(database, accountTotals);
	await step(database, "1_expand.sql");
	await psql(database, newFunction);
	await step(database, "2_backfill.sql");
	await step(database, "3_constrain.sql");
	await step(database, "5_retire.sql");
	const young = new Writers(database, 2, newCode);
	while (young.inserted < 50) await psql(database, "SELECT 1");
	await step(database, "5_retire_undo.sql");
	assert.equal(await step(database, "4_verify.sql"), "");
	await young.stop();
	assert.equal(await step(database, "4_verify.sql"), "");
	await step(database, "1_expand_undo.sql");
	assert.equal(await shape(), was);
	assertGrownBy(await cents(database, byAccount), before, young);
	assertGrownBy(await cents(database, accountTotals), beforeTotals, young);
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
		INSERT INTO old.transaction (id, account_id, amount, created_at) VALUES ('third', 'odd', 1.0/3, '2020-01-01'), ('half', 'odd', 0.125, '2020-01-02'),
			('minus half', 'odd', -0.125, '2020-01-03'), ('nothing', 'odd', 0.004, '2020-01-04'), ('nan', 'odd', 'NaN', '2020-01-05'),
			('exact', 'odd', 0.1 + 0.2, '2020-01-06'), ('all', 'poor', -7.25, '2020-01-01')`);
	const expected = await cents(database, `SELECT user_id AS id, sum(round(total::numeric * 100))::bigint AS cents FROM old.account GROUP BY user_id`);
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
		WHERE id IN ('third', 'half', 'minus half', 'nothing', 'nan', 'exact', 'odd', 'poor') ORDER BY kind, id`);
	assert.deepEqual(differences.split("\n"), ["opening balance|odd|0|2.38", "rounded|half|0.125|0.13", "rounded|minus half|-0.125|-0.13",
		"rounded|third|0.333333333333333|0.33", "skipped|nan|NaN|", "skipped|nothing|0.004|", "user|odd|3.005|3.01"]);
	// the imported accounts go on as any other
	const user = await psql(database, "SELECT contact_id FROM parley_import.users WHERE user_id = 'odd'");
	assert.equal(await psql(database, `SELECT balance, id FROM parley.post_transaction(${user}, 1, -301)`), "0|6");
});
