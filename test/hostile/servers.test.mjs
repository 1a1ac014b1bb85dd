// What happens to servers: upgraded in place, a standby that searches while the primary vacuums, two databases with parley in one
// cluster, a backend that is killed within its commit.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Cluster } from "../support/clusters.mjs";
import { psql, run } from "../support/database.mjs";
import { until } from "../support/http.mjs";
import { ConnectionLost, Session } from "../support/psql_session.mjs";

const fill = `
	SET search_path = parley, public;
	SELECT create_user('+1-800-555-1234', 'Ann'), create_user('(030) 1234 567', 'Zoë');
	SELECT open_contact_conversation(id), open_account(id, 'EUR') FROM contacts;
	SELECT open_direct_conversation(1, 2);
	SELECT post_message(c.id, 'a movie ' || n, idempotency_key => 'key ' || n) FROM (SELECT id FROM conversations) c, generate_series(1, 400) n;
	SELECT post_transaction(1, 1, 100000, 'opening', 'key', 'operator'), post_transfer(1, 1, 2, 1, 5, idempotency_key => 'transfer');
	DELETE FROM routes WHERE path = '/users'`;

test("pg_upgrade_keeps_all", { timeout: 600000 }, async (t) => {
	const old = await Cluster.create(t);
	await old.psql(fill);
	const state = `SELECT to_jsonb(r) FROM parley.list_conversations('movie 4') r; SELECT to_jsonb(r) FROM parley.list_contacts('An') r;
		SELECT to_jsonb(r) FROM parley.list_transactions(1, 1) r; SELECT to_jsonb(r) - 'parameters' FROM parley.describe_routes() r;
		SELECT replayed FROM parley.post_transfer(1, 1, 2, 1, 5, idempotency_key => 'transfer');
		SELECT replayed FROM parley.post_message((SELECT min(id) FROM parley.conversations), 'a movie 7', idempotency_key => 'key 7');
		SELECT rule FROM parley.audit_ledger() UNION ALL SELECT rule FROM parley.audit_conversations() UNION ALL SELECT rule FROM parley.audit_shards()`;
	const before = await old.psql(state);
	const cursor = await old.psql("SELECT cursor FROM parley.sync(1)");
	const upgraded = await old.upgrade(t);
	assert.equal(await upgraded.psql(state), before);
	await assert.rejects(upgraded.psql(`SELECT parley.sync(1, '${cursor}')`), /ERROR:/);
	assert.equal(await upgraded.psql("SELECT balance FROM parley.post_transaction(1, 1, -1)"), "99994");
	assert.equal(await upgraded.psql(`SELECT message_id FROM parley.post_message((SELECT min(id) FROM parley.conversations), 'next')`), "401");
});

test("a_standby_that_searches_while_the_primary_vacuums_is_right_or_refuses", { timeout: 600000 }, async (t) => {
	const primary = await Cluster.create(t, ["autovacuum = off", "gin_pending_list_limit = 64", "max_standby_streaming_delay = 20ms", "wal_level = replica", "max_wal_senders = 4", "synchronous_commit = off"]);
	await primary.psql(fill);
	const standby = await primary.standby(t);
	const end = Date.now() + 12000;
	const done = { right: 0, refused: 0, vacuums: 0 };
	// A slow machine takes longer, up to a bound.
	const isOver = () => Date.now() > end + 300000 || (Date.now() > end && done.right > 20 && done.vacuums > 3);
	const write = async () => {
		for (let n = 0; !isOver(); n++, done.vacuums++)
			for (const statement of [`SELECT parley.post_message(c.id, 'a film ' || ${n} || ' ' || n) FROM parley.conversations c, generate_series(1, 30) n`,
				`DELETE FROM parley.messages WHERE number BETWEEN ${n * 3} AND ${n * 3 + 2}`, "UPDATE parley.members SET read_number = read_number",
				"VACUUM parley.messages", "VACUUM parley.conversations", "VACUUM parley.members"]) await primary.psql(statement);
	};
	// A conflict with recovery may also end the session.
	const ask = (session, query) => session.rows(query).catch((error) => {
		if (error instanceof ConnectionLost) return { error: "57P01" };
		throw error;
	});
	const search = async (method) => {
		const session = new Session({ ...standby.env, PGOPTIONS: `-c parley.search_method=${method}` });
		t.after(() => session.close());
		while (!isOver()) {
			const wrong = await ask(session, `SELECT term FROM unnest(ARRAY['movie', 'film 1', 'il', 'ie 39']) term
				WHERE ARRAY(SELECT (conversation_id, message_id)::text FROM parley.recent_conversations(term)) <> ARRAY(SELECT (conversation_id, number)::text FROM (
					SELECT DISTINCT ON (conversation_id) conversation_id, number, created_at FROM parley.messages
					WHERE content LIKE '%' || term || '%' ORDER BY conversation_id, created_at DESC, number DESC) m ORDER BY created_at DESC, conversation_id DESC)`);
			if (Array.isArray(wrong)) assert.deepEqual(wrong, []);
			// Recovery conflicts that end a session have their own SQLSTATE.
			else assert.match(wrong.error, /^(40001|40P01|57P01|57P03|57P04)$/);
			done[Array.isArray(wrong) ? "right" : "refused"]++;
		}
	};
	await Promise.all([write(), search("auto"), search("walk"), search("index")]);
	t.diagnostic(JSON.stringify(done));
	assert.ok(done.right > 20 && done.vacuums > 3, JSON.stringify(done));
	assert.doesNotMatch(readFileSync(join(standby.data, "../postgres.log"), "utf8"), /terminated by signal|PANIC| XX[0-9A-Z]{3} /);
});

test("two_databases_of_a_cluster_wake_their_own", { timeout: 300000 }, async (t) => {
	const cluster = await Cluster.create(t);
	await cluster.psql("CREATE DATABASE other TEMPLATE template0");
	await psql("other", "CREATE EXTENSION parley CASCADE", cluster.env);
	for (const database of ["parley", "other"]) await psql(database, fill, cluster.env);
	const place = (database) => psql(database, `SELECT "position" FROM parley.await_wakeups(NULL, 0)`, cluster.env);
	const woken = (database, position) => psql(database, `SELECT user_ids, is_complete FROM parley.await_wakeups(${position}, 200)`, cluster.env);
	const places = { parley: await place("parley"), other: await place("other") };
	await cluster.psql("SELECT parley.post_message((SELECT max(id) FROM parley.conversations), 'news', 1)");
	assert.equal(await woken("other", places.other), "{}|t");
	assert.match(await woken("parley", places.parley), /^\{.*\b2\b.*\}\|t$/);
});

test("a_backend_killed_within_its_commit_loses_and_doubles_nothing", { timeout: 600000 }, async (t) => {
	// With commit_delay, which needs fsync, most of the time is spent in commits, where the kill is meant to hit.
	const cluster = await Cluster.create(t, ["fsync = on", "commit_delay = 20000", "commit_siblings = 1", "restart_after_crash = on"]);
	await cluster.psql(fill);
	const told = new Map();
	let working = true;
	const pay = async (n) => {
		const session = new Session(cluster.env);
		t.after(() => session.close());
		for (let i = 0; i < 120; i++) {
			const key = `payment ${n} ${i}`;
			for (let answer; answer === undefined;) {
				answer = await session.rows(`SELECT id, amount FROM parley.post_transaction(1, 1, -1, NULL, '${key}')`).catch((error) => {
					if (!(error instanceof ConnectionLost)) throw error;
				});
				if (answer !== undefined && !Array.isArray(answer)) answer = undefined;
				if (answer !== undefined) told.set(key, Number(answer[0].id));
			}
		}
	};
	const kill = async () => {
		for (let kills = 0; kills < 4; kills++) {
			const target = told.size + 40;
			await until(() => !working || told.size > target, "more is paid");
			const pid = await cluster.psql("SELECT pid FROM pg_stat_activity WHERE query LIKE '%post_transaction%' AND pid <> pg_backend_pid() AND state = 'active' LIMIT 1").catch(() => "");
			if (pid !== "") await run("kill", ["-KILL", pid]).catch(() => {}); // it may be gone
			await until(() => cluster.psql("SELECT 1").then(() => true, () => false), "the server is there again");
		}
	};
	await Promise.all([Promise.all([1, 2, 3, 4].map(pay)).finally(() => (working = false)), kill()]);
	const kept = JSON.parse(await cluster.psql("SELECT json_object_agg(idempotency_key, number) FROM parley.transactions WHERE idempotency_key LIKE 'payment%'"));
	assert.deepEqual(Object.entries(kept).sort(), [...told].sort());
	assert.equal(told.size, 480);
	assert.equal(await cluster.psql("SELECT rule FROM parley.audit_ledger()"), "");
});
