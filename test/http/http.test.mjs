// HTTP on the wire, row by row of table.mjs: parleyd by itself, and behind deploy/nginx.conf. No row may end a process, leave a
// connection hanging, or have a body taken for a request.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { create_fixture, drop_fixture, request, sql, start_gateway, until, url } from "../support/gateway.mjs";
import { startNginx } from "../support/gateways.mjs";
import { exchange, parseAnswers } from "../support/wire.mjs";
import * as table from "./table.mjs";

// Without a key, requests for foreign hosts that need one are refused. The route in the table needs none.
before(async () => {
	await create_fixture();
	sql("UPDATE parley.routes SET auth = 'none' WHERE path = '/test/echo/{word}'");
	await until(async () => (await request("/test/echo/w", { headers: { origin: "http://elsewhere.example.org" } })).status === 200, "the route for all");
});
after(drop_fixture);

const sentinel = "GET /health HTTP/1.1\r\nHost: chat.example.org\r\nConnection: close\r\n\r\n";

async function check(server, [, bytes, statuses, { closes = false, end = false, heads = [] } = {}]) {
	const pieces = typeof bytes === "string" ? [bytes] : bytes;
	const said = await exchange(server.url, end ? pieces : [...pieces, sentinel], { ...server, end, servername: "chat.example.org" });
	const answers = parseAnswers(said, heads);
	assert.deepEqual(answers.map((answer) => answer.status), closes ? statuses : [...statuses, 200], said.toString("latin1").slice(0, 2000));
	return answers;
}

for (const [section, rows] of Object.entries(table)) {
	test(`parleyd alone: ${section}`, async (t) => {
		for (const row of rows)
			await t.test(row[0], async () => {
				for (const { status, headers, body } of await check({ url }, row)) {
					if (status < 400 || body === "") continue;
					assert.equal(headers.get("content-type"), "application/problem+json");
					assert.equal(JSON.parse(body).status, status);
					assert.equal(JSON.parse(body).request_id, headers.get("x-request-id"));
				}
			});
	});
	test(`behind nginx: ${section}`, async (t) => {
		const nginx = await startNginx(t, [new URL(url).host]);
		for (const [name, bytes, statuses, { behind = {}, ...options } = {}] of rows.filter((row) => row[3]?.behind !== null))
			await t.test(name, () => check(nginx, [name, bytes, behind.statuses ?? statuses, { ...options, ...behind }]));
	});
}

const post = (headers, body) => `POST /test/records HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;

test("blanks_around_a_value_are_no_part_of_it", async () => {
	const headers = "Idempotency-Key: \t pay-1 \t\r\nX-Request-Id:\tabc \r\nContent-Type: application/json \r\n";
	const [answer] = parseAnswers(await exchange(url, [post(headers, '{"word":"blanks"}')]));
	assert.equal(answer.status, 201, answer.body);
	assert.equal(answer.headers.get("x-request-id"), "abc");
	assert.equal(sql("SELECT key FROM gateway_test.writes WHERE word = 'blanks'"), "pay-1");
});

test("refusals_of_every_kind_have_the_headers_of_cross_origin_answers", async () => {
	const gateway = await start_gateway(["--cors-origin", "http://a.example"]);
	const ask = async (line, headers = "", body = "") =>
		parseAnswers(await exchange(gateway.base, [`${line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nOrigin: http://a.example \r\n${headers}\r\n${body}`]))[0];
	const asked = {
		414: ask(`GET /${"a".repeat(40000)}`),
		413: ask("POST /test/makes", "Content-Length: 99999999\r\n"),
		400: ask("POST /test/makes", "Content-Length: x\r\n"),
		"400 of a chunk": ask("POST /test/makes", "Transfer-Encoding: chunked\r\n", "0x1\r\n"),
		"400 of a target": ask("GET health"),
		"400 of two headers": ask("GET /health", "Host: b\r\n"),
		417: ask("POST /test/makes", "Expect: x\r\nContent-Length: 1\r\n"),
		404: ask("GET /nowhere"),
	};
	for (const [name, asking] of Object.entries(asked)) {
		const answer = await asking;
		assert.equal(answer.status, parseInt(name), name);
		assert.equal(answer.headers.get("access-control-allow-origin"), "http://a.example", name);
		assert.equal(answer.headers.get("vary"), "Origin", name);
	}
	assert.equal(await gateway.stop(), 0);
});

test("answers_of_routes_are_kept_by_nobody", async () => {
	const ask = async (line) => parseAnswers(await exchange(url, [`${line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`]))[0];
	for (const line of ["GET /test/echo/w", "GET /applications/no-such-token", "GET /applications", "GET /nowhere", "DELETE /test/nothing/w"])
		assert.equal((await ask(line)).headers.get("cache-control"), "no-store", line);
});

test("bodies_are_as_long_as_their_route_needs", async () => {
	const status = async (path, bytes) => {
		const body = JSON.stringify({ content: "x".repeat(bytes) });
		const bytesOut = `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
		return parseAnswers(await exchange(url, [bytesOut]))[0].status;
	};
	assert.equal(await status("/applications", 70000), 413);
	assert.equal(await status("/applications", 60000), 400);
	assert.equal(await status("/conversations/999999999/messages", 150000), 422);
	assert.equal(await status("/conversations/999999999/messages", 250000), 413);
	assert.equal(await status("/test/makes", 500000), 400);
});

test("nothing_that_clients_send_stands_in_the_log", async () => {
	const gateway = await start_gateway();
	for (const bytes of ["GET /secret/../../%2e%2e/secret HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "secret\r\n\r\n", "GET /a/%2e%2e/%2e%2e%2fsecret HTTP/1.1\r\n\r\n"])
		await exchange(gateway.base, [bytes]);
	assert.equal(await gateway.stop(), 0);
	assert.match(gateway.log, /event=request id=[0-9a-f]+ method=- route=- status=400 /);
	assert.doesNotMatch(gateway.log, /secret|normalize/);
});
