// Shared by the gateway's tests: psql as the superuser, fixture functions with routes, raw sockets, private gateways.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from './port.mjs';
import { Session } from './psql_session.mjs';

export const url = process.env.PARLEY_URL ?? 'http://127.0.0.1:8080';
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export function sql(statement) {
	return execFileSync('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', statement], {
		encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PGUSER: 'postgres' } }).trim();
}

// Waits for a condition, checked every few milliseconds, but no longer than the bound.
export async function until(condition, what, bound_ms = 60000) {
	const end = Date.now() + bound_ms;
	for (;;) {
		const value = await condition();
		if (value) return value;
		assert.ok(Date.now() < end, `waited in vain for ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
}

export async function request(path, { method = 'GET', body, headers = {}, base = url } = {}) {
	const response = await fetch(base + path, {
		method,
		headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
		body: body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
	});
	const text = await response.text();
	return { status: response.status, headers: response.headers, text, json: text === '' ? undefined : JSON.parse(text) };
}

// Asserts that a response is the problem document that HTTP.md describes, and returns it.
export function problem(response, status, code) {
	assert.equal(response.status, status, response.text);
	assert.match(response.headers.get('content-type'), /^application\/problem\+json/);
	assert.equal(response.json.status, status);
	assert.equal(typeof response.json.title, 'string');
	assert.equal(response.json.request_id, response.headers.get('x-request-id'));
	if (code !== undefined) assert.equal(response.json.code, code);
	if ([429, 503, 504].includes(status)) assert.match(response.headers.get('retry-after'), /^[0-9]+$/);
	return response.json;
}

// Sends bytes as they are, and returns everything that arrives until the server closes the connection or done() accepts it.
export function raw(bytes, { base = url, done = () => false, half_close = false } = {}) {
	const { hostname, port } = new URL(base);
	return new Promise((resolve, reject) => {
		const socket = net.connect({ host: hostname, port: Number(port), allowHalfOpen: true });
		let answer = '';
		socket.setEncoding('latin1');
		socket.setTimeout(60000, () => socket.destroy(new Error('no answer')));
		socket.on('data', (chunk) => { answer += chunk; if (done(answer)) socket.destroy(); });
		socket.on('error', (error) => (answer === '' ? reject(error) : resolve(answer)));
		socket.on('end', () => socket.destroy());
		socket.on('close', () => resolve(answer));
		if (half_close) socket.end(bytes); else socket.write(bytes);
	});
}

const fixture = `
DROP SCHEMA IF EXISTS gateway_test CASCADE;
DELETE FROM parley.routes WHERE function LIKE 'gateway_test.%';
CREATE SCHEMA gateway_test;
GRANT USAGE ON SCHEMA gateway_test TO parley_gateway;
CREATE DOMAIN gateway_test.percentage AS integer CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN gateway_test.even AS integer CHECK (VALUE % 2 = 0);
COMMENT ON DOMAIN gateway_test.even IS 'a number that two divides';
CREATE TABLE gateway_test.writes (id bigint GENERATED ALWAYS AS IDENTITY, key text, word text);
CREATE FUNCTION gateway_test.echo(word text, number integer DEFAULT 7, big bigint DEFAULT NULL, flag boolean DEFAULT NULL,
	at timestamptz DEFAULT NULL, tags text[] DEFAULT NULL, numbers bigint[] DEFAULT NULL, data jsonb DEFAULT NULL,
	share gateway_test.percentage DEFAULT NULL, even gateway_test.even DEFAULT NULL, identity uuid DEFAULT NULL)
RETURNS TABLE (word_ text, number_ integer, big_ bigint, flag_ boolean, at_ timestamptz, tags_ text[], numbers_ bigint[],
	data_ jsonb, share_ integer, even_ integer, identity_ uuid, price_ numeric, void_ text)
ROWS 1 LANGUAGE sql STABLE AS $$ SELECT word, number, big, flag, at, tags, numbers, data, share, even, identity, 1.50::numeric, NULL $$;
CREATE FUNCTION gateway_test.echo_one(word text, number integer DEFAULT 7, flag boolean DEFAULT NULL, at timestamptz DEFAULT NULL,
	tags text[] DEFAULT NULL, numbers bigint[] DEFAULT NULL, data jsonb DEFAULT NULL, share gateway_test.percentage DEFAULT NULL,
	OUT word_ text, OUT number_ integer, OUT flag_ boolean, OUT at_ timestamptz, OUT tags_ text[], OUT numbers_ bigint[],
	OUT data_ jsonb, OUT share_ integer)
LANGUAGE sql AS $$ SELECT word, number, flag, at, tags, numbers, data, share $$;
CREATE FUNCTION gateway_test.list(page integer DEFAULT NULL, cursor text DEFAULT NULL, rows integer DEFAULT 3, note text DEFAULT NULL)
RETURNS TABLE (id integer, next_cursor text, total_count bigint)
LANGUAGE sql STABLE AS $$
	SELECT n, CASE WHEN rows >= 3 THEN 'c/' || n END, 17::bigint FROM generate_series(1, rows) n
	UNION ALL SELECT NULL, NULL, 17 WHERE rows = 0 $$;
CREATE FUNCTION gateway_test.fail(state text, "column" text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'it failed' USING ERRCODE = state, DETAIL = 'On purpose.', HINT = 'Do not ask.', COLUMN = "column"; END $$;
CREATE FUNCTION gateway_test.refuse(word text, idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS TABLE (id bigint, replayed boolean, refused text, refused_detail text) LANGUAGE sql SECURITY DEFINER AS $$
	INSERT INTO gateway_test.writes (key, word) VALUES (idempotency_key, word)
	RETURNING id, idempotency_key IS NOT NULL, CASE WHEN word <> 'fine' THEN word END, 'It is kept.' $$;
CREATE FUNCTION gateway_test.find_or_create(created boolean, OUT id integer, OUT created_ boolean)
LANGUAGE sql AS $$ SELECT 1, created $$;
CREATE FUNCTION gateway_test.make(word text, OUT id integer, OUT created boolean) LANGUAGE sql AS $$ SELECT 1, word = 'new' $$;
CREATE FUNCTION gateway_test.nothing(word text) RETURNS void LANGUAGE sql AS $$ SELECT $$;
CREATE FUNCTION gateway_test.write_in_read() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
	INSERT INTO gateway_test.writes (word) VALUES ('no') RETURNING id $$;
CREATE FUNCTION gateway_test.wait(seconds float8 DEFAULT 0, word text DEFAULT NULL, held boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	PERFORM pg_sleep(seconds);
	IF held THEN PERFORM pg_advisory_xact_lock_shared(hashtext('gateway_test')); END IF;
	RETURN 'waited';
END $$;
CREATE FUNCTION gateway_test.record(word text, seconds float8 DEFAULT 0, held boolean DEFAULT false,
	idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS TABLE (id bigint) LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	PERFORM gateway_test.wait(seconds, word, held);
	RETURN QUERY INSERT INTO gateway_test.writes AS w (key, word) VALUES (idempotency_key, record.word) RETURNING w.id;
END $$;
SELECT parley.add_route('GET', '/test/echo/{word}', 'gateway_test.echo', 'none');
SELECT parley.add_route('POST', '/test/echo/{word}', 'gateway_test.echo_one', 'none');
SELECT parley.add_route('GET', '/test/echo/literal', 'gateway_test.write_in_read', 'none');
SELECT parley.add_route('GET', '/test/list', 'gateway_test.list', 'none');
SELECT parley.add_route('GET', '/test/failures/{state}', 'gateway_test.fail', 'none');
SELECT parley.add_route('POST', '/test/refusals', 'gateway_test.refuse', 'none', 201);
SELECT parley.add_route('POST', '/test/makes', 'gateway_test.make', 'none', 201);
SELECT parley.add_route('DELETE', '/test/nothing/{word}', 'gateway_test.nothing', 'none', 204);
SELECT parley.add_route('GET', '/test/wait', 'gateway_test.wait', 'none');
SELECT parley.add_route('POST', '/test/records', 'gateway_test.record', 'none', 201);
`;

// Creates the fixture's functions and routes, and waits until the gateway has loaded them.
export async function create_fixture(base = url) {
	sql(fixture);
	await until(async () => {
		const response = await request('/test/list', { base });
		return response.status === 200;
	}, 'the routes of the fixture');
}

// Returns a function that releases what asks the fixture's functions to be held, which until then waits.
export async function hold(t) {
	const session = new Session({ PGUSER: 'postgres' });
	t.after(() => session.close());
	assert.equal(await session.statement("SELECT pg_advisory_lock(hashtext('gateway_test'))"), '00000');
	return () => session.close();
}

// Waits until this many calls of the fixture's function are held, and returns the process ids of their backends.
export const held_backends = (name, count = 1) => until(() => {
	const pids = sql(`SELECT pid FROM pg_stat_activity WHERE wait_event = 'advisory' AND query LIKE '%gateway_test.${name}(%'`);
	return pids.split('\n').filter(Boolean).length === count && pids.split('\n').map(Number);
}, `${count} of ${name}`);

export async function drop_fixture() {
	sql(`DROP SCHEMA gateway_test CASCADE; DELETE FROM parley.routes WHERE function LIKE 'gateway_test.%'`);
}

// Ends whatever a failed test has left running.
const running = new Set();
after(() => running.forEach((child) => child.kill('SIGKILL')));

// Starts a gateway with the given flags and at most the given number of descriptors. stop() ends it and returns its exit status
// and log.
export async function start_gateway(flags = [], { env = {}, wait = true, descriptors } = {}) {
	const port = await freePort();
	const base = `http://127.0.0.1:${port}`;
	const path = process.env.PARLEYD ?? join(root, 'gateway', 'parleyd');
	const [command, ...limits] = descriptors === undefined ? [path] : ['prlimit', `--nofile=${descriptors}:${descriptors}`, path];
	const child = spawn(command, [...limits, '--listen', `127.0.0.1:${port}`, '--threads', '1', '--write-connections', '4', ...flags], {
		env: { ...process.env, PGUSER: 'parley_gateway', PARLEY_INSECURE: 'true', ...env },
		stdio: ['ignore', 'ignore', 'pipe'] });
	const gateway = { base, port, child, log: '' };
	running.add(child);
	const exited = new Promise((resolve) => child.on('close', (code, signal) => { running.delete(child); resolve(code ?? signal); }));
	child.stderr.setEncoding('utf8');
	child.stderr.on('data', (chunk) => { gateway.log += chunk; });
	gateway.exited = exited;
	gateway.stop = async (signal = 'SIGTERM') => { child.kill(signal); return exited; };
	/* No connection is left, which a short timeout for clients would end just when it is used again. */
	if (wait)
		await until(async () => {
			assert.equal(child.exitCode, null, gateway.log);
			return (await fetch(`${base}/ready`, { headers: { connection: 'close' } }).catch(() => ({ status: 0 }))).status === 200;
		}, 'the gateway');
	return gateway;
}
