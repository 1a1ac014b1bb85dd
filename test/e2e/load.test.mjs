// Many clients at once use several gateways on one database. Nothing is lost, duplicated or numbered twice.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatLoad } from "../support/chat_load.mjs";
import { Client } from "../support/client.mjs";
import { startGateways, startNginx } from "../support/gateways.mjs";
import { assertAuditIsEmpty, word } from "../support/people.mjs";

test("sixteen_clients_behind_nginx_lose_and_double_nothing", { timeout: 600000 }, async (t) => {
	const gateways = await startGateways(t, 3);
	const nginx = await startNginx(t, gateways.map((gateway) => gateway.address));
	const load = new ChatLoad(Array.from({ length: 16 }, () => new Client(nginx.url, nginx)));
	await load.begin(24);
	await load.run(100);
	assert.ok(load.posted.size > 400 && load.replayed > 50, `${load.posted.size} messages, ${load.replayed} replays`);
	await load.audit();
	await assertAuditIsEmpty();
	load.close();
});

// Counts how many creations were requested and how many were acknowledged, and compares with the count that the service returns.
class Counted {
	begun = 0;
	acknowledged = 0;
	numbers = [];

	async create(make) {
		this.begun++;
		this.numbers.push(await make());
		this.acknowledged++;
	}

	// At least what was acknowledged before the request, and at most what had been requested by the time of its response.
	async sample(read) {
		const least = this.acknowledged;
		const shown = await read();
		assert.ok(shown >= least && shown <= this.begun, `the count is ${shown} after ${least} of ${this.begun} were acknowledged`);
	}

	async finish(read) {
		const expected = Array.from({ length: this.begun }, (_, n) => n + 1);
		assert.deepEqual(this.numbers.sort((a, b) => a - b), expected);
		assert.equal(await read(), this.begun);
	}
}

test("chats_and_messages_made_through_two_gateways_are_counted_at_every_moment", { timeout: 600000 }, async (t) => {
	const gateways = await startGateways(t, 2);
	const clients = Array.from({ length: 32 }, (_, n) => new Client(gateways[n % 2].url));
	const ask = async (client, status, line, body) => {
		const answer = await client.request(line, body);
		assert.equal(answer.status, status, JSON.stringify(answer.body));
		return answer.body;
	};
	const application = `/applications/${(await ask(clients[0], 201, "POST /applications", { name: word() })).token}`;
	await ask(clients[0], 201, `POST ${application}/chats`);

	const [chats, messages] = [new Counted(), new Counted()];
	await chats.create(async () => 1);
	const watcher = new Client(gateways[1].url);
	const chatCount = async () => (await ask(watcher, 200, `GET ${application}`)).chats_count;
	const messageCount = async () => (await ask(watcher, 200, `GET ${application}/chats/1`)).messages_count;

	let working = clients.length;
	let samples = 0;
	const work = async (client) => {
		for (let n = 0; n < 30; n++) {
			await chats.create(async () => (await ask(client, 201, `POST ${application}/chats`)).number);
			await messages.create(async () => (await ask(client, 201, `POST ${application}/chats/1/messages`, { content: `${n}` })).number);
		}
		working--;
	};
	const watch = async () => {
		for (; working > 0; samples++) {
			await chats.sample(chatCount);
			await messages.sample(messageCount);
		}
	};
	await Promise.all([...clients.map(work), watch()]);
	assert.ok(samples >= 10, `${samples} samples`);
	await chats.finish(chatCount);
	await messages.finish(messageCount);
	await assertAuditIsEmpty();
	for (const client of [...clients, watcher]) client.close();
});
