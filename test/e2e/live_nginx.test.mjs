// An hour of streams through the shipped nginx, compressed into seconds by a shorter maximum age and heartbeat. Users stay connected
// over TLS, with HTTP/1.1 and HTTP/2, while messages are posted. Streams end because they are old, because tokens expire, because a
// gateway is drained, because a user no longer exists, and because clients leave. Everyone receives every message once, and the reasons
// that clients were told are those that the gateways counted.

import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { metric } from "../support/events.mjs";
import { sql, until } from "../support/gateway.mjs";
import { startGateways, startNginx } from "../support/gateways.mjs";
import { Listener } from "../support/listener.mjs";
import { phone } from "../support/people.mjs";
import { makeKey } from "../support/tokens.mjs";
import { Client } from "../support/client.mjs";

const reasons = ["age", "token", "drain", "gone", "client"];
const sum = (counts) => Object.fromEntries(reasons.map((reason) => [reason, counts.reduce((total, count) => total + (count[reason] ?? 0), 0)]));

// Returns what a gateway has logged about how its streams ended.
function logged(gateway) {
	const counts = {};
	for (const [, reason] of gateway.log.matchAll(/event=stream .*reason=(\w+)/g)) counts[reason] = (counts[reason] ?? 0) + 1;
	return counts;
}

test("an_hour_of_streams_through_nginx_ends_each_for_a_reason_and_loses_nothing", { timeout: 300000 }, async (t) => {
	const key = makeKey({ isShared: true });
	const gateways = await startGateways(t, 2, { PARLEY_JWT_KEY_FILE: key.file, PARLEY_INSECURE: "false", PARLEY_STREAM_AGE_MS: "10000",
		PARLEY_STREAM_HEARTBEAT_MS: "125", PARLEY_LOG_REQUESTS: "true" });
	for (const gateway of gateways) {
		gateway.log = "";
		gateway.child.stderr.on("data", (chunk) => (gateway.log += chunk));
	}
	const nginx = await startNginx(t, gateways.map((gateway) => gateway.address));
	const tls = { ca: nginx.ca, servername: "chat.example.org" };
	const sessions = [connectHttp2(nginx.url, tls), connectHttp2(nginx.url, tls)];
	t.after(() => sessions.forEach((session) => session.destroy()));

	const pairs = Array.from({ length: 12 }, () => sql(`SELECT a.id, b.id, d.id FROM parley.create_user('${phone()}') a,
		parley.create_user('${phone()}') b, parley.open_direct_conversation(a.id, b.id) d`).split("|").map(Number));
	const bearer = (user, seconds) => ({ authorization: `Bearer ${key.sign({ sub: `${user}`, exp: Math.floor(Date.now() / 1000) + seconds })}` });
	// Half of them use HTTP/2. Every third one has a token that expires before its stream would, until all of them leave.
	let leaving = Infinity;
	const listen = (user, n) => new Listener(user, [nginx.url], () => ({ headers: bearer(user, n % 3 === 0 && Date.now() < leaving ? 3 : 3600), timeout: 75000,
		...(n % 2 === 0 ? { session: sessions[n / 2 % 2] } : tls) }));
	const listeners = pairs.flatMap(([a, b], n) => [listen(a, 2 * n), listen(b, 2 * n + 1)]);
	const [gone] = sql(`SELECT id FROM parley.create_user('${phone()}')`).split("\n").map(Number);
	const all = [...listeners, listen(gone, 1)];
	t.after(() => Promise.all(all.map((listener) => listener.stop())));
	await until(async () => all.every((listener) => listener.stream?.lastId !== undefined), "all are connected");

	const client = new Client(nginx.url, { ca: nginx.ca, connections: 4 });
	t.after(() => client.close());
	let posting = true, posted = 0;
	const posters = Array.from({ length: 4 }, async (_, n) => {
		for (let i = n; posting; i += 4) {
			const [a, b, conversation] = pairs[i % pairs.length];
			const line = `POST /users/${i % 8 < 4 ? a : b}/conversations/${conversation}/messages`;
			posted += (await client.request(line, { content: "x" }, bearer(i % 8 < 4 ? a : b, 3600))).status === 201;
			await pause(20);
		}
	});
	await pause(6000);
	// The user goes while nothing else is about to end the stream: a new one would be refused.
	const young = (listener) => !listener.stream.closed && Date.now() - listener.stream.openedAt < 1000;
	await until(async () => young(all.at(-1)), "a young stream");
	sql(`DELETE FROM parley.contacts WHERE id = ${gone}`);
	await until(async () => all.at(-1).stopped, "the user is told");
	await gateways[0].drain();
	await pause(8000);
	posting = false;
	await Promise.all(posters);

	const last = new Map(sql(`SELECT id, last_number FROM parley.conversations WHERE id IN (${pairs.map((pair) => pair[2])})`).split("\n").map((line) => line.split("|").map(Number)));
	const conversationOf = (n) => pairs[n >> 1][2];
	await until(async () => listeners.every((listener, n) => (listener.heard.get(conversationOf(n)) ?? 0) === last.get(conversationOf(n))), "everyone has heard everything");
	for (const listener of all) assert.deepEqual([listener.repeated, listener.disordered], [0, 0]);
	assert.ok(posted > 100 && posted <= [...last.values()].reduce((a, b) => a + b));

	// Each leaves soon after connecting, when nothing else is about to end its stream.
	leaving = Date.now();
	await Promise.all(all.map(async (listener) => {
		await until(async () => listener.stopped || (listener.stream.openedAt >= leaving && young(listener)), "a new stream");
		await listener.stop();
	}));
	await until(async () => (await metric(gateways[1].url, "parley_streams")) === 0, "the last ones' leaving is noticed");
	const told = sum(all.map((listener) => listener.ends));
	await until(async () => isDeepStrictEqual(sum(gateways.map(logged)), told), `the logs have what was told: ${JSON.stringify(told)}`);
	const counted = {};
	for (const reason of reasons) counted[reason] = await metric(gateways[1].url, `parley_streams_closed_total{reason="${reason}"}`);
	assert.deepEqual(all.map((listener) => listener.ends.cut ?? 0).reduce((a, b) => a + b), 0, "no stream ended without a word");
	assert.deepEqual(sum([logged(gateways[1])]), counted);
	for (const reason of reasons) assert.ok(told[reason] > 0, `${reason}: ${told[reason]}`);
	assert.equal(told.gone, 1);
});
