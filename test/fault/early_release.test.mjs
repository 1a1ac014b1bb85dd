// What becomes visible of a posting, or of a post in a chat, before it is durable, on a primary whose synchronous standby is away:
// the next one goes on, and nobody is told anything until the standby has confirmed it.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Cluster } from "../support/clusters.mjs";
import { until } from "../support/http.mjs";
import { Session } from "../support/psql_session.mjs";

let primary, standby, account;

const balance = async () => Number(await primary.psql(`SELECT balance FROM parley.accounts WHERE user_id = ${account}`));
const posting = "SELECT balance FROM parley.post_transaction(ACCOUNT, 1, 1)";
const journaled = "SELECT balance FROM public.post_and_journal(ACCOUNT)";
const waiting = async (event) => Number(await primary.psql(`SELECT count(*) FROM pg_stat_activity WHERE wait_event = '${event}' AND query ~ 'post_'`));
const post = (session, statement = posting) => session.rows(statement.replace("ACCOUNT", account));

before(async (t) => {
	primary = await Cluster.create(t, ["wal_level = replica", "max_wal_senders = 4", "wal_keep_size = 64", "wal_retrieve_retry_interval = 100"]);
	account = Number(await primary.psql("SELECT id FROM parley.create_contact('crowded')"));
	await primary.psql(`SELECT parley.open_account(${account}, 'EUR')`);
	standby = await primary.standby(t);
	await primary.psql("ALTER SYSTEM SET synchronous_standby_names = '*'");
	await primary.psql("SELECT pg_reload_conf()");
	await until(async () => (await primary.psql("SELECT sync_state FROM pg_stat_replication")) === "sync", "the standby is synchronous");
	await primary.psql(posting.replace("ACCOUNT", account));
});

// Two sessions post while a third one holds the account, so that they have to wait for it, and both know that it is crowded.
async function crowd(t, setup = "SELECT 1", statement = posting) {
	const [holder, ...sessions] = [1, 2, 3].map(() => new Session(primary.env));
	t.after(() => Promise.all([holder, ...sessions].map((session) => session.close())));
	for (const session of sessions) await session.rows(setup);
	await standby.stop();
	await holder.statement("BEGIN");
	await holder.rows(`SELECT FROM parley.accounts WHERE user_id = ${account} FOR UPDATE`);
	const answers = sessions.map((session) => post(session, statement));
	await until(async () => (await waiting("transactionid")) + (await waiting("tuple")) === 2, "both wait for the account");
	await holder.statement("ROLLBACK");
	return answers;
}

test("an_account_is_free_before_the_standby_has_confirmed_and_nobody_is_told", { timeout: 300000 }, async (t) => {
	const had = await balance();
	const told = [];
	const answers = (await crowd(t)).map((answer) => answer.then(([row]) => told.push(row.balance)));
	// Both have committed, the second one on top of the first. Now they wait only for the standby.
	await until(async () => (await waiting("SyncRep")) === 2, "both wait for the standby");
	assert.equal(await balance(), had + 2);
	assert.deepEqual(told, []);
	// Readers that use the ledger's functions are not told either, and can be cancelled.
	const reader = new Session({ ...primary.env, PGOPTIONS: "-c statement_timeout=500" });
	t.after(() => reader.close());
	assert.deepEqual(await reader.rows(`SELECT balance FROM parley.get_balance(${account}, 1)`), { error: "57014" });
	const patient = primary.psql(`SELECT balance FROM parley.get_balance(${account}, 1)`);
	await standby.start();
	await Promise.all(answers);
	assert.deepEqual(told.sort((a, b) => a - b), [had + 1, had + 2]);
	assert.equal(Number(await patient), had + 2);
	assert.equal(await primary.psql("SELECT count(*) FROM parley.audit_ledger()"), "0");
});

test("with_the_setting_off_an_account_is_held_until_the_standby_has_confirmed", { timeout: 300000 }, async (t) => {
	const had = await balance();
	const answers = await crowd(t, "SELECT set_config('parley.early_release', 'off', false)");
	await until(async () => (await waiting("SyncRep")) === 1, "one waits for the standby");
	assert.equal((await waiting("transactionid")) + (await waiting("tuple")), 1);
	assert.equal(await balance(), had);
	await standby.start();
	assert.deepEqual((await Promise.all(answers)).map(([row]) => row.balance).sort((a, b) => a - b), [had + 1, had + 2]);
});

// Nobody who reads a table of the owner's waits for its rows. So a function that posts and writes to such a table must hold on to
// the account, as docs/routes.md says.
test("what_a_function_of_the_owners_writes_beside_a_posting_is_durable_before_it_is_visible", { timeout: 300000 }, async (t) => {
	await primary.psql(`CREATE TABLE public.journal (at timestamptz DEFAULT now());
		CREATE FUNCTION public.post_and_journal(account bigint, OUT balance bigint) LANGUAGE sql SET parley.early_release = off AS $$
			INSERT INTO public.journal DEFAULT VALUES;
			SELECT balance FROM parley.post_transaction(account, 1, 1) $$`);
	const journal = async () => Number(await primary.psql("SELECT count(*) FROM public.journal"));
	const answers = await crowd(t, undefined, journaled);
	await until(async () => (await waiting("SyncRep")) === 1, "one waits for the standby");
	assert.equal((await waiting("transactionid")) + (await waiting("tuple")), 1);
	assert.equal(await journal(), 0);
	await standby.start();
	await Promise.all(answers);
	assert.equal(await journal(), 2);

	// Without the setting they are visible before.
	await primary.psql("ALTER FUNCTION public.post_and_journal RESET parley.early_release");
	const early = await crowd(t, undefined, journaled);
	await until(async () => (await waiting("SyncRep")) === 2, "both wait for the standby");
	assert.equal(await journal(), 4);
	await standby.start();
	await Promise.all(early);
});

// The one who posts first is durable on its own disk. The others had to wait for it, and so do not let each other wait.
test("a_chat_is_free_before_the_standby_has_confirmed_and_nobody_is_told", { timeout: 300000 }, async (t) => {
	const token = await primary.psql("SELECT token FROM parley.create_application('crowded')");
	await primary.psql(`SELECT parley.create_chat('${token}')`);
	const [holder, ...sessions] = [1, 2, 3].map(() => new Session(primary.env));
	t.after(() => Promise.all([holder, ...sessions].map((session) => session.close())));
	const chatPost = `SELECT number FROM parley.post_chat_message('${token}', 1, 'to a crowd')`;
	await standby.stop();
	for (const statement of ["BEGIN", "SET LOCAL synchronous_commit = local"]) await holder.statement(statement);
	assert.deepEqual(await holder.rows(chatPost), [{ number: 1 }]);
	const told = [];
	const answers = sessions.map((session) => session.rows(chatPost).then(([row]) => told.push(row.number)));
	await until(async () => (await waiting("transactionid")) + (await waiting("tuple")) === 2, "both wait for the chat");
	await holder.statement("COMMIT");
	await until(async () => (await waiting("SyncRep")) === 2, "both wait for the standby");
	assert.equal(await primary.psql("SELECT last_number FROM parley.conversations WHERE kind = 'chat'"), "3");
	assert.deepEqual(told, []);
	await standby.start();
	await Promise.all(answers);
	assert.deepEqual(told.sort(), [2, 3]);
});

test("postings_to_one_account_wait_for_a_distant_standby_together", { timeout: 300000 }, async (t) => {
	// As far away as if it confirmed each commit after 100 ms.
	for (const set of ["ALTER SYSTEM SET recovery_min_apply_delay = '100ms'", "SELECT pg_reload_conf()"]) await standby.psql(set);
	const sessions = Array.from({ length: 10 }, () => new Session(primary.env));
	t.after(() => Promise.all(sessions.map((session) => session.close())));
	for (const session of sessions) await session.rows("SELECT set_config('synchronous_commit', 'remote_apply', false)");
	let done = false;
	const posting = Promise.all(sessions.map(async (session) => {
		while (!done) await post(session);
	}));
	await until(async () => (await waiting("SyncRep")) >= 5, "five wait at once").finally(() => (done = true));
	for (const set of ["ALTER SYSTEM RESET recovery_min_apply_delay", "SELECT pg_reload_conf()"]) await standby.psql(set);
	await posting;
});

test("readers_go_on_where_the_standby_is_given_up", { timeout: 300000 }, async (t) => {
	const had = await balance();
	const answers = await crowd(t);
	await until(async () => (await waiting("SyncRep")) === 2, "both wait for the standby");
	const reader = primary.psql(`SELECT balance FROM parley.get_balance(${account}, 1)`);
	await primary.psql("ALTER SYSTEM RESET synchronous_standby_names");
	await primary.psql("SELECT pg_reload_conf()");
	await Promise.all(answers);
	assert.equal(Number(await reader), had + 2);
});
