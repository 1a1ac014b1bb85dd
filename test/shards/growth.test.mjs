// The first steps of growth, by the commands of docs/scaling.md: one node gets a read replica, and then becomes home and a shard. What
// clients have goes on: ids, and cursors of sync.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { Client } from "../support/client.mjs";
import { Cluster } from "../support/clusters.mjs";
import { root } from "../support/database.mjs";
import { startGateways } from "../support/gateways.mjs";
import { until } from "../support/http.mjs";
import { phone } from "../support/people.mjs";
import { ShardedCluster } from "../support/shards.mjs";

const gatewayOf = ({ env }) => ({ ...env, PGUSER: "parley_gateway" });
let node, replica, client, users, talk, file;

async function answered(status, line, body) {
	const answer = await client.request(line, body);
	assert.equal(answer.status, status, `${line}: ${JSON.stringify(answer.body)}`);
	return answer.body;
}

// Runs the commands in docs/scaling.md that contain these words, with other names of machines and directories.
async function runDocumented(words, names) {
	const blocks = [...readFileSync(join(root, "docs/scaling.md"), "utf8").matchAll(/^```\n([^]*?)^```$/gm)].map(([, block]) => block);
	const commands = blocks.filter((block) => block.includes(words));
	assert.equal(commands.length, 1, `docs/scaling.md has commands with ${words}`);
	const script = Object.entries(names).reduce((text, [name, value]) => text.replaceAll(name, value), commands[0]);
	await node.shell(script);
}

const post = (content, user = users[0]) => answered(201, `POST /users/${user.id}/conversations/${talk.id}/messages`, { content });

before(async (t) => {
	file = t;
	replica = new Cluster(t);
	await replica.makeHome();
	// What the node itself is started with overrides the socket; the replica has its own one from its copy of the settings.
	node = await Cluster.create(t, ["wal_level = replica", "max_wal_senders = 4", `unix_socket_directories = '${replica.socket}'`]);
	client = new Client((await startGateways(t, 1, gatewayOf(node)))[0].url);
	users = [await answered(201, "POST /users", { phone: phone() }), await answered(201, "POST /users", { phone: phone() })];
	talk = await answered(201, `POST /users/${users[0].id}/conversations`, { recipient_id: users[1].id });
	for (const { id } of users) await answered(201, `POST /users/${id}/accounts`, { currency: "EUR" });
	await answered(201, `POST /users/${users[0].id}/accounts/1/transactions`, { amount: 1000 });
	await post("before");
}, { timeout: 300000 });

test("replica_serves_reads_and_cursors_go_on_there", { timeout: 300000 }, async () => {
	const { cursor } = await answered(200, `GET /users/${users[1].id}/sync`);
	await runDocumented("pg_basebackup", { node1: node.socket, DATA: replica.data });
	client = new Client((await startGateways(file, 1, { ...gatewayOf(node), PARLEY_READ_DATABASE_URL: `host=${replica.socket} port=5432 dbname=parley user=parley_gateway` }))[0].url);
	await post("on the primary");
	await until(async () => {
		const { messages } = await answered(200, `GET /users/${users[1].id}/sync?cursor=${cursor}`);
		return messages.map(({ content }) => content).join() === "on the primary";
	}, "the replica has what is new, and nothing else");
	assert.notEqual(await replica.psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'parley_gateway' AND query LIKE '%parley.sync(%'"), "0");
});

test("one_node_becomes_home_and_a_shard", { timeout: 300000 }, async (t) => {
	const { cursor } = await answered(200, `GET /users/${users[1].id}/sync`);
	await post("not told yet");
	await until(async () => (await replica.psql("SELECT count(*) FROM parley.messages")) === "3", "the standby has caught up");
	await ShardedCluster.install();
	const front = await Cluster.create(t);
	await front.psql("ALTER DATABASE parley SET parley.shard_timeout = '60s'");
	await runDocumented("pg_promote", { node1: node.socket, node2: replica.socket, front0: front.socket });
	client = new Client((await startGateways(t, 1, gatewayOf(front)))[0].url);

	const sync = await answered(200, `GET /users/${users[1].id}/sync?cursor=${cursor}`);
	assert.deepEqual(sync.messages.map(({ content }) => content), ["not told yet"]);
	await answered(201, `POST /users/${users[0].id}/transfers`, { from_account_id: 1, to_user_id: users[1].id, to_account_id: 1, amount: 300, conversation_id: talk.id });
	const { messages, transactions } = await answered(200, `GET /users/${users[1].id}/sync?cursor=${sync.cursor}`);
	assert.deepEqual([messages.map(({ content }) => content), transactions.map(({ amount }) => amount)], [["paid 3.00 EUR"], [300]]);
	const shown = await answered(200, `GET /users/${users[0].id}/conversations/${talk.id}/messages`);
	assert.deepEqual(shown.map(({ content }) => content), ["before", "on the primary", "not told yet", "paid 3.00 EUR"]);
	assert.equal((await answered(200, `GET /users/${users[0].id}`)).total, 700);
	assert.equal(await front.psql("SELECT * FROM parley_front.audit()"), "");
});
