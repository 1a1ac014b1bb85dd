// Streams: whatever commits reaches those whom it concerns and who are connected, once and in order, and every stream ends for a
// reason. Tests that need other settings have their own gateway.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { EventStream, metric } from "../support/events.mjs";
import { root, sql, start_gateway, until, url } from "../support/gateway.mjs";
import { startGateways, startNginx } from "../support/gateways.mjs";
import { freePort } from "../support/port.mjs";
import { assertProblem, request } from "../support/http.mjs";
import { created, expectStatus, phone } from "../support/people.mjs";

const directory = mkdtempSync(join(tmpdir(), "parley-live-"));
after(() => rmSync(directory, { recursive: true }));

// Creates two users and their conversation.
async function pair() {
	const [ann, bob] = [await created("POST /users", { phone: phone() }), await created("POST /users", { phone: phone() })];
	const { id } = await created(`POST /users/${ann.id}/conversations`, { recipient_id: bob.id });
	return { ann, bob, id, of: (user) => `/users/${user.id}/conversations/${id}`, events: (user) => `/users/${user.id}/events` };
}

const post = (talk, user, content) => created(`POST ${talk.of(user)}/messages`, { content });
const contents = (stream) => stream.told("messages").map((message) => message.content);

async function open(t, base, path, options) {
	const stream = await EventStream.open(base, path, options);
	t.after(() => stream.request.destroy());
	return stream;
}

test("news_reaches_the_members_who_are_connected_at_once_and_once", async (t) => {
	const talk = await pair();
	const streams = [await open(t, url, talk.events(talk.ann)), await open(t, url, talk.events(talk.bob)), await open(t, url, talk.events(talk.bob))];
	for (const stream of streams) {
		assert.deepEqual([stream.headers["content-type"], stream.headers["cache-control"], stream.headers["x-accel-buffering"]],
			["text/event-stream", "no-store", "no"]);
		await until(async () => stream.lastId !== undefined, "the cursor has come");
	}
	await post(talk, talk.ann, "one\nand two lines");
	for (const stream of streams) await stream.untilTold("messages", 1);
	await expectStatus(200, `PUT ${talk.of(talk.ann)}/messages/1`, { content: "edited" });
	for (const stream of streams) await stream.untilTold("messages", 2);
	await expectStatus(200, `PUT ${talk.of(talk.bob)}/read`, { message_id: 1 });
	await expectStatus(204, `DELETE ${talk.of(talk.ann)}/messages/1`);
	for (const stream of streams) {
		await stream.untilTold("messages", 3);
		assert.deepEqual(contents(stream), ["one\nand two lines", "edited", null]);
		await until(async () => stream.told("reads").some((read) => read.contact_id === talk.bob.id && read.read_message_id === 1), "the horizon");
	}
});

test("event_is_what_sync_answers_without_the_cursor", async (t) => {
	const talk = await pair();
	await post(talk, talk.ann, "x");
	const { cursor, ...answer } = (await request(`GET /users/${talk.bob.id}/sync`)).body;
	const stream = await open(t, url, talk.events(talk.bob));
	const [event] = await stream.until(1);
	assert.deepEqual(event.data, answer);
	assert.equal(event.id.split(".")[0], cursor.split(".")[0]);
});

test("stream_goes_on_where_the_last_one_ended", async (t) => {
	const talk = await pair();
	const first = await open(t, url, talk.events(talk.bob));
	await post(talk, talk.ann, "while connected");
	await first.untilTold("messages", 1);
	first.leave();
	await post(talk, talk.ann, "while away");
	const second = await open(t, url, talk.events(talk.bob), { headers: { "last-event-id": first.lastId } });
	await second.untilTold("messages", 1);
	const third = await open(t, url, `${talk.events(talk.bob)}?cursor=${first.lastId}`);
	await third.untilTold("messages", 1);
	await post(talk, talk.ann, "connected again");
	for (const stream of [second, third]) {
		await stream.untilTold("messages", 2);
		assert.deepEqual(contents(stream), ["while away", "connected again"]);
	}
});

test("backlog_comes_in_events_of_a_page_each", async (t) => {
	const talk = await pair();
	sql(`SELECT count(*) FROM generate_series(1, 120) n, parley.post_user_message(${talk.id}, 'message ' || n, ${talk.ann.id})`);
	const stream = await open(t, url, `${talk.events(talk.bob)}?limit=50`);
	await stream.untilTold("messages", 120);
	assert.deepEqual(stream.events.map((event) => event.data.messages.length), [50, 50, 20]);
	assert.deepEqual(stream.told("messages").map((message) => message.message_id), Array.from({ length: 120 }, (_, n) => n + 1));
});

test("refusals_come_before_the_headers", async (t) => {
	const talk = await pair();
	const refused = async (path, status, options) => {
		const stream = await open(t, url, path, options);
		assert.equal(stream.status, status, JSON.stringify(stream.body));
		assert.match(stream.headers["content-type"], /^application\/problem\+json/);
	};
	await refused("/users/999999999/events", 404);
	await refused(`${talk.events(talk.ann)}?cursor=nonsense`, 422);
	await refused(talk.events(talk.ann), 422, { headers: { "last-event-id": "nonsense" } });
	await refused(`${talk.events(talk.ann)}?colour=red`, 400);
	const { cursor } = (await request(`GET /users/${talk.ann.id}/sync`)).body;
	await refused(`${talk.events(talk.ann)}?cursor=${cursor.replace(/^2\.[0-9a-f]+/, "2.1")}`, 410);
	const head = await request(`HEAD ${talk.events(talk.ann)}`);
	assert.deepEqual([head.status, head.headers.get("content-type")], [200, "text/event-stream"]);
	assertProblem(await request(`POST ${talk.events(talk.ann)}`, {}), 405);
});

test("user_has_16_streams_at_most", async (t) => {
	const talk = await pair();
	const streams = await Promise.all(Array.from({ length: 16 }, () => open(t, url, talk.events(talk.ann))));
	assert.ok(streams.every((stream) => stream.status === 200));
	assert.equal((await open(t, url, talk.events(talk.ann))).status, 429);
	assert.equal((await open(t, url, talk.events(talk.bob))).status, 200);
	streams[0].leave();
	await until(async () => (await open(t, url, talk.events(talk.ann))).status === 200, "there is room for another");
});

test("operator_is_told_what_the_list_shows", async (t) => {
	const talk = await pair();
	const stream = await open(t, url, "/events");
	const [whole] = await stream.until(1);
	assert.equal(whole.data.is_whole, true);
	await post(talk, talk.ann, "for all to see");
	await until(async () => stream.told("conversations").some((row) => row.conversation_id === talk.id && row.content === "for all to see"), "the row");
	assert.ok(stream.events.slice(1).every((event) => event.data.is_whole === false));
});

// Functions are not known by name: every function with a cursor that says whether something changed can stream.
test("function_of_ones_own_streams_by_its_row", async (t) => {
	sql(`CREATE TABLE public.live_notes (id bigint GENERATED ALWAYS AS IDENTITY, note text);
		CREATE FUNCTION public.live_notes(INOUT cursor text DEFAULT '0', OUT notes text[], OUT more boolean, OUT changed boolean)
		LANGUAGE sql SECURITY DEFINER AS $$ SELECT coalesce(max(id)::text, cursor), array_agg(note), false, count(*) > 0
			FROM public.live_notes WHERE id > cursor::bigint $$;
		SELECT parley.add_route('GET', '/live-notes', 'public.live_notes', 'operator');
		UPDATE parley.routes SET streams = true WHERE path = '/live-notes'`);
	t.after(() => sql("DELETE FROM parley.routes WHERE path = '/live-notes'; DROP FUNCTION public.live_notes; DROP TABLE public.live_notes"));
	const stream = await until(async () => {
		const opened = await open(t, url, "/live-notes");
		return opened.status === 200 && opened.headers["content-type"] === "text/event-stream" && opened;
	}, "the route streams");
	const talk = await pair();
	sql("INSERT INTO public.live_notes (note) VALUES ('a note')");
	await post(talk, talk.ann, "which wakes the operator");
	await stream.until(1);
	assert.deepEqual([stream.events[0].id, stream.events[0].data.notes], ["1", ["a note"]]);
});

test("stream_of_a_route_that_is_deleted_ends", async (t) => {
	sql(`CREATE FUNCTION public.live_clock(INOUT cursor text DEFAULT '0', OUT at text, OUT more boolean, OUT changed boolean)
		LANGUAGE sql SECURITY DEFINER AS $$ SELECT (cursor::bigint + 1)::text, now()::text, false, true $$;
		SELECT parley.add_route('GET', '/live-clock', 'public.live_clock', 'operator');
		UPDATE parley.routes SET streams = true WHERE path = '/live-clock'`);
	t.after(() => sql("DELETE FROM parley.routes WHERE path = '/live-clock'; DROP FUNCTION public.live_clock"));
	const stream = await until(async () => {
		const opened = await open(t, url, "/live-clock");
		return opened.status === 200 && opened.headers["content-type"] === "text/event-stream" && opened;
	}, "the route streams");
	const talk = await pair();
	sql("DELETE FROM parley.routes WHERE path = '/live-clock'");
	await until(async () => (await open(t, url, "/live-clock")).status === 404, "the route is gone");
	await post(talk, talk.ann, "which wakes the operator");
	await until(() => stream.closed, "the stream ends");
	assert.equal((await fetch(`${url}/health`)).status, 200);
});

test("silent_stream_beats_and_syncs_to_be_sure_but_never_finds", async (t) => {
	const gateway = await start_gateway(["--stream-heartbeat-ms", "100"]);
	const talk = await pair();
	const stream = await open(t, gateway.base, talk.events(talk.ann));
	await until(async () => stream.comments + 1 > 2, "heartbeats");
	await until(async () => (await metric(gateway.base, "parley_stream_syncs_idle_total")) >= 2, "it syncs to be sure");
	await post(talk, talk.bob, "x");
	await stream.untilTold("messages", 1);
	assert.equal(await metric(gateway.base, "parley_stream_found_late_total"), 0);
	assert.equal(await metric(gateway.base, "parley_streams"), 1);
	assert.ok((await metric(gateway.base, "parley_stream_delivery_seconds_count")) >= 1);
	assert.equal(await gateway.stop(), 0);
	assert.match(gateway.log, /event=stream id=\S+ route=\/users\/\{user_id\}\/events reason=drain events=1 /);
});

// If nobody reports a change, because someone removed the triggers, it is found by a sync that nobody asked for, and counted.
test("what_is_found_late_is_counted", async (t) => {
	const gateway = await start_gateway(["--stream-heartbeat-ms", "100"]);
	const talk = await pair();
	const stream = await open(t, gateway.base, talk.events(talk.ann));
	await until(async () => stream.lastId !== undefined, "it is open");
	sql("ALTER TABLE parley.conversations DISABLE TRIGGER conversations_wake; ALTER TABLE parley.members DISABLE TRIGGER members_wake");
	try {
		await post(talk, talk.bob, "unheard");
		assert.equal(sql(`SELECT count(*) FROM parley.messages WHERE conversation_id = ${talk.id}`), "1", "its table's triggers were disabled");
	} finally {
		sql("ALTER TABLE parley.conversations ENABLE ALWAYS TRIGGER conversations_wake; ALTER TABLE parley.members ENABLE ALWAYS TRIGGER members_wake");
	}
	await stream.untilTold("messages", 1);
	await until(async () => (await metric(gateway.base, "parley_stream_found_late_total")) === 1, "it is counted");
	assert.equal(await gateway.stop(), 0);
});

const secret = randomBytes(32).toString("hex");
const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
function token(user, lifetime_s, key = secret) {
	const text = `${base64({ alg: "HS256" })}.${base64({ sub: String(user.id), exp: Math.floor(Date.now() / 1000) + lifetime_s })}`;
	return { headers: { authorization: `Bearer ${text}.${createHmac("sha256", key).update(text).digest("base64url")}` } };
}

test("stream_needs_a_token_and_ends_with_it", async (t) => {
	const file = join(directory, "secret");
	writeFileSync(file, secret, { mode: 0o644 });
	const gateway = await start_gateway(["--jwt-key-file", `HS256:${file}`]);
	const talk = await pair();
	assert.equal((await open(t, gateway.base, talk.events(talk.ann))).status, 401);
	assert.equal((await open(t, gateway.base, talk.events(talk.ann), token(talk.bob, 60))).status, 403);
	assert.equal((await open(t, gateway.base, "/events", token(talk.bob, 60))).status, 403);
	const brief = await open(t, gateway.base, talk.events(talk.ann), token(talk.ann, 2));
	const longer = await Promise.all(Array.from({ length: 15 }, () => open(t, gateway.base, talk.events(talk.bob), token(talk.bob, 3600))));
	assert.equal(brief.status, 200);
	assert.deepEqual(await brief.untilEnd(), { reason: "token" });
	assert.ok(longer.every((stream) => !stream.closed));
	// After the keys change, all come back, over half a minute.
	writeFileSync(file, randomBytes(32).toString("hex"));
	gateway.child.kill("SIGHUP");
	await until(async () => longer.some((stream) => stream.closed), "one has ended");
	assert.deepEqual(await longer.find((stream) => stream.closed).untilEnd(), { reason: "token" });
	assert.equal(await gateway.stop(), 0);
});

test("stream_ends_with_age", async (t) => {
	const gateway = await start_gateway(["--stream-age-ms", "1000"]);
	const talk = await pair();
	const stream = await open(t, gateway.base, talk.events(talk.ann));
	assert.deepEqual(await stream.untilEnd(), { reason: "age" });
	assert.equal(await gateway.stop(), 0);
});

test("streams_that_sync_together_fail_alone", async (t) => {
	const [{ url: own }] = await startGateways(t, 1, { PARLEY_THREADS: "1" });
	const talks = [await pair(), await pair(), await pair()];
	const streams = await Promise.all(talks.map((talk) => open(t, own, talk.events(talk.bob))));
	await Promise.all(streams.map((stream) => until(async () => stream.lastId !== undefined, "it has begun")));
	// One commit wakes all, and one of the users does not exist any more.
	sql(`BEGIN; ${talks.map(({ id }) => `SELECT parley.post_message(${id}, 'to all');`).join(" ")}
		DELETE FROM parley.members WHERE contact_id = ${talks[1].bob.id}; DELETE FROM parley.contacts WHERE id = ${talks[1].bob.id}; COMMIT`);
	for (const n of [0, 2]) {
		await streams[n].untilTold("messages", 1);
		assert.deepEqual(contents(streams[n]), ["to all"]);
	}
	assert.deepEqual(await streams[1].untilEnd(), { reason: "gone" });
	// Audits would find a conversation without its member.
	for (const table of ["messages", "members"]) sql(`DELETE FROM parley.${table} WHERE conversation_id = ${talks[1].id}`);
	sql(`DELETE FROM parley.conversations WHERE id = ${talks[1].id}`);
});

test("stream_of_somebody_who_is_no_more_is_gone", async (t) => {
	const gateway = await start_gateway(["--stream-heartbeat-ms", "100"]);
	const { id } = await created("POST /users", { phone: phone() });
	const stream = await open(t, gateway.base, `/users/${id}/events`);
	assert.equal(stream.status, 200);
	assert.equal(sql(`DELETE FROM parley.contacts WHERE id = ${id} RETURNING id`), String(id));
	assert.deepEqual(await stream.untilEnd(), { reason: "gone" });
	assert.equal(await gateway.stop(), 0);
});

// It waits an hour for what is under way, but not for streams.
test("draining_gateway_sends_its_streams_away", async (t) => {
	const gateway = await start_gateway(["--drain-timeout-ms", "3600000"]);
	const talk = await pair();
	const streams = await Promise.all(Array.from({ length: 10 }, () => open(t, gateway.base, talk.events(talk.ann))));
	gateway.child.kill();
	for (const stream of streams) {
		assert.deepEqual(await stream.untilEnd(), { reason: "drain" });
		assert.ok(stream.retry >= 500 && stream.retry <= 8000, `retry ${stream.retry}`);
	}
	assert.ok(new Set(streams.map((stream) => stream.retry)).size > 3);
	await until(() => gateway.child.exitCode !== null, "its end");
	assert.equal(gateway.child.exitCode, 0);
});

for (const how of ["end", "destroy", "resetAndDestroy"])
	test(`client_that_leaves_is_noticed_before_the_next_heartbeat, by ${how}`, async (t) => {
		const gateway = await start_gateway(["--stream-heartbeat-ms", "3600000"]);
		const talk = await pair();
		const streams = await Promise.all(Array.from({ length: 10 }, () => open(t, gateway.base, talk.events(talk.ann))));
		await until(async () => (await metric(gateway.base, "parley_streams")) === 10, "all are open");
		for (const stream of streams) stream.leave(how);
		await until(async () => (await metric(gateway.base, "parley_streams")) === 0, "all are noticed");
		assert.equal(await metric(gateway.base, 'parley_streams_closed_total{reason="client"}'), 10);
		assert.equal(await gateway.stop(), 0);
	});

// It sends something more, which nobody reads, and is left alone. The next heartbeats notice that it has left.
test("client_that_goes_on_talking_is_not_listened_to", async (t) => {
	const gateway = await start_gateway(["--stream-heartbeat-ms", "200"]);
	const talk = await pair();
	const socket = net.connect(gateway.port, "127.0.0.1");
	t.after(() => socket.destroy());
	let heard = "";
	socket.on("data", (chunk) => (heard += chunk)).on("error", () => {});
	socket.write(`GET ${talk.events(talk.ann)} HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n`);
	await until(async () => heard.includes("id: "), "the stream begins");
	socket.write("and so on ".repeat(1000));
	await post(talk, talk.bob, "to be heard");
	await until(async () => heard.includes("to be heard"), "it goes on");
	socket.destroy();
	await until(async () => (await metric(gateway.base, "parley_streams")) === 0, "it is noticed");
	assert.equal(await gateway.stop(), 0);
});

test("reader_that_stops_is_cut_off_and_holds_up_nobody", async (t) => {
	const gateway = await start_gateway(["--send-timeout-ms", "10000"]);
	const talk = await pair();
	const slow = await open(t, gateway.base, talk.events(talk.ann));
	const quick = await open(t, gateway.base, talk.events(talk.bob));
	slow.response.pause();
	sql(`SELECT count(*) FROM generate_series(1, 1500) n, parley.post_user_message(${talk.id}, repeat('x', 9990) || n, ${talk.bob.id})`);
	await quick.untilTold("messages", 1500);
	await until(async () => (await metric(gateway.base, 'parley_streams_closed_total{reason="slow"}')) === 1, "it is cut off");
	assert.equal(await gateway.stop(), 0);
});

test("reader_that_reads_a_long_event_slowly_but_steadily_gets_all_of_it", { timeout: 600000 }, async () => {
	const gateway = await start_gateway(["--send-timeout-ms", "5000"]);
	const talk = await pair();
	sql(`SELECT count(*) FROM generate_series(1, 200) n, parley.post_user_message(${talk.id}, repeat(E'\\x01', 9990) || n, ${talk.bob.id})`);
	// Reads 64 kB at most, and the next a while later, until the event has ended. Returns whether it did.
	const read = async () => {
		const socket = net.connect(gateway.port, "127.0.0.1");
		let end = "", closed = false;
		socket.on("error", () => {}).on("close", () => (closed = true)).on("data", (chunk) => {
			end = (end + chunk.toString("latin1")).slice(-10);
			socket.pause();
			setTimeout(() => socket.resume(), 60);
		});
		socket.write(`GET ${talk.events(talk.ann)}?limit=200 HTTP/1.1\r\nHost: x\r\n\r\n`);
		const isWhole = () => socket.bytesRead > 12000000 && end.includes("\n\n");
		await until(async () => closed || isWhole(), "it ends", 120000);
		socket.destroy();
		return isWhole();
	};
	// It takes 11 seconds. A machine that is busy meanwhile takes another try.
	await until(read, "all of the event is read", 300000);
	assert.equal(await gateway.stop(), 0);
});

test("stream_comes_through_nginx_with_tls_over_http_1_and_2", { timeout: 300000 }, async (t) => {
	const gateways = await startGateways(t, 2, { PARLEY_STREAM_HEARTBEAT_MS: "3600000" });
	const nginx = await startNginx(t, gateways.map((gateway) => gateway.address));
	const talk = await pair();
	const tls = { ca: nginx.ca, servername: "chat.example.org" };
	const stream = await open(t, nginx.url, talk.events(talk.ann), tls);
	assert.equal(stream.status, 200);
	const session = connectHttp2(nginx.url, tls);
	t.after(() => session.destroy());
	let heard = "";
	session.request({ ":path": talk.events(talk.bob), ":authority": new URL(nginx.url).host }).on("data", (chunk) => (heard += chunk)).on("error", () => {});
	await until(async () => heard.includes("id: ") && stream.lastId !== undefined, "both are open");
	await post(talk, talk.ann, "through nginx");
	await stream.untilTold("messages", 1);
	await until(async () => heard.includes("through nginx"), "it has come over HTTP/2");
	// Many clients are behind one NAT. They come few at a time, since nginx allows a handshake 10 seconds, and a busy machine may need
	// more for 150 at once.
	const many = [];
	while (many.length < 150)
		many.push(...await Promise.all(Array.from({ length: 15 }, async () => {
			const user = await created("POST /users", { phone: phone() });
			return open(t, nginx.url, `/users/${user.id}/events`, tls);
		})));
	assert.ok(many.every((one) => one.status === 200), `${many.map((one) => one.status)}`);
	const closed = async () => (await Promise.all(gateways.map((gateway) => metric(gateway.url, "parley_streams")))).reduce((a, b) => a + b);
	session.destroy();
	for (const one of [stream, ...many]) one.leave();
	await until(async () => (await closed()) === 0, "nginx passes on that they left");
	const reasons = await Promise.all(gateways.map((gateway) => metric(gateway.url, 'parley_streams_closed_total{reason="client"}')));
	assert.equal(reasons.reduce((a, b) => a + b), 152);
});

test("client_that_leaves_is_noticed_with_tls", async (t) => {
	const [cert, key] = ["cert", "key"].map((name) => join(directory, name));
	execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
		"-subj", "/CN=localhost", "-keyout", key, "-out", cert], { stdio: "ignore" });
	const admin = await freePort();
	const gateway = await start_gateway(["--tls-cert-file", cert, "--tls-key-file", key, "--admin-listen", `127.0.0.1:${admin}`, "--stream-heartbeat-ms", "3600000"], { wait: false });
	await until(async () => (await fetch(`http://127.0.0.1:${admin}/ready`).catch(() => ({}))).status === 200, "the gateway");
	const talk = await pair();
	const stream = await open(t, gateway.base.replace("http:", "https:"), talk.events(talk.ann), { rejectUnauthorized: false });
	await until(async () => stream.lastId !== undefined, "it is open");
	await post(talk, talk.bob, "by TLS");
	await stream.untilTold("messages", 1);
	stream.leave("end");
	await until(async () => (await metric(`http://127.0.0.1:${admin}`, "parley_streams")) === 0, "it is noticed");
	assert.equal(await gateway.stop(), 0);
});

// docs/live.md contains clients, which do what it says.
const clients = Object.fromEntries([...readFileSync(join(root, "docs/live.md"), "utf8").matchAll(/^```(sh|js|python)\n([^]*?)^```$/gm)].map(([, kind, text]) => [kind, text]));

test("client_of_the_documentation_in_curl_follows", async (t) => {
	const talk = await pair();
	writeFileSync(join(directory, "client.sh"), clients.sh);
	const child = spawn("bash", [join(directory, "client.sh"), url, talk.ann.id], { stdio: ["ignore", "pipe", "inherit"], detached: true });
	t.after(() => process.kill(-child.pid, "SIGKILL"));
	let heard = "";
	child.stdout.on("data", (chunk) => (heard += chunk));
	await post(talk, talk.bob, "one");
	await post(talk, talk.bob, "two");
	await until(async () => heard === "one\ntwo\n", "both are printed");
});

test("client_of_the_documentation_in_javascript_follows", async () => {
	const talk = await pair();
	writeFileSync(join(directory, "client.mjs"), clients.js);
	const { follow } = await import(join(directory, "client.mjs"));
	const heard = [];
	const followed = follow(url, talk.ann.id, undefined, (news) => {
		heard.push(...news.messages.map((message) => message.content));
		return heard.length < 2;
	});
	await post(talk, talk.bob, "one");
	await post(talk, talk.bob, "two");
	await followed;
	assert.deepEqual(heard, ["one", "two"]);
});
