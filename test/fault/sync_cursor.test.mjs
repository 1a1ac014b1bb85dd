// A cursor of sync is valid as long as the history in which it was issued: through a restart, a crash and a promotion. Otherwise
// it is refused, so that nobody misses anything.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Cluster } from "../support/clusters.mjs";
import { program } from "../support/database.mjs";
import { makeDirectory } from "../support/gateways.mjs";
import { until } from "../support/http.mjs";

const conversation = "(SELECT conversation_id FROM parley.members WHERE contact_id = 1)";
const post = (cluster, content) => cluster.psql(`SELECT message_id FROM parley.post_message(${conversation}, '${content}', 2)`);

async function begin(cluster) {
	await cluster.psql(`
		SELECT parley.create_user('+49 555 00000' || n) FROM generate_series(1, 2) n;
		SELECT id FROM parley.open_direct_conversation(1, 2)`);
	await post(cluster, "before");
}

// Returns what is new to user 1 since the cursor: { contents, cursor }
async function sync(cluster, cursor) {
	const since = cursor === undefined ? "NULL" : `'${cursor}'`;
	const row = JSON.parse(await cluster.psql(`SELECT row_to_json(s) FROM parley.sync(1, ${since}) s`));
	assert.equal(row.more, false);
	return { contents: row.messages.map((message) => message.content), cursor: row.cursor };
}

// A cursor may repeat what it has delivered, but never skip anything.
async function assertTellsOf(cluster, cursor, contents, may = []) {
	const told = (await sync(cluster, cursor)).contents;
	assert.deepEqual(told.filter((content) => !may.includes(content) || contents.includes(content)), contents);
}

async function assertIsGone(cluster, cursor) {
	await assert.rejects(sync(cluster, cursor), /cursor can no longer be resumed/);
}

test("cursor_survives_a_restart", { timeout: 300000 }, async (t) => {
	const cluster = await Cluster.create(t);
	await begin(cluster);
	const { cursor } = await sync(cluster);
	await post(cluster, "on the last day");
	await cluster.stop();
	await cluster.start();
	await post(cluster, "after");
	await assertTellsOf(cluster, cursor, ["on the last day", "after"], ["before"]);
});

test("cursor_survives_a_crash", { timeout: 300000 }, async (t) => {
	const cluster = await Cluster.create(t);
	await begin(cluster);
	const { cursor } = await sync(cluster);
	await post(cluster, "just in time");
	const later = (await sync(cluster, cursor)).cursor;
	await cluster.halt();
	await cluster.start();
	await post(cluster, "after");
	await assertTellsOf(cluster, cursor, ["just in time", "after"], ["before"]);
	await assertTellsOf(cluster, later, ["after"], ["before", "just in time"]);
});

// Waits until the standby has replayed everything that the primary has written by now.
async function untilReplayed(primary, standby) {
	const end = await primary.psql("SELECT pg_current_wal_flush_lsn()");
	await until(async () => (await standby.psql(`SELECT pg_last_wal_replay_lsn() >= '${end}'`)) === "t", "the standby has replayed it");
}

// From here on the standby receives nothing. Returns what connects it again.
async function disconnect(primary, standby) {
	const connect = async (conninfo) => {
		await standby.psql(`ALTER SYSTEM SET primary_conninfo = '${conninfo.replaceAll("'", "''")}'`);
		await standby.psql("SELECT pg_reload_conf()");
	};
	const conninfo = await standby.psql("SHOW primary_conninfo");
	await connect("");
	await until(async () => (await standby.psql("SELECT count(*) FROM pg_stat_wal_receiver")) === "0", "the standby hears nothing");
	await until(async () => (await primary.psql("SELECT count(*) FROM pg_stat_replication")) === "0", "the primary knows");
	return () => connect(conninfo);
}

async function makeSynchronous(primary) {
	await primary.psql("ALTER SYSTEM SET synchronous_standby_names = '*'");
	await primary.psql("SELECT pg_reload_conf()");
	await until(async () => (await primary.psql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")) === "1", "the standby is synchronous");
}

const untilOneWaitsForTheStandby = (primary) =>
	until(async () => (await primary.psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")) === "1", "it waits for the standby");

// Assigns transaction IDs, and writes WAL, that only this server knows.
const assignIds = (cluster, count) =>
	cluster.psql(["SET synchronous_commit = local", ...Array(count).fill("SELECT pg_current_xact_id()"), "SELECT pg_logical_emit_message(true, 'test', repeat('x', 1000))"].join(";"));

test("cursor_survives_the_promotion_of_a_standby_that_has_its_history", { timeout: 300000 }, async (t) => {
	const primary = await Cluster.create(t, ["wal_level = replica", "max_wal_senders = 4"]);
	await begin(primary);
	const standby = await primary.standby(t);
	const { cursor } = await sync(primary);
	await post(primary, "replicated");
	const later = (await sync(primary, cursor)).cursor;
	await untilReplayed(primary, standby);

	// A reader of the standby gets the same, and may continue with the cursor anywhere.
	await assertTellsOf(standby, cursor, ["replicated"], ["before"]);
	const fromStandby = (await sync(standby, cursor)).cursor;
	await assertTellsOf(primary, fromStandby, [], ["before", "replicated"]);

	// What the primary still acknowledges is lost with it.
	await disconnect(primary, standby);
	await post(primary, "lost");
	const lost = (await sync(primary, later)).cursor;
	await primary.halt();
	await standby.psql("SELECT pg_promote()");

	for (const good of [cursor, fromStandby]) await assertTellsOf(standby, good, good === cursor ? ["replicated"] : [], ["before", "replicated"]);
	await assertTellsOf(standby, later, [], ["before", "replicated"]);
	await assertIsGone(standby, lost);

	// It does not become valid again when the new history has grown past its place and assigned its transaction's ID to another.
	await post(standby, "after");
	await standby.psql("SELECT pg_logical_emit_message(false, 'test', repeat('x', 1000000))");
	await standby.psql(Array.from({ length: 20 }, () => "SELECT pg_current_xact_id()").join(";"));
	await assertIsGone(standby, lost);
	for (const good of [later, fromStandby]) await assertTellsOf(standby, good, ["after"], ["before", "replicated"]);
	assert.equal(await standby.psql("SELECT count(*) FROM parley.audit_conversations()"), "0");
});

// Nobody has been told about anything that a synchronous standby has not confirmed, so nobody has to start over when it takes
// over.
test("cursor_survives_a_failover_that_loses_nothing_that_was_told", { timeout: 300000 }, async (t) => {
	const primary = await Cluster.create(t, ["wal_level = replica", "max_wal_senders = 4"]);
	await begin(primary);
	const standby = await primary.standby(t);
	await makeSynchronous(primary);
	await post(primary, "confirmed");
	const before = (await sync(primary)).cursor;

	// The standby receives nothing any more, while the primary's WAL grows: nobody sees what it does not confirm.
	await disconnect(primary, standby);
	await assignIds(primary, 1);
	const unconfirmed = post(primary, "unconfirmed").catch(() => "lost");
	await untilOneWaitsForTheStandby(primary);
	const meanwhile = await sync(primary, before);
	assert.deepEqual(meanwhile.contents, []);
	const afresh = await sync(primary);
	assert.deepEqual(afresh.contents, ["before", "confirmed"]);

	await primary.halt();
	assert.equal(await unconfirmed, "lost");
	await standby.psql("SELECT pg_promote()");
	await post(standby, "after");
	for (const { cursor } of [{ cursor: before }, meanwhile, afresh]) assert.deepEqual((await sync(standby, cursor)).contents, ["after"]);
});

// The first page of a backlog counts everything as told that its snapshot sees, which may be more than what it delivers.
test("first_page_of_a_backlog_waits_until_the_synchronous_standby_has_what_it_counts_as_told", { timeout: 300000 }, async (t) => {
	const primary = await Cluster.create(t, ["wal_level = replica", "max_wal_senders = 4"]);
	await begin(primary);
	const standby = await primary.standby(t);
	await makeSynchronous(primary);
	await post(primary, "confirmed");
	const connect = await disconnect(primary, standby);
	await assignIds(primary, 20);
	const page = primary.psql("SELECT cursor FROM parley.sync(1, NULL, 1) WHERE more");
	await untilOneWaitsForTheStandby(primary);
	await connect();
	const cursor = await page;
	await disconnect(primary, standby);

	await assignIds(primary, 20);
	const { contents, cursor: last } = await sync(primary, cursor);
	assert.deepEqual(contents, ["confirmed"]);
	await primary.halt();
	await standby.psql("SELECT pg_promote()");
	await post(standby, "after");
	assert.deepEqual((await sync(standby, cursor)).contents, ["confirmed"]);
	assert.deepEqual((await sync(standby, last)).contents, ["after"]);
});

test("last_page_of_a_backlog_is_gone_where_not_all_is_known_that_it_counts_as_told", { timeout: 300000 }, async (t) => {
	const primary = await Cluster.create(t, ["wal_level = replica", "max_wal_senders = 4"]);
	await begin(primary);
	await post(primary, "also before");
	const standby = await primary.standby(t);
	await untilReplayed(primary, standby);
	await disconnect(primary, standby);
	await assignIds(primary, 20);
	const page = await primary.psql("SELECT cursor FROM parley.sync(1, NULL, 1) WHERE more");
	const { cursor } = await sync(primary, page);
	await primary.halt();
	await standby.psql("SELECT pg_promote()");
	await post(standby, "with an ID that counts as told");
	await assignIds(standby, 40);
	await assertIsGone(standby, page);
	await assertIsGone(standby, cursor);
});

// A reader who has nothing to read does not fall so far behind that the cursor cannot be compared any more.
test("idle_cursor_stays_young", { timeout: 300000 }, async (t) => {
	const cluster = await Cluster.create(t);
	await begin(cluster);
	const idle = (await sync(cluster)).cursor;
	const since = (cursor) => parseInt(cursor.split(".")[6], 16);
	await cluster.stop();
	await cluster.skipTransactions(3 * 2 ** 20);
	await cluster.start();
	await cluster.psql("SELECT pg_current_xact_id(); CHECKPOINT");
	const kept = await sync(cluster, idle);
	assert.deepEqual(kept.contents, []);
	assert.ok(since(kept.cursor) > since(idle) + 2 ** 20, `${kept.cursor} after ${idle}`);
	await post(cluster, "after");
	assert.deepEqual((await sync(cluster, kept.cursor)).contents, ["after"]);
});

// Transaction IDs wrap around after 2^32: a cursor is refused before newer transactions could look older than it.
test("cursor_is_gone_when_it_is_2_to_the_30th_transactions_old", { timeout: 300000 }, async (t) => {
	const cluster = await Cluster.create(t);
	await begin(cluster);
	const { cursor } = await sync(cluster);
	await cluster.stop();
	await cluster.skipTransactions(2 ** 30 - 2 ** 21);
	await cluster.start();
	await post(cluster, "still in time");
	await assertTellsOf(cluster, cursor, ["still in time"], ["before"]);
	await cluster.stop();
	await cluster.skipTransactions(2 ** 22);
	await cluster.start();
	await post(cluster, "too late");
	await assertIsGone(cluster, cursor);
	assert.ok((await sync(cluster)).contents.includes("too late"));
});

// Replicas serve GET too (--read-database-url), and a client's requests go to any of them.
test("standby_that_lags_neither_refuses_a_cursor_nor_loses_what_it_has_not_seen", { timeout: 300000 }, async (t) => {
	const primary = await Cluster.create(t, ["wal_level = replica", "max_wal_senders = 4"]);
	await begin(primary);
	await post(primary, "also before");
	const standby = await primary.standby(t);
	await untilReplayed(primary, standby);
	await standby.psql("SELECT pg_wal_replay_pause()");
	await until(async () => (await standby.psql("SELECT pg_get_wal_replay_pause_state()")) === "paused", "replay is paused");
	await post(primary, "late");

	const ahead = (await sync(primary)).cursor;
	const backFromStandby = (await sync(standby, ahead)).cursor;

	// A backlog whose first page comes from the primary, and the rest from the standby.
	const firstPage = await primary.psql("SELECT cursor FROM parley.sync(1, NULL, 1) WHERE more");
	const rest = await sync(standby, firstPage);
	assert.deepEqual(rest.contents, ["also before"]);
	await assertTellsOf(primary, rest.cursor, ["late"], ["before", "also before"]);

	await post(primary, "later");
	await standby.psql("SELECT pg_wal_replay_resume()");
	await untilReplayed(primary, standby);
	await assertTellsOf(standby, rest.cursor, ["late", "later"], ["before", "also before"]);
	for (const cursor of [ahead, backFromStandby]) await assertTellsOf(standby, cursor, ["later"], ["before", "also before", "late"]);
});

test("cursor_of_a_dumped_database_is_gone_in_the_restored_one", { timeout: 300000 }, async (t) => {
	const [source, target] = [await Cluster.create(t), await Cluster.create(t)];
	await begin(source);
	const { cursor } = await sync(source);
	const dump = join(makeDirectory(t), "dump.sql");
	writeFileSync(dump, await program("pg_dump", ["-d", "parley"], source.env));
	await target.psql("DROP EXTENSION parley CASCADE; DROP EXTENSION pg_trgm");
	await program("psql", ["-Xq", "-v", "ON_ERROR_STOP=1", "-d", "parley", "-f", dump], target.env);
	await assertIsGone(target, cursor);
	assert.deepEqual((await sync(target)).contents, ["before"]);
});
