// Thousands of postings, transfers, batches and replays by eight sessions, on a cluster of their own, compared with a model line
// by line. Then the same while the server is killed again and again and the clients retry with their keys. What was confirmed
// before a kill must be there afterwards: postings release their locks before they are on disk, but not their results.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { psql, root, run } from "../support/database.mjs";
import { until } from "../support/http.mjs";
import { Model, name } from "../support/ledger_model.mjs";
import { ConnectionLost, Session } from "../support/psql_session.mjs";

const sessions = 8;
let dir, env;

// One that waits for the disk, so that kills hit what is being flushed.
const cluster = (command, ...args) => run("bash", [join(root, "deploy/local/cluster.sh"), command, dir, ...args], { env: { ...process.env, FSYNC: "on" } });

before(async () => {
	dir = await mkdtemp("/tmp/parley-ledger-");
	await run("chmod", ["755", dir]);
	await cluster("create");
	await cluster("start");
	await cluster("database", "ledger");
	env = { PGHOST: (await cluster("socket")).stdout.trim(), PGPORT: "5432", PGDATABASE: "ledger", PGUSER: "postgres" };
});

after(async () => {
	await cluster("remove");
	await rm(dir, { recursive: true, force: true });
});

// The same numbers for the same seed, so that a failed run can be repeated.
function randomOf(seed) {
	return () => {
		seed = (seed + 0x6d2b79f5) | 0;
		let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

async function openAccounts(users) {
	const opened = [];
	for (let i = 0; i < users; i++) {
		const id = await psql("ledger", "SELECT id FROM parley.create_contact('model')", env);
		await psql("ledger", `SELECT parley.open_account(${id}, 'EUR') FROM generate_series(1, 2)`, env);
		opened.push(name(id, 1), name(id, 2));
	}
	return opened;
}

const quoted = (text) => (text === null ? "NULL" : `'${text}'`);
const ids = (account) => account.split("/").map(Number);

function answerOf(row, numbers, balance) {
	if (row.refused === null) return { numbers, balance };
	return { refused: row.refused, balance: Number(/is (-?\d+),/.exec(row.refused_detail)?.[1]) };
}

// Runs several operations concurrently and passes the results to the model. Retries those that were in progress when the
// connection was lost.
async function ask(session, operations) {
	for (const end = Date.now() + 300000; Date.now() < end; ) {
		try {
			return await askOnce(session, operations);
		} catch (error) {
			if (!(error instanceof ConnectionLost)) throw error;
			await pause(20);
		}
	}
	assert.fail("the server did not come back");
}

async function askOnce(session, operations) {
	const [{ kind, account, to, amount, memo, key }] = operations;
	let rows;
	if (kind === "batch") {
		const list = (of, type) => `ARRAY[${operations.map(of)}]::${type}[]`;
		rows = await session.rows(`SELECT * FROM parley.post_transactions(${list((o) => ids(o.account)[0], "bigint")},
			${list((o) => ids(o.account)[1], "bigint")}, ${list((o) => o.amount, "bigint")}, ${list((o) => quoted(o.memo), "text")},
			${list((o) => quoted(o.key), "text")})`);
	} else if (kind === "transfer")
		rows = await session.rows(`SELECT * FROM parley.post_transfer(${ids(account)}, ${ids(to)}, ${amount}, ${quoted(memo)}, NULL, '${key}')`);
	else rows = await session.rows(`SELECT * FROM parley.post_transaction(${ids(account)}, ${amount}, ${quoted(memo)}, '${key}')`);
	assert.ok(Array.isArray(rows), JSON.stringify([operations, rows]));
	assert.equal(rows.length, operations.length);
	return rows.map((row) => kind === "transfer"
		? answerOf(row, [row.from_transaction?.id, row.to_transaction?.id], row.from_transaction?.balance)
		: answerOf(row, [row.id], row.balance));
}

let keys = 0;

function invent(random, accounts) {
	const pick = () => accounts[Math.floor(random() * accounts.length)];
	const make = (kind) => {
		const operation = { kind, account: pick(), key: `key ${++keys}`, memo: random() < 0.3 ? `memo ${keys}` : null };
		operation.amount = Math.floor(random() * 100) + 1;
		if (kind === "transfer") do operation.to = pick(); while (operation.to === operation.account);
		else if (random() < 0.5) operation.amount = -operation.amount;
		return operation;
	};
	const chance = random();
	if (chance < 0.45) return [make("transaction")];
	if (chance < 0.8) return [make("transfer")];
	return Array.from({ length: 1 + Math.floor(random() * 10) }, () => make("batch"));
}

async function work(session, model, random, accounts, count) {
	for (let i = 0; i < count; i++) {
		const old = random() < 0.15 ? model.answered(random) : undefined;
		const operations = old ? [old] : invent(random, accounts).map((operation) => model.begin(operation));
		(await ask(session, operations)).forEach((answer, j) => model.end(operations[j], answer));
	}
}

async function compared(t, model, accounts) {
	const users = [...new Set(accounts.map((account) => ids(account)[0]))];
	const rows = JSON.parse(await psql("ledger", `SELECT coalesce(json_agg(t ORDER BY user_id, account_id, number), '[]')
		FROM parley.transactions t WHERE user_id IN (${users})`, env));
	const result = model.compare(rows);
	t.diagnostic(`${result.posted} lines, ${result.refused} refusals`);
	assert.ok(result.posted > 1000 && result.refused > 20, JSON.stringify(result));
	assert.equal(await psql("ledger", "SELECT count(*) FROM parley.audit_ledger()", env), "0");
	assert.equal(await psql("ledger", `SELECT count(*) FROM (SELECT created_at < lag(created_at) OVER (PARTITION BY user_id, account_id
		ORDER BY number) AS back FROM parley.transactions) t WHERE back`, env), "0");
}

async function inSessions(job) {
	const open = Array.from({ length: sessions }, () => new Session(env));
	try {
		await Promise.all(open.map(job));
	} finally {
		await Promise.all(open.map((session) => session.close()));
	}
}

test("mixed_operations_of_eight_sessions_do_what_the_model_does", async (t) => {
	const accounts = await openAccounts(4);
	const model = new Model();
	await inSessions((session, i) => work(session, model, randomOf(1000 + i), accounts, 300));
	await compared(t, model, accounts);
});

async function killServer() {
	const [pid] = (await readFile(join(dir, "cluster/data/postmaster.pid"), "utf8")).split("\n");
	process.kill(Number(pid), "SIGKILL");
	// Its children notice by themselves; the next start waits for them.
	await until(() => run("kill", ["-0", pid]).then(() => false, () => true), "killed");
	await until(() => cluster("start").then(() => true, () => false), "started again", 300);
}

test("what_was_answered_survives_a_killed_server_and_what_was_not_is_retried_by_key", async (t) => {
	const accounts = await openAccounts(4);
	const model = new Model();
	let working = true;
	let kills = 0;
	const killer = (async () => {
		while (working && kills < 4) {
			// in the middle of the work: after some more of it was done since the last time
			const done = Number(await psql("ledger", "SELECT count(*) FROM parley.transactions", env));
			await until(async () => !working || Number(await psql("ledger", "SELECT count(*) FROM parley.transactions", env)) > done + 150,
				"more work done", 120);
			if (!working) break;
			await killServer();
			kills++;
		}
	})();
	await inSessions((session, i) => work(session, model, randomOf(2000 + i), accounts, 250)).finally(() => (working = false));
	await killer;
	assert.ok(kills >= 2, `${kills} kills`);
	await compared(t, model, accounts);
});

// Waiting for the processor is not the batch's fault, so the best of several attempts counts.
test("a_batch_is_cancelled_within_a_tenth_of_a_second", { timeout: 900000 }, async (t) => {
	const user = await psql("ledger", "SELECT id FROM parley.create_contact('batch')", env);
	await psql("ledger", `SELECT parley.open_account(${user}, 'EUR') FROM generate_series(1, 1000)`, env);
	const session = new Session(env);
	t.after(() => session.close());
	const post = (accounts, postings) => `SELECT count(p.id) FROM (SELECT array_agg(${user}::bigint) AS users, array_agg((1 + n % ${accounts})::bigint) AS accounts,
		array_agg(1::bigint) AS amounts, array_agg('key ' || n) AS keys FROM generate_series(1, ${postings}) n) d,
		LATERAL parley.post_transactions(d.users, d.accounts, d.amounts, NULL, d.keys) p`;
	for (const [accounts, postings] of [[1, 200000], [1000, 200000]]) {
		const delays = [];
		for (let tries = 0; tries < 20 && !delays.some((delay) => delay < 100); tries++) {
			const timeout = 150 + 20 * tries;
			await session.rows(`SELECT set_config('statement_timeout', '${timeout}', false)`);
			const began = performance.now();
			const rows = await session.rows(post(accounts, postings));
			assert.deepEqual(rows, { error: "57014" }, "the batch was done before the timeout");
			delays.push(performance.now() - began - timeout);
		}
		t.diagnostic(`${accounts} accounts: cancelled after the timeout and ${delays.map(Math.round).join(", ")} ms`);
		assert.ok(Math.min(...delays) < 100, `${accounts} accounts: ${delays}`);
	}
	await session.rows("SELECT set_config('statement_timeout', '0', false)");
	assert.deepEqual(await session.rows(`SELECT count(*) FROM parley.transactions WHERE user_id = ${user}`), [{ count: 0 }]);
	assert.deepEqual(await session.rows("SELECT * FROM parley.audit_ledger()"), []);
});
