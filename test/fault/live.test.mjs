// Streams during faults: users post to each other all the time, and a model counts each message once per recipient. Gateways die,
// are drained, and lose their database and their listener; clients vanish; a standby takes over. Each time everybody has received
// everything once, in the order of the numbers, and nothing was found late.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "node:test";
import { Client } from "../support/client.mjs";
import { Cluster } from "../support/clusters.mjs";
import { EventStream, metric } from "../support/events.mjs";
import { Listener } from "../support/listener.mjs";
import { until } from "../support/gateway.mjs";
import { startGateways, startNginx } from "../support/gateways.mjs";
import { Session } from "../support/psql_session.mjs";
import { SmallDisk } from "../support/small_disk.mjs";

// Pairs of users on a cluster of their own, all connected, who post to each other until they are told to stop.
class Talk {
	static async begin(t, { pairs = 40, gateways = 2, settings = [], flags = {} } = {}) {
		const talk = new Talk();
		talk.cluster = await Cluster.create(t, settings);
		talk.pairs = JSON.parse(await talk.cluster.psql(`
			SELECT json_agg(json_build_array(a.id, b.id, d.id)) FROM generate_series(1, ${pairs}) n,
				LATERAL (SELECT id FROM parley.create_user('+49 100 ' || 1000000 + n)) a,
				LATERAL (SELECT id FROM parley.create_user('+49 200 ' || 1000000 + n)) b,
				LATERAL (SELECT id FROM parley.open_direct_conversation(a.id, b.id)) d`));
		talk.env = { ...talk.cluster.env, PGUSER: "parley_gateway", PARLEY_STREAM_HEARTBEAT_MS: "200", ...flags };
		talk.gateways = await startGateways(t, gateways, talk.env);
		talk.urls = talk.gateways.map((gateway) => gateway.url);
		talk.listeners = talk.pairs.flatMap(([a, b]) => [new Listener(a, talk.urls), new Listener(b, talk.urls)]);
		t.after(() => {
			talk.posting = false;
			return Promise.all(talk.listeners.map((listener) => listener.stop()));
		});
		await until(async () => talk.listeners.every((listener) => listener.stream?.lastId !== undefined), "all are connected");
		return talk;
	}

	// Posts until stop() is called. Messages that were acknowledged must be received; others may be.
	start(rate = 200) {
		this.posting = true;
		this.acknowledged = 0;
		this.refused = 0;
		const clients = this.urls.map((url) => new Client(url));
		const one = async () => {
			for (let n = randomInt(1000); this.posting; n++) {
				const [a, b, conversation] = this.pairs[n % this.pairs.length];
				const line = `POST /users/${n % 2 ? a : b}/conversations/${conversation}/messages`;
				const answer = await clients[n % clients.length].request(line, { content: "x" }).catch(() => undefined);
				if (answer?.status === 201) this.acknowledged++;
				else this.refused++;
				if (answer?.status !== 201) await pause(100);
				await pause(8000 / rate);
			}
		};
		this.workers = Array.from({ length: 8 }, one);
	}

	async stop() {
		this.posting = false;
		await Promise.all(this.workers);
	}

	// Waits until everybody has received everything, each message once and in order.
	async assertAllHeard(cluster = this.cluster) {
		const last = JSON.parse(await cluster.psql("SELECT json_object_agg(id, last_number) FROM parley.conversations"));
		const missing = () => this.listeners.flatMap((listener, n) => {
			const conversation = this.pairs[n >> 1][2];
			const heard = listener.heard.get(conversation) ?? 0;
			return heard === last[conversation] ? [] : [`user ${listener.user} heard ${heard} of ${last[conversation]}`];
		});
		await until(async () => missing().length === 0, "everybody has heard everything").catch((error) => {
			throw new Error(`${error.message}: ${missing().slice(0, 5).join("; ")}`);
		});
		const sum = (name) => this.listeners.reduce((total, listener) => total + listener[name], 0);
		assert.deepEqual({ repeated: sum("repeated"), disordered: sum("disordered") }, { repeated: 0, disordered: 0 });
		const total = Object.values(last).reduce((a, b) => a + b, 0);
		assert.ok(total >= this.acknowledged && this.acknowledged > 0, `${this.acknowledged} acknowledged, ${total} there`);
	}

	// Waits until every stream has synced thoroughly, which it does with every tenth heartbeat.
	async assertNothingFoundLate() {
		for (const url of this.urls) {
			const beats = () => metric(url, "parley_stream_heartbeats_total");
			const enough = (await beats()) + 12 * (await metric(url, "parley_streams"));
			await until(async () => (await beats()) >= enough, "the streams have been thorough");
			assert.equal(await metric(url, "parley_stream_found_late_total"), 0, "something was found late");
		}
	}
}

// Returns the first process that the query finds, once there is one.
const pidOf = (cluster, query) => until(async () => Number((await cluster.psql(query)).split("\n")[0]), "there is such a process");

test("gateway_that_is_killed_and_one_that_drains_lose_nothing", { timeout: 300000 }, async (t) => {
	const talk = await Talk.begin(t, { gateways: 3, pairs: 150 });
	talk.start();
	await pause(1000);
	await talk.gateways[0].kill();
	talk.urls.shift();
	await pause(1000);
	const [drained] = talk.gateways.splice(1, 1);
	talk.urls.splice(talk.urls.indexOf(drained.url), 1);
	await drained.drain();
	await pause(500);
	await talk.stop();
	await talk.assertAllHeard();
	await talk.assertNothingFoundLate();
});

test("listener_that_is_terminated_or_frozen_and_backends_that_die_lose_nothing", { timeout: 300000 }, async (t) => {
	const talk = await Talk.begin(t, { pairs: 150 });
	const listeners = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%await_wakeups%' AND pid <> pg_backend_pid()";
	talk.start();
	for (let round = 0; round < 5; round++) {
		await pause(300);
		await talk.cluster.psql(`SELECT pg_terminate_backend(pid) FROM (${listeners}) l`);
	}
	const frozen = await pidOf(talk.cluster, listeners);
	process.kill(frozen, "SIGSTOP");
	// Each of these commits makes two entries for each side of each conversation and for the operator, until the ring has wrapped
	// around.
	const position = async () => BigInt(await talk.cluster.psql("SELECT position FROM parley.await_wakeups(NULL, 0)"));
	const before = await position();
	await talk.cluster.psql("DO $$ BEGIN FOR i IN 1..300 LOOP UPDATE parley.conversations SET last_number = last_number; COMMIT; END LOOP; END $$");
	assert.ok((await position()) - before > 262144n, "the ring has gone round");
	process.kill(frozen, "SIGCONT");
	await talk.cluster.psql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'parley_gateway'`);
	await pause(500);
	// When a backend is killed, all others go down with it, and so does the ring.
	const checkpointer = () => talk.cluster.psql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'").catch(() => "");
	const old = await checkpointer();
	process.kill(await pidOf(talk.cluster, "SELECT pid FROM pg_stat_activity WHERE usename = 'parley_gateway'"), "SIGKILL");
	await until(async () => !["", old].includes(await checkpointer()), "it has recovered");
	await pause(1500);
	await talk.stop();
	await talk.assertAllHeard();
	await talk.assertNothingFoundLate();
});

// What matters is not how long the transaction is open, but how many syncs happen meanwhile.
test("open_transaction_makes_nobody_hear_anything_twice", { timeout: 300000 }, async (t) => {
	const talk = await Talk.begin(t);
	talk.start();
	const open = new Session(talk.cluster.env);
	t.after(() => open.close());
	for (const statement of ["BEGIN", "SELECT pg_current_xact_id()"]) await open.statement(statement);
	await until(() => talk.acknowledged > 500, "messages meanwhile");
	await open.statement("COMMIT");
	await talk.stop();
	await talk.assertAllHeard();
	await talk.assertNothingFoundLate();
});

test("clients_that_vanish_are_noticed_and_the_others_hear_all", { timeout: 300000 }, async (t) => {
	const talk = await Talk.begin(t, { gateways: 1, pairs: 20, flags: { PARLEY_STREAM_LIMIT: "1000", PARLEY_SEND_TIMEOUT_MS: "600000" } });
	const [url] = talk.urls;
	talk.start();
	const vanishing = await Promise.all(Array.from({ length: 1000 }, (_, n) => EventStream.open(url, `/users/${talk.pairs[n % 20][0]}/events`)));
	assert.ok(vanishing.every((stream) => stream.status === 200));
	vanishing.forEach((stream, n) => stream.leave(["end", "resetAndDestroy", "pause"][n % 3]));
	// Those that disconnect are gone long before the timeout for those that do not read. Those that stop reading may stay as long as there
	// is room for what they are sent.
	await until(async () => (await metric(url, "parley_streams")) <= 40 + 333, "those that ended are noticed");
	await pause(500);
	await talk.stop();
	vanishing.forEach((stream) => stream.request.destroy());
	await talk.assertAllHeard();
	await until(async () => (await metric(url, "parley_streams")) === 40, "all are noticed");
	await talk.assertNothingFoundLate();
});

test("standby_that_takes_over_tells_what_the_primary_did_not", { timeout: 300000 }, async (t) => {
	const talk = await Talk.begin(t, { gateways: 1, pairs: 20, settings: ["wal_level = replica", "max_wal_senders = 4"] });
	const standby = await talk.cluster.standby(t);
	await talk.cluster.psql("ALTER SYSTEM SET synchronous_standby_names = '*'");
	await talk.cluster.psql("SELECT pg_reload_conf()");
	await until(async () => (await talk.cluster.psql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")) === "1", "the standby is synchronous");
	await assert.rejects(standby.psql("SELECT parley.await_wakeups()"), /cannot wait for wake-ups during recovery/);
	talk.start(100);
	await pause(1000);
	// Stopped and resumed: nobody receives what is not confirmed, and then everybody does.
	const receiver = await pidOf(standby, "SELECT pid FROM pg_stat_wal_receiver");
	process.kill(receiver, "SIGSTOP");
	const heard = () => talk.listeners.reduce((sum, listener) => sum + [...listener.heard.values()].reduce((a, b) => a + b, 0), 0);
	const waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
	await until(async () => Number(await talk.cluster.psql(waiting)) > 0, "a commit waits for the standby");
	// What is confirmed is heard by both sides. The rest is not there yet for anybody.
	const confirmed = async () => 2 * Number(await talk.cluster.psql("SELECT count(*) FROM parley.messages"));
	await until(async () => heard() === (await confirmed()), "what is confirmed is heard");
	const before = heard();
	await pause(1000);
	assert.equal(heard(), before, "nobody hears what the standby does not have");
	process.kill(receiver, "SIGCONT");
	await until(async () => heard() > before, "it goes on");
	await talk.cluster.halt();
	await standby.psql("SELECT pg_promote()");
	const gateways = await startGateways(t, 1, { ...talk.env, PGHOST: standby.env.PGHOST });
	talk.urls.splice(0, talk.urls.length, gateways[0].url);
	for (const listener of talk.listeners) listener.stream?.request.destroy();
	await talk.stop();
	talk.acknowledged = 0;
	talk.start(100);
	await pause(1000);
	await talk.stop();
	await talk.assertAllHeard(standby);
	await talk.assertNothingFoundLate();
});

// The messages are on a disk of their own, which another file fills. Only root can mount one.
if (process.getuid() === 0) test("disk_that_is_full_loses_nothing_that_was_acknowledged", { timeout: 300000 }, async (t) => {
	const talk = await Talk.begin(t, { pairs: 20 });
	const disk = await SmallDisk.mount(t, talk.cluster, "parley.messages");
	talk.start();
	await pause(500);
	disk.fill();
	await until(async () => talk.refused > 0, "posts are refused");
	const acknowledged = talk.acknowledged;
	await pause(500);
	disk.empty();
	await until(async () => talk.acknowledged > acknowledged + 20, "posts are taken again");
	await talk.stop();
	await talk.assertAllHeard();
	await talk.assertNothingFoundLate();
});

test("without_the_library_preloaded_streams_are_refused_and_all_else_works", { timeout: 300000 }, async (t) => {
	const cluster = await Cluster.create(t, ["shared_preload_libraries = ''"]);
	await assert.rejects(cluster.psql("SELECT parley.await_wakeups()"), /must be loaded via shared_preload_libraries/);
	const [user] = (await cluster.psql("SELECT id FROM parley.create_user('+49 300 0000001')")).split("\n");
	const gateways = await startGateways(t, 2, cluster.env);
	const words = "Streams are not available: the database does not report wake-ups.";
	const open = (url, options) => EventStream.open(url, `/users/${user}/events`, options);
	for (const { url } of gateways) {
		const refused = await until(async () => {
			const stream = await open(url);
			return stream.body?.detail === words && stream;
		}, "the gateway knows");
		assert.deepEqual([refused.status, refused.headers["retry-after"]], [503, "1"]);
	}
	// However many streams they refuse, nginx does not leave the gateways out.
	const nginx = await startNginx(t, gateways.map((gateway) => gateway.address));
	const client = new Client(nginx.url, { ca: nginx.ca });
	t.after(() => client.close());
	for (let i = 0; i < 10; i++) assert.equal((await open(nginx.url, { ca: nginx.ca, servername: "chat.example.org" })).body.detail, words);
	assert.equal((await client.request(`GET /users/${user}/sync`)).status, 200);
});
