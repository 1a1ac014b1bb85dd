// deploy/nginx.conf before real gateways, and before servers that die on purpose.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { createServer } from "node:net";
import { test } from "node:test";
import { Client } from "../support/client.mjs";
import { freePort, startGateways, startNginx } from "../support/gateways.mjs";
import { until } from "../support/http.mjs";
import { key, phone, word } from "../support/people.mjs";

const addresses = (gateways) => gateways.map((gateway) => gateway.address);

function open(t, nginx, options = {}) {
	const client = new Client(nginx.url, { ca: nginx.ca, ...options });
	t.after(() => client.close());
	return client;
}

// As assertProblem has it, of an answer of Client's.
function assertProblem(answer, status) {
	assert.equal(answer.status, status, JSON.stringify(answer.body));
	assert.match(answer.headers["content-type"], /^application\/problem\+json/);
	assert.equal(answer.body.status, status);
	for (const member of ["type", "title", "detail", "code", "request_id"]) assert.equal(typeof answer.body[member], "string", member);
	assert.equal(answer.body.request_id, answer.headers["x-request-id"]);
}

// Takes a request, counts it, and is gone before it answers.
async function startDying(t) {
	const dying = { requests: 0 };
	const server = createServer((socket) => {
		socket.on("error", () => {});
		socket.once("data", () => {
			dying.requests++;
			socket.destroy();
		});
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	t.after(() => server.close());
	return Object.assign(dying, { address: `127.0.0.1:${server.address().port}` });
}

test("request_is_answered_over_http_1_and_2", async (t) => {
	const nginx = await startNginx(t, addresses(await startGateways(t, 1)));
	const client = open(t, nginx);
	const made = await client.request("POST /users", { phone: phone(), name: "Zoë" });
	assert.equal(made.status, 201, JSON.stringify(made.body));

	const session = connectHttp2(nginx.url, { ca: nginx.ca, servername: "chat.example.org" });
	t.after(() => session.close());
	const stream = session.request({ ":authority": "localhost", ":path": `/users/${made.body.id}` });
	const [headers] = await once(stream, "response");
	const chunks = [];
	for await (const chunk of stream) chunks.push(chunk);
	assert.equal(headers[":status"], 200);
	assert.equal(JSON.parse(Buffer.concat(chunks)).name, "Zoë");
});

test("plain_http_is_sent_to_https", async (t) => {
	const nginx = await startNginx(t, addresses(await startGateways(t, 1)));
	const answer = await fetch(`${nginx.plainUrl}/users/7?x=1`, { redirect: "manual", headers: { connection: "close" } });
	assert.equal(answer.status, 308);
	assert.match(answer.headers.get("location"), /^https:\/\/[^/]+\/users\/7\?x=1$/);
});

test("request_id_is_the_clients_or_nginxs_all_the_way", async (t) => {
	const nginx = await startNginx(t, addresses(await startGateways(t, 1)));
	const client = open(t, nginx);
	const name = word();
	assert.equal((await client.request("GET /health", undefined, { "x-request-id": name })).headers["x-request-id"], name);
	const own = (await client.request("GET /health", undefined, { "x-request-id": "not\tsane" })).headers["x-request-id"];
	assert.match(own, /^[0-9a-f]{32}$/);
	for (const id of [name, own])
		await until(() => readFileSync(`${nginx.directory}/parley.log`, "utf8").includes(`id=${id} `), `${id} is in nginx's log`);
});

test("log_has_no_secret", async (t) => {
	const nginx = await startNginx(t, addresses(await startGateways(t, 1)));
	const client = open(t, nginx);
	const { token } = (await client.request("POST /applications", { name: word() })).body;
	const { headers } = await client.request(`GET /applications/${token}/chats?page=1`);
	const log = () => readFileSync(`${nginx.directory}/parley.log`, "utf8");
	await until(() => log().includes(headers["x-request-id"]), "the request is in nginx's log");
	assert.doesNotMatch(log(), new RegExp(token));
});

test("gateway_that_is_gone_is_noticed_by_no_client", async (t) => {
	const gateways = await startGateways(t, 3);
	const nginx = await startNginx(t, addresses(gateways));
	const client = open(t, nginx, { connections: 8 });
	const { body: user } = await client.request("POST /users", { phone: phone() });
	let answers = 0;
	const ask = async () => {
		for (let n = 0; n < 60; n++, answers++) assert.equal((await client.request(`GET /users/${user.id}`)).status, 200);
	};
	const asking = Promise.all(Array.from({ length: 8 }, ask));
	await until(() => answers > 100, "requests are under way");
	await gateways[0].kill();
	await asking;
	// One that is down from the start of a request is passed over even by what is not repeated.
	for (let n = 0; n < 6; n++) assert.equal((await client.request("POST /users", { phone: phone() })).status, 201);
});

test("post_that_was_sent_is_repeated_with_its_key_alone", async (t) => {
	const [gateway] = await startGateways(t, 1);
	const dying = await startDying(t);
	const nginx = await startNginx(t, [dying.address, gateway.address]);
	const client = open(t, nginx);
	const post = (headers) => client.request("POST /applications", { name: word() }, headers);

	// Until one of each kind has met the dying server. Without a key it fails and is in nobody's hands; with one it succeeds.
	let met = 0;
	for (let n = 0; n < 20 && met === 0; n++) {
		assert.equal((await post(key())).status, 201);
		met = dying.requests;
	}
	assert.ok(met > 0, "no request with a key met the dying server");
	await until(async () => {
		const before = dying.requests;
		const answer = await post();
		if (dying.requests === before) return assert.equal(answer.status, 201), false;
		assertProblem(answer, 503);
		assert.ok(Number(answer.headers["retry-after"]) >= 1);
		return true;
	}, "a request without a key meets the dying server");
});

test("gateway_that_is_not_ready_is_noticed_by_no_reader_and_no_keyed_post", async (t) => {
	const [ready] = await startGateways(t, 1);
	const [lost] = await startGateways(t, 1, { PGHOST: "/nonexistent" }, "GET /health");
	const nginx = await startNginx(t, addresses([lost, ready]));
	const client = open(t, nginx);
	const asked = await fetch(`${lost.url}/ready`, { headers: { connection: "close" } });
	assert.equal(asked.status, 503);
	for (let n = 0; n < 20; n++) {
		assert.equal((await client.request("GET /conversations?limit=1")).status, 200);
		assert.equal((await client.request("POST /applications", { name: word() }, key())).status, 201);
	}
	await until(() => / tried=503, 20[01]\n/.test(readFileSync(`${nginx.directory}/parley.log`, "utf8")), "the lost one was asked first");
});

test("no_gateway_at_all_is_a_problem_to_come_back_with", async (t) => {
	const nginx = await startNginx(t, [`127.0.0.1:${await freePort()}`]);
	const answer = await open(t, nginx).request("GET /conversations");
	assertProblem(answer, 503);
	assert.ok(Number(answer.headers["retry-after"]) >= 1);
});

test("limits_are_answered_as_problems", async (t) => {
	const nginx = await startNginx(t, addresses(await startGateways(t, 1)), { rate: 1 });
	const client = open(t, nginx, { connections: 8 });
	assertProblem(await client.request("POST /users", { phone: phone(), name: "x".repeat(1 << 20) }), 413);
	assertProblem(await client.request("GET /metrics"), 404);
	const answers = await Promise.all(Array.from({ length: 250 }, () => client.request("GET /health")));
	const refused = answers.filter((answer) => answer.status !== 200);
	assert.ok(refused.length >= 20 && refused.length <= 60, `${refused.length} of 250 were refused`);
	for (const answer of refused) assertProblem(answer, 429);
	assert.equal(refused[0].headers["retry-after"], "1");
});
