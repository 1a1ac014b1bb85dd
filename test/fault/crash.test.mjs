// The postmaster is killed in the middle of a load, again and again. Clients repeat requests without a response, with their keys.
// Afterwards everything that was acknowledged is there once, and followers by sync have missed nothing. The clusters wait for the disk,
// so that kills hit what is being flushed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatLoad } from "../support/chat_load.mjs";
import { Client } from "../support/client.mjs";
import { Cluster } from "../support/clusters.mjs";
import { startGateways } from "../support/gateways.mjs";
import { until } from "../support/http.mjs";
import { assertAuditIsEmpty, word } from "../support/people.mjs";

const crashes = 3;

test("killed_postmaster_loses_and_doubles_nothing_that_was_acknowledged", { timeout: 900000 }, async (t) => {
	const cluster = await Cluster.create(t, ["fsync = on"]);
	const gateways = await startGateways(t, 2, cluster.env);
	const load = new ChatLoad(Array.from({ length: 12 }, (_, n) => new Client(gateways[n % 2].url, { patience: 300 })));
	await load.begin(16);

	let working = true;
	const running = load.run(250).finally(() => (working = false));
	const survivors = [];
	for (let n = 0; n < crashes; n++) {
		const goal = load.posted.size + 100;
		await until(() => load.posted.size >= goal || !working, "more messages were acknowledged");
		assert.ok(working, `the load was over before crash ${n + 1}`);
		survivors.push(...load.followers.map((follower) => follower.fork()));
		await cluster.crash();
	}
	await running;

	await load.audit(cluster.env, [...load.followers, ...survivors]);
	await assertAuditIsEmpty(cluster.env);
	load.close();
});

test("killed_postmaster_leaves_a_chats_numbers_without_a_gap", { timeout: 900000 }, async (t) => {
	const cluster = await Cluster.create(t, ["fsync = on"]);
	const gateways = await startGateways(t, 2, cluster.env);
	const clients = Array.from({ length: 12 }, (_, n) => new Client(gateways[n % 2].url, { patience: 300 }));
	const create = async (client, line, body, status = 201) => {
		const answer = await client.request("POST " + line, body, { "idempotency-key": word() });
		assert.equal(answer.status, status, JSON.stringify(answer.body));
		return answer.body;
	};
	const application = `/applications/${(await create(clients[0], "/applications", { name: word() })).token}`;
	await create(clients[0], `${application}/chats`);

	const [acknowledged, read] = [new Map(), new Map()];
	let working = clients.length;
	const work = async (client) => {
		for (let n = 0; n < 60; n++) {
			const content = word();
			const { number } = await create(client, `${application}/chats/1/messages`, { content });
			assert.ok(!acknowledged.has(number), `number ${number} was acknowledged twice`);
			acknowledged.set(number, content);
		}
		working--;
	};
	// What a reader was shown once stays, acknowledged or not: no crash undoes it.
	const watcher = new Client(gateways[0].url, { patience: 300 });
	const watch = async () => {
		while (working > 0) {
			const { body } = await watcher.request(`GET ${application}/chats/1/messages?sort=desc&limit=20`);
			for (const { number, content } of body) {
				assert.equal(read.get(number) ?? content, content, `message ${number} has become another`);
				read.set(number, content);
			}
		}
	};
	const running = Promise.all([...clients.map(work), watch()]);
	for (let n = 1; n <= 2; n++) {
		await until(() => acknowledged.size >= n * 150 || working === 0, "more messages were acknowledged");
		assert.ok(working > 0, `the load was over before crash ${n}`);
		await cluster.crash();
	}
	await running;

	const rows = await cluster.psql("SELECT json_agg(json_build_array(number, content) ORDER BY number) FROM parley.messages");
	assert.deepEqual(JSON.parse(rows), [...acknowledged].sort(([a], [b]) => a - b));
	for (const [number, content] of read) assert.equal(acknowledged.get(number), content, `message ${number} was shown and is gone`);
	assert.deepEqual([...acknowledged.keys()].sort((a, b) => a - b), Array.from({ length: 720 }, (_, n) => n + 1));
	await assertAuditIsEmpty(cluster.env);
	for (const client of [...clients, watcher]) client.close();
});
