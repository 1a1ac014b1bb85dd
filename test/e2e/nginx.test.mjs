// deploy/nginx.conf in front of real gateways, and of servers that die on purpose.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import https from "node:https";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { gunzipSync } from "node:zlib";
import { Client } from "../support/client.mjs";
import { psql } from "../support/database.mjs";
import { makeDirectory, startGateways, startNginx } from "../support/gateways.mjs";
import { freePort } from "../support/port.mjs";
import { until } from "../support/http.mjs";
import { key, phone, word } from "../support/people.mjs";

const addresses = (gateways) => gateways.map((gateway) => gateway.address);

function open(t, nginx, options = {}) {
	const client = new Client(nginx.url, { ca: nginx.ca, ...options });
	t.after(() => client.close());
	return client;
}

// Same as assertProblem, for a response of Client.
function assertProblem(answer, status) {
	assert.equal(answer.status, status, JSON.stringify(answer.body));
	assert.match(answer.headers["content-type"], /^application\/problem\+json/);
	assert.equal(answer.body.status, status);
	for (const member of ["type", "title", "detail", "code", "request_id"]) assert.equal(typeof answer.body[member], "string", member);
	assert.equal(answer.body.request_id, answer.headers["x-request-id"]);
}

// Accepts a request, counts it, and disappears before it responds.
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
	assert.equal(answer.headers.get("location"), "https://chat.example.org/users/7?x=1");
	const { port } = new URL(nginx.plainUrl);
	const said = await converse(connect(port, "127.0.0.1"), "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
	assert.match(said, /^Location: https:\/\/chat\.example\.org\/\r$/m);
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

// Returns what the other side of a socket sends after some bytes until it closes.
async function converse(socket, ...pieces) {
	let said = "";
	socket.on("data", (chunk) => (said += chunk)).on("error", () => {});
	for (const piece of pieces) if (!socket.destroyed) await new Promise((resolve) => socket.write(piece, resolve));
	if (!socket.closed) await once(socket, "close");
	return said;
}

test("links_of_a_long_search_pass", async (t) => {
	const nginx = await startNginx(t, addresses(await startGateways(t, 1)));
	const client = open(t, nginx);
	// Both links contain the term, percent-encoded.
	const answer = await client.request(`GET /conversations?page=2&searchValue=${encodeURIComponent("好".repeat(600))}`);
	assert.equal(answer.status, 200, JSON.stringify(answer.body));
	assert.match(answer.headers.link, /rel="prev".*rel="first"/);
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

test("error_log_has_no_secret", async (t) => {
	const token = word();
	const nginx = await startNginx(t, [`127.0.0.1:${await freePort()}`], { rate: 1 });
	const client = open(t, nginx, { connections: 8 });
	const answers = await Promise.all(Array.from({ length: 300 }, () => client.request(`GET /applications/${token}`)));
	assert.deepEqual([...new Set(answers.map((answer) => answer.status))].sort(), [429, 503]);
	assert.doesNotMatch(readFileSync(`${nginx.directory}/error.log`, "utf8"), new RegExp(token));
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
	// A server that is down from the start is skipped even for requests that are not repeated.
	for (let n = 0; n < 6; n++) assert.equal((await client.request("POST /users", { phone: phone() })).status, 201);
});

test("post_that_was_sent_is_repeated_with_its_key_alone", async (t) => {
	const [gateway] = await startGateways(t, 1);
	const dying = await startDying(t);
	const nginx = await startNginx(t, [dying.address, gateway.address]);
	const client = open(t, nginx);
	const post = (headers) => client.request("POST /applications", { name: word() }, headers);

	// Until one of each kind has met the dying server. Without a key it fails and is not retried; with one it succeeds.
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

test("gateways_stay_in_use_if_what_some_requests_need_is_away", async (t) => {
	await psql("parley", `CREATE FUNCTION public.away() RETURNS text LANGUAGE plpgsql
		AS $$ BEGIN RAISE EXCEPTION 'away' USING ERRCODE = 'connection_failure'; END $$;
		SELECT parley.add_route('GET', '/away', 'public.away', 'operator')`);
	t.after(() => psql("parley", "DELETE FROM parley.routes WHERE path = '/away'; DROP FUNCTION public.away()"));
	const client = open(t, await startNginx(t, addresses(await startGateways(t, 2))), { connections: 8 });
	const answers = await Promise.all(Array.from({ length: 20 }, () => client.request("GET /away")));
	for (const answer of answers) {
		assertProblem(answer, 503);
		assert.equal(answer.body.detail, "The database cannot be reached at the moment.");
	}
	assert.equal((await client.request("GET /agents")).status, 200);
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

// Returns a token for a user, signed with the secret.
function tokenOf(secret, user) {
	const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
	const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub: `${user}`, exp: Math.floor(Date.now() / 1000) + 600 })}`;
	return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

test("refusals_and_the_document_are_limited_by_address_too", async (t) => {
	const secret = word() + word();
	const file = `${makeDirectory(t)}/key`;
	writeFileSync(file, secret, { mode: 0o644 });
	const gateways = addresses(await startGateways(t, 1, { PARLEY_JWT_KEY_FILE: `HS256:${file}` }));
	const headers = { authorization: `Bearer ${tokenOf(secret, 7)}` };
	for (const [status, line, more] of [[401, "GET /conversations", {}], [403, "GET /conversations", headers], [404, "GET /nowhere", {}],
		[405, "DELETE /conversations", {}], [200, "GET /openapi.json", {}]]) {
		const client = open(t, await startNginx(t, gateways, { rate: 1 }), { connections: 8 });
		const answers = await Promise.all(Array.from({ length: 230 }, () => client.request(line, undefined, more)));
		assert.deepEqual([...new Set(answers.map((answer) => answer.status))].sort(), [status, 429].sort(), line);
		if (status === 200) assert.ok(answers.filter((answer) => answer.status === 200).length < 20, "the document has a limit of its own");
	}
});

test("connections_of_one_address_are_limited", async (t) => {
	const nginx = await startNginx(t, addresses(await startGateways(t, 1)));
	const { port } = new URL(nginx.url);
	const dial = async () => {
		const socket = connectTls({ port, host: "127.0.0.1", ca: nginx.ca, servername: "chat.example.org" });
		t.after(() => socket.destroy());
		await once(socket, "secureConnect");
		socket.write("POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n");
		return socket;
	};
	// Each of a hundred has a request in progress whose body does not arrive. One that comes before nginx has read all of these waits too.
	await Promise.all(Array.from({ length: 100 }, dial));
	const answers = [];
	await until(async () => {
		(await dial()).on("data", (answer) => answers.push(String(answer)));
		return answers.some((answer) => /^HTTP\/1\.1 429 /.test(answer));
	}, "one connection too many to be refused");
});

test("clients_behind_a_trusted_proxy_are_limited_each_and_cannot_make_up_who_they_are", async (t) => {
	const gateways = addresses(await startGateways(t, 1));
	const refused = async (nginx, name) => {
		const client = open(t, nginx, { connections: 8 });
		const answers = await Promise.all(Array.from({ length: 300 }, (_, n) => client.request("GET /health", undefined, { "x-forwarded-for": name(n) })));
		return answers.filter((answer) => answer.status === 429).length;
	};
	const each = (n) => `198.51.${n % 250}.${n % 200}`;
	assert.equal(await refused(await startNginx(t, gateways, { rate: 1, proxies: "127.0.0.1" }), each), 0);
	assert.ok(await refused(await startNginx(t, gateways, { rate: 1, proxies: "127.0.0.1" }), (n) => `${each(n)}, 203.0.113.9`) > 50);
	assert.ok(await refused(await startNginx(t, gateways, { rate: 1 }), each) > 50);
});

test("long_answers_are_compressed_for_whoever_takes_it", async (t) => {
	const nginx = await startNginx(t, addresses(await startGateways(t, 1)));
	const get = (path, headers) => new Promise((resolve, reject) => {
		https.get(nginx.url + path, { agent: false, ca: nginx.ca, servername: "chat.example.org", headers }, async (response) => {
			const chunks = [];
			for await (const chunk of response) chunks.push(chunk);
			resolve({ headers: response.headers, body: Buffer.concat(chunks) });
		}).on("error", reject);
	});
	const plain = await get("/openapi.json", {});
	const packed = await get("/openapi.json", { "accept-encoding": "br, gzip" });
	assert.equal(plain.headers["content-encoding"], undefined);
	assert.equal(packed.headers["content-encoding"], "gzip");
	assert.match(packed.headers.vary, /Accept-Encoding/);
	assert.deepEqual(gunzipSync(packed.body), plain.body);
	assert.ok(packed.body.length < plain.body.length / 4);
	assert.equal((await get("/health", { "accept-encoding": "gzip" })).headers["content-encoding"], undefined);
});

test("inbox_is_served_with_the_headers_that_the_gateway_gives_it", async (t) => {
	const nginx = await startNginx(t, addresses(await startGateways(t, 1)));
	const [{ url }] = await startGateways(t, 1, { PARLEY_INBOX_DIR: `${nginx.directory}/inbox` });
	const get = (path, options = {}) => new Promise((resolve, reject) => {
		https.get(nginx.url + path, { agent: false, ca: nginx.ca, servername: "chat.example.org", ...options }, (response) => resolve(response.resume())).on("error", reject);
	});
	const types = { "": "text/html", "app.js": "text/javascript", "style.css": "text/css", "icon.svg": "image/svg+xml" };
	for (const [name, type] of Object.entries(types)) {
		const { statusCode, headers } = await get(`/inbox/${name}`);
		assert.equal(statusCode, 200, name);
		assert.match(headers["content-type"], new RegExp(`^${type.replace("+", ".")}(; charset=utf-8)?$`));
		const own = (await fetch(`${url}/inbox/${name}`, { headers: { connection: "close" } })).headers;
		for (const header of ["content-security-policy", "x-content-type-options", "referrer-policy", "cross-origin-opener-policy", "cache-control"]) {
			assert.notEqual(own.get(header), null, header);
			assert.equal(headers[header], own.get(header), `${name}: ${header}`);
		}
		assert.equal((await get(`/inbox/${name}`, { headers: { "if-none-match": headers.etag } })).statusCode, 304);
	}
	const client = open(t, nginx);
	assertProblem(await client.request("GET /inbox/nothing.js"), 404);
	assertProblem(await client.request("POST /inbox/index.html"), 405);
	assertProblem(await client.request("GET /inbox/../nginx.conf"), 404);
	assert.equal((await get("/inbox")).headers.location.replace(/^https:..[^/]*/, ""), "/inbox/");
});

test("client_that_still_sends_hears_that_it_is_refused", async (t) => {
	const nginx = await startNginx(t, addresses(await startGateways(t, 1)));
	const { port } = new URL(nginx.url);
	for (let trial = 0; trial < 5; trial++) {
		const socket = connectTls({ port, host: "127.0.0.1", ca: nginx.ca, servername: "chat.example.org" });
		await once(socket, "secureConnect");
		const head = `POST /users HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${8 << 20}\r\n\r\n`;
		assert.match(await converse(socket, head, ...Array(128).fill("x".repeat(65536))), /^HTTP\/1\.1 413 /);
	}
});
