// Clients that are slow, numerous, gone or rude: each costs the gateway no more than its limit, and does not affect the others.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { create_fixture, drop_fixture, hold, problem, raw, request, held_backends, sql, start_gateway, until } from '../support/gateway.mjs';

before(() => create_fixture());
after(drop_fixture);

// A socket that collects what it receives, and knows whether it is still open.
function open(port, { paused = false } = {}) {
	const client = { said: '', closed: false };
	client.socket = net.connect({ port, host: '127.0.0.1', highWaterMark: 1024 });
	client.socket.on('error', () => {}).on('close', () => { client.closed = true; });
	if (paused) client.socket.pause();
	else client.socket.on('data', (chunk) => { client.said += chunk; });
	client.connected = new Promise((resolve) => client.socket.on('connect', resolve));
	return client;
}

const metric = async (gateway, name) => Number((await fetch(`${gateway.base}/metrics`).then((response) => response.text())).match(new RegExp(`^${name} (\\d+)$`, 'm'))[1]);

test('a client that sends its head or its body byte by byte is cut off in time', async () => {
	const gateway = await start_gateway(['--client-timeout-ms', '700']);
	const head = open(gateway.port);
	const body = open(gateway.port);
	const chunked = open(gateway.port);
	const idle = open(gateway.port);
	body.socket.write('POST /test/makes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n');
	chunked.socket.write('POST /test/makes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5;extension=');
	head.socket.write('GET /health HTTP/1.1\r\n');
	const drip = setInterval(() => { if (!head.closed) head.socket.write('X: y\r\n'); if (!body.closed) body.socket.write(' ');
		if (!chunked.closed) chunked.socket.write('x'); }, 50);
	await until(() => head.closed && body.closed && chunked.closed && idle.closed, 'all four to be cut off');
	clearInterval(drip);
	assert.equal((await request('/health', { base: gateway.base })).status, 200);
	await gateway.stop();
});

test('a chunk whose extension does not end takes no memory and is cut off in time', async () => {
	const gateway = await start_gateway(['--client-timeout-ms', '1500']);
	const client = open(gateway.port);
	client.socket.write('POST /test/makes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5;extension=');
	const piece = 'x'.repeat(1 << 20);
	const flood = () => { while (!client.closed && client.socket.write(piece)); };
	client.socket.on('drain', flood);
	flood();
	await until(() => client.closed, 'it to be cut off');
	const [, peak] = readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8').match(/^VmHWM:\s+(\d+) kB$/m);
	assert.ok(Number(peak) < 200000, `${peak} kB at the most`);
	assert.equal((await request('/health', { base: gateway.base })).status, 200);
	assert.equal(await gateway.stop(), 0);
});

test('a client that is refused while it still sends can read why', async () => {
	const gateway = await start_gateway(['--body-limit-bytes', '1000']);
	for (let trial = 0; trial < 20; trial++) {
		const client = open(gateway.port);
		client.socket.write(`POST /test/makes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(500000)}`);
		await until(() => client.closed, 'it to be closed');
		assert.match(client.said, /^HTTP\/1\.1 413 /, `trial ${trial}`);
	}
	assert.equal(await gateway.stop(), 0);
});

test('a client that does not read its answer is cut off in time', async () => {
	const gateway = await start_gateway(['--send-timeout-ms', '500', '--target-limit-bytes', '262144']);
	const client = open(gateway.port, { paused: true });
	await client.connected;
	const one = `GET /test/echo/${'x'.repeat(200000)} HTTP/1.1\r\nHost: a\r\n\r\n`;
	for (let i = 0; i < 100; i++) client.socket.write(one);
	await until(() => gateway.log.includes(' route=/test/echo/{word} '), 'its requests');
	await until(async () => (await metric(gateway, 'parley_http_connections')) <= 1, 'the connection to be cut off');
	client.socket.destroy();
	assert.equal(await gateway.stop(), 0);
});

// Reads a piece of 64 kB at most, and the next one a while later, until the connection is closed. Returns how much it was.
async function read_slowly(gateway, method, path) {
	const socket = net.connect({ port: gateway.port, host: '127.0.0.1', highWaterMark: 1024 });
	socket.on('error', () => {}).on('data', () => {
		socket.pause();
		setTimeout(() => socket.resume(), 50);
	});
	socket.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
	await new Promise((resolve) => socket.on('close', resolve));
	return socket.bytesRead;
}

test('a client that reads slowly but steadily gets all of an answer, in pieces or whole', { timeout: 600000 }, async () => {
	sql(`CREATE FUNCTION gateway_test.much() RETURNS text LANGUAGE sql AS $$ SELECT repeat('x', 16000000) $$;
		SELECT parley.add_route('GET', '/test/much', 'gateway_test.much', 'operator');
		SELECT parley.add_route('POST', '/test/much', 'gateway_test.much', 'operator', 201)`);
	const gateway = await start_gateway(['--send-timeout-ms', '5000']);
	await until(async () => (await request('/test/much', { base: gateway.base, method: 'HEAD' })).status === 200, 'the routes');
	/* It takes 12 seconds. A machine that is busy meanwhile takes another try. */
	await Promise.all(['GET', 'POST'].map((method) =>
		until(async () => (await read_slowly(gateway, method, '/test/much')) > 16000000, `all of it to be read by ${method}`, 300000)));
	assert.equal(await gateway.stop(), 0);
});

test('answers that nobody reads are held within the limit, and others are served meanwhile', async () => {
	sql(`CREATE FUNCTION gateway_test.large(bytes integer) RETURNS text LANGUAGE sql AS $$ SELECT repeat('x', bytes) $$;
		SELECT parley.add_route('GET', '/test/large/{bytes}', 'gateway_test.large', 'operator')`);
	const gateway = await start_gateway(['--in-flight-limit-bytes', '33554432']);
	await until(async () => (await request('/test/large/1', { base: gateway.base })).status === 200, 'the route');
	const clients = Array.from({ length: 60 }, () => open(gateway.port, { paused: true }));
	clients.forEach((client) => client.socket.write('GET /test/large/12000000 HTTP/1.1\r\nHost: localhost\r\n\r\n'));
	await until(async () => {
		assert.equal((await request('/health', { base: gateway.base })).status, 200);
		return gateway.log.match(/event=client_cut_off | status=504 /g)?.length >= 55;
	}, 'those who hold most to be cut off', 300000);
	const [, peak] = readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8').match(/^VmHWM:\s+(\d+) kB$/m);
	assert.ok(Number(peak) < 600000, `${peak} kB at the most`);
	await until(async () => (await request('/test/large/12000000', { base: gateway.base })).text.length === 12000000 + '{"large":""}'.length,
		'somebody who reads to be served', 300000);
	clients.forEach((client) => client.socket.destroy());
	assert.equal(await gateway.stop(), 0);
});

// 300 rows of 7 kB, which are 21 kB as JSON; the last has a text of 1 MB and a document of 500 kB.
const large_rows = `CREATE FUNCTION gateway_test.large_rows() RETURNS TABLE (id integer, text_ text, data jsonb) LANGUAGE sql AS $$
		SELECT n, repeat(E'\\x01"é,\n', CASE n WHEN 300 THEN 200000 ELSE 1400 END), CASE n WHEN 300 THEN to_jsonb(repeat('"', 250000)) END
		FROM generate_series(1, 300) n $$;
	CREATE FUNCTION gateway_test.large_document() RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_agg(t) FROM gateway_test.large_rows() t $$;
	SELECT parley.add_route('GET', '/test/large-rows', 'gateway_test.large_rows', 'operator');
	SELECT parley.add_route('GET', '/test/large-document', 'gateway_test.large_document', 'operator')`;

test('a large answer is whole in every form, and the next request on its connection is served', async () => {
	sql(large_rows);
	const gateway = await start_gateway();
	await until(async () => (await request('/test/large-document', { base: gateway.base, method: 'HEAD' })).status === 200, 'the routes');
	const expected = Array.from({ length: 300 }, (_, i) => ({ id: i + 1, text_: '\x01"é,\n'.repeat(i === 299 ? 200000 : 1400), data: i === 299 ? '"'.repeat(250000) : null }));
	const list = await request('/test/large-rows', { base: gateway.base });
	assert.deepEqual(list.json, expected);
	assert.equal(list.headers.get('transfer-encoding'), 'chunked');
	assert.deepEqual((await request('/test/large-document', { base: gateway.base })).json, expected);
	const csv = await fetch(`${gateway.base}/test/large-rows`, { headers: { accept: 'text/csv' } }).then((response) => response.text());
	const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
	assert.ok(csv === ['id,text_,data', ...expected.map((row) => `${row.id},${quoted(row.text_)},${row.data === null ? '' : quoted(JSON.stringify(row.data))}`), ''].join('\r\n'));
	/* Without chunks, the end of the connection is the body's. */
	const [head, body] = (await raw('GET /test/large-rows HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n', { base: gateway.base })).split('\r\n\r\n');
	assert.match(head, /^connection: close/im);
	assert.deepEqual(JSON.parse(Buffer.from(body, 'latin1')), expected);
	const answers = await raw('HEAD /test/large-rows HTTP/1.1\r\nHost: a\r\n\r\nGET /test/large-rows HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
		{ base: gateway.base });
	assert.equal(answers.match(/^HTTP\/1\.1 200 /gm).length, 3);
	assert.ok(answers.endsWith('\r\n\r\n{"status":"ok"}'));
	assert.match(gateway.log, /route=\/test\/large-rows status=200 rows=300 bytes=8\d{6} /);
	assert.equal(await gateway.stop(), 0);
});

test('a large answer takes the room of its rows, not of its JSON', async () => {
	sql(`CREATE FUNCTION gateway_test.escaped() RETURNS SETOF text LANGUAGE sql AS $$ SELECT repeat(E'\\x01', 10000) FROM generate_series(1, 200) $$;
		SELECT parley.add_route('GET', '/test/escaped', 'gateway_test.escaped', 'operator')`);
	const gateway = await start_gateway(['--send-timeout-ms', '600000']);
	await until(async () => (await request('/test/escaped', { base: gateway.base, method: 'HEAD' })).status === 200, 'the route');
	const clients = Array.from({ length: 20 }, () => open(gateway.port));
	for (const { socket } of clients) {
		socket.once('data', () => socket.pause());
		socket.write('GET /test/escaped HTTP/1.1\r\nHost: localhost\r\n\r\n');
	}
	await until(() => clients.every((client) => client.socket.bytesRead > 0), 'all answers to begin', 120000);
	/* They take 2 MB each. Their JSON would be 12 MB each, more than the limit. */
	assert.doesNotMatch(gateway.log, /event=client_cut_off/);
	clients.forEach((client, i) => { if (i % 2 === 0) client.socket.resume(); else client.socket.destroy(); });
	await until(() => clients.every((client, i) => i % 2 === 1 || client.socket.bytesRead > 12000000), 'the rest to be read', 120000);
	clients.forEach((client) => client.socket.destroy());
	assert.equal(await gateway.stop(), 0);
});

test('what a part of an answer takes in memory is counted when it is larger than those before', async () => {
	/* As CSV, the second line takes twice as much as its row. */
	sql(`CREATE FUNCTION gateway_test.growing() RETURNS SETOF text LANGUAGE sql AS $$ SELECT repeat('"', n) FROM unnest(ARRAY[70000, 6000000]) n $$;
		SELECT parley.add_route('GET', '/test/growing', 'gateway_test.growing', 'operator')`);
	const gateway = await start_gateway(['--send-timeout-ms', '600000', '--in-flight-limit-bytes', '16777216']);
	await until(async () => (await request('/test/growing', { base: gateway.base, method: 'HEAD' })).status === 200, 'the route');
	const client = open(gateway.port, { paused: true });
	client.socket.write('GET /test/growing HTTP/1.1\r\nHost: a\r\nAccept: text/csv\r\n\r\n');
	await until(() => gateway.log.includes('event=client_cut_off'), 'the client to be cut off');
	client.socket.destroy();
	assert.equal(await gateway.stop(), 0);
});

test('the end of the drain ends large answers, and each is logged', async () => {
	sql(`CREATE FUNCTION gateway_test.drained() RETURNS SETOF text LANGUAGE sql AS $$ SELECT repeat(E'\\x01', 10000) FROM generate_series(1, 200) $$;
		SELECT parley.add_route('GET', '/test/drained', 'gateway_test.drained', 'operator')`);
	const gateway = await start_gateway(['--drain-timeout-ms', '0']);
	await until(async () => (await request('/test/drained', { base: gateway.base, method: 'HEAD' })).status === 200, 'the route');
	const clients = Array.from({ length: 12 }, () => open(gateway.port));
	clients.forEach((client) => client.socket.write('GET /test/drained HTTP/1.1\r\nHost: a\r\n\r\n'));
	await until(() => clients.every((client) => client.said !== ''), 'all answers to begin');
	assert.equal(await gateway.stop(), 0);
	assert.equal(gateway.log.match(/ method=GET route=\/test\/drained status=200 /g).length, 12);
});

test('a client that resets while its request runs harms nobody', async () => {
	const gateway = await start_gateway();
	for (let i = 0; i < 20; i++) {
		const client = open(gateway.port);
		await client.connected;
		client.socket.write('GET /test/wait?seconds=0.2 HTTP/1.1\r\nHost: a\r\n\r\n');
		client.socket.resetAndDestroy();
	}
	for (let i = 0; i < 20; i++)
		assert.equal((await request(`/test/echo/${i}`, { base: gateway.base })).json[0].word_, String(i));
	assert.equal(await gateway.stop(), 0);
});

test('the request of a client that left while it waited is not sent', async (t) => {
	const release = await hold(t);
	const gateway = await start_gateway(['--write-connections', '1', '--acquire-timeout-ms', '600000']);
	const first = request('/test/records', { base: gateway.base, method: 'POST', body: { word: 'first', held: true } });
	await held_backends('record');
	const body = '{"word":"gone"}';
	const gone = open(gateway.port);
	gone.socket.write(`POST /test/records HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
	await until(async () => (await fetch(`${gateway.base}/metrics`).then((response) => response.text())).includes('parley_database_queued{pool="write"} 1\n'), 'the second to wait');
	gone.socket.destroy();
	/* A connection that was made after that one was closed is served after it. */
	assert.equal((await fetch(`${gateway.base}/health`, { headers: { connection: 'close' } })).status, 200);
	await release();
	assert.equal((await first).status, 201);
	await until(async () => (await fetch(`${gateway.base}/metrics`).then((response) => response.text())).includes('parley_database_not_sent_total{pool="write"} 1\n'), 'the second to be dropped');
	assert.equal(sql(`SELECT count(*) FROM gateway_test.writes WHERE word = 'gone'`), '0');
	await gateway.stop();
});

test('two thousand idle connections are held, and the next request is served', async () => {
	const gateway = await start_gateway(['--client-timeout-ms', '600000']);
	const clients = [];
	for (let i = 0; i < 20; i++) {
		const batch = Array.from({ length: 100 }, () => open(gateway.port));
		await Promise.all(batch.map((client) => client.connected));
		clients.push(...batch);
	}
	await until(async () => (await metric(gateway, 'parley_http_connections')) >= 2000, 'all to be counted');
	assert.equal((await request('/test/list', { base: gateway.base })).status, 200);
	assert.ok(clients.every((client) => !client.closed));
	clients.forEach((client) => client.socket.destroy());
	await until(async () => (await metric(gateway, 'parley_http_connections')) <= 2, 'all to be gone');
	assert.equal(await gateway.stop(), 0);
});

test('a gateway with few descriptors serves as many clients as they are enough for, and none makes it deaf', async () => {
	const gateway = await start_gateway([], { descriptors: 48 });
	assert.match(gateway.log, /event=connection_limit_lowered to=\d+ /);
	for (let round = 0; round < 3; round++) {
		const clients = Array.from({ length: 60 }, () => open(gateway.port));
		clients.forEach((client) => client.socket.write('GET /health HTTP/1.1\r\nHost: a\r\n\r\n'));
		await until(() => clients.every((client) => /^HTTP\/1\.1 (200|503) /.test(client.said)), 'each to be served or refused');
		assert.ok(clients.some((client) => client.said.startsWith('HTTP/1.1 200 ')));
		clients.forEach((client) => client.socket.destroy());
		await until(async () => (await fetch(`${gateway.base}/ready`, { headers: { connection: 'close' } }).catch(() => ({}))).status === 200, 'the gateway to serve');
	}
	assert.equal(await gateway.stop(), 0);
});

test('a gateway whose descriptors are too few for its own connections says so and does not start', async () => {
	const gateway = await start_gateway([], { descriptors: 24, wait: false });
	assert.equal(await gateway.exited, 1);
	assert.match(gateway.log, /event=too_few_descriptors needed=\d+ allowed=\d+ /);
});

test('noise is no request', async () => {
	const gateway = await start_gateway();
	const noise = ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'GET / HTTP/9.9\r\n\r\n', '\r\n\r\n\r\n', 'GET /health\r\n\r\n', `GET /${'x'.repeat(500000)}`,
		`GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(200)}\r\n`, 'POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n', 'POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n',
		'POST /test/makes HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'POST /test/makes HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n'];
	for (const bytes of noise) {
		const answer = await raw(bytes, { base: gateway.base, half_close: true }).catch(() => '');
		assert.doesNotMatch(answer, /^HTTP\/1\.1 (2|5)/, JSON.stringify(bytes.slice(0, 40)));
	}
	assert.equal((await request('/health', { base: gateway.base })).status, 200);
	assert.equal(await gateway.stop(), 0);
	assert.ok(!gateway.log.includes('level=error'));
});

test('too many at once are told so, and the rest are served', async (t) => {
	const release = await hold(t);
	const gateway = await start_gateway(['--write-connections', '1', '--queue-limit', '3', '--acquire-timeout-ms', '600000']);
	const write = (word, held) => request('/test/records', { base: gateway.base, method: 'POST', body: { word, held } });
	const holder = write('crowd holder', true);
	await held_backends('record');
	let refusals = 0;
	const others = Array.from({ length: 11 }, (_, i) => write(`crowd ${i}`, false).then((answer) => {
		if (answer.status === 503) refusals++;
		return answer;
	}));
	await until(() => refusals === 8, 'eight to be refused');
	await release();
	const answers = await Promise.all([holder, ...others]);
	const served = answers.filter((answer) => answer.status === 201);
	const refused = answers.filter((answer) => answer.status === 503);
	assert.deepEqual([served.length, refused.length], [4, 8]);
	for (const answer of refused) assert.equal(problem(answer, 503, '53300').outcome, 'known');
	assert.equal(sql(`SELECT count(*) FROM gateway_test.writes WHERE word LIKE 'crowd %'`), '4');
	await gateway.stop();
});

test('a reader of the log that stops loses lines, which are counted, and stops nobody', async () => {
	const gateway = await start_gateway();
	gateway.child.stderr.pause();
	const asked = [];
	await until(async () => {
		for (let i = 0; i < 200; i++) asked.push((await request('/health', { base: gateway.base })).status);
		return (await metric(gateway, 'parley_log_lines_dropped_total')) > 0;
	}, 'a line to be lost');
	assert.ok(asked.every((status) => status === 200));
	gateway.child.stderr.resume();
	assert.equal(await gateway.stop(), 0);
	for (const line of gateway.log.trimEnd().split('\n')) assert.match(line, /^time=\S+ level=\S+ event=/);
});
