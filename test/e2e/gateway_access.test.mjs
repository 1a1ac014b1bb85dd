// Access: tokens, keys and their reload, the loopback rule, limits per client, CORS. Each test has its own gateway.
import assert from 'node:assert/strict';
import { createHmac, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { problem, raw, request, sql, start_gateway, until } from '../support/gateway.mjs';

const directory = mkdtempSync(join(tmpdir(), 'parley-access-'));
after(() => rmSync(directory, { recursive: true }));

const base64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const in_an_hour = () => Math.floor(Date.now() / 1000) + 3600;

function sign(key, claims, header = { alg: 'HS256', typ: 'JWT' }) {
	const text = `${base64(header)}.${base64({ exp: in_an_hour(), ...claims })}`;
	if (header.alg === 'none') return `${text}.`;
	if (header.alg.startsWith('HS')) return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
	const signer = createSign('SHA256').update(text);
	return `${text}.${signer.sign({ key, dsaEncoding: 'ieee-p1363' }, 'base64url')}`;
}

function file(name, content) {
	writeFileSync(join(directory, name), content);
	return join(directory, name);
}

const bearer = (token) => ({ headers: { authorization: `Bearer ${token}` } });

test('tokens that are made up cost a bounded share of a second, and nobody whose token is known', async () => {
	const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const gateway = await start_gateway(['--jwt-key-file', `ES256:${file('flood.pem', publicKey.export({ type: 'spki', format: 'pem' }))}`]);
	const known = bearer(sign(privateKey, { sub: 'ops', role: 'operator' }, { alg: 'ES256' }));
	const ask = () => request('/users/1', { base: gateway.base, ...known });
	const { status } = await ask();
	const header = base64({ alg: 'ES256' });
	const made_up = (n) => `${header}.${base64({ exp: in_an_hour(), sub: String(n + 1) })}.${randomBytes(64).toString('base64url')}`;
	const requests = Array.from({ length: 6000 }, (_, n) => `GET /users/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${made_up(n)}\r\n${n === 5999 ? 'Connection: close\r\n' : ''}\r\n`);
	const flood = raw(requests.join(''), { base: gateway.base });
	for (let i = 0; i < 20; i++) assert.equal((await ask()).status, status);
	const answers = await flood;
	const count = (text) => answers.split(`HTTP/1.1 ${text} `).length - 1;
	assert.equal(count(401) + count(429), 6000);
	assert.ok(count(401) > 0 && count(429) > 0, `${count(401)} of 6000 were looked at`);
	assert.match(answers, /HTTP\/1\.1 429 [^]*?\r\nretry-after: 1\r\n/i);
	assert.equal(await gateway.stop(), 0);
});

describe('tokens', () => {
	const secret = randomBytes(32).toString('hex');
	const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
	const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const pem = (key) => key.export({ type: 'spki', format: 'pem' });
	let gateway, users;

	before(async () => {
		users = JSON.parse(sql(`SELECT json_agg((parley.create_user(phone => '+1555' || (random() * 1e9)::bigint::text || n)).id) FROM generate_series(10, 11) n`));
		gateway = await start_gateway(['--jwt-key-file', `HS256:${file('secret', secret)},rsa=RS256:${file('rsa.pem', pem(rsa.publicKey))},ec=ES256:${file('ec.pem', pem(ec.publicKey))}`]);
	});
	after(() => gateway.stop());

	const ask = (path, options = {}) => request(path, { base: gateway.base, ...options });

	test('the operator may do all, a user what is theirs, nobody else anything', async () => {
		const [one, two] = users;
		const operator = bearer(sign(secret, { sub: 'ops', role: 'operator' }));
		const user = bearer(sign(secret, { sub: String(one) }));
		assert.equal((await ask('/conversations', operator)).status, 200);
		assert.equal((await ask(`/users/${one}`, operator)).status, 200);
		assert.equal((await ask(`/users/${one}`, user)).status, 200);
		problem(await ask(`/users/${two}`, user), 403);
		problem(await ask('/conversations', user), 403);
		const refused = await ask('/conversations');
		problem(refused, 401, 'PY401');
		assert.equal(refused.headers.get('www-authenticate'), 'Bearer realm="parley"');
		problem(await ask(`/users/${one}`), 401);
	});
	test('money comes in from the operator alone, and who calls is said by the token alone', async () => {
		const path = `/users/${users[0]}/accounts/1/transactions`;
		sql(`SELECT parley.open_account(${users[0]}, 'EUR')`);
		const operator = bearer(sign(secret, { sub: '12', role: 'operator' }));
		const user = bearer(sign(secret, { sub: String(users[0]) }));
		const post = (who, body, query = '') => ask(path + query, { method: 'POST', body, ...who });
		problem(await post(user, { amount: 100 }), 403, '42501');
		for (const claim of ['caller_role', 'caller_id']) {
			problem(await post(user, { amount: 100, [claim]: 'operator' }), 400);
			problem(await post(user, { amount: 100 }, `?${claim}=operator`), 400);
			problem(await post(operator, { amount: 100, [claim]: null }), 400);
		}
		assert.equal((await post(operator, { amount: 100 })).status, 201);
		assert.equal((await post(user, { amount: -30 })).status, 201);
		assert.equal((await ask(`/users/${users[0]}`, user)).json.total, 70);
	});
	test('a message of the operator says which agent sent it', async () => {
		const agent = Number(sql(`SELECT id FROM parley.create_agent('Mara', '${randomBytes(8).toString('hex')}@example.org')`));
		const conversation = Number(sql(`SELECT id FROM parley.open_contact_conversation(${users[0]})`));
		const post = async (claims) => (await ask(`/conversations/${conversation}/messages`, { method: 'POST', body: { content: 'hello' },
			...bearer(sign(secret, { role: 'operator', ...claims })) })).json;
		assert.equal((await post({ sub: String(agent) })).agent_id, agent);
		assert.equal((await post({ sub: String(agent + 1) })).agent_id, null);
		assert.equal((await post({ sub: 'ops' })).agent_id, null);
		const listed = (await ask(`/users/${users[0]}/conversations/${conversation}/messages`, bearer(sign(secret, { sub: String(users[0]) })))).json;
		assert.deepEqual(listed.map((message) => message.agent_id), [agent, null, null]);
	});
	test('a function is told who calls', async () => {
		sql(`CREATE FUNCTION public.whoami(caller_id bigint DEFAULT 1, caller_role text DEFAULT 'operator', OUT id bigint, OUT role text)
			LANGUAGE sql AS 'SELECT caller_id, caller_role'; SELECT parley.add_route('GET', '/whoami', 'public.whoami', 'none')`);
		try {
			await until(async () => (await ask('/whoami')).status === 200, 'the route');
			for (const [claims, said] of [[{ sub: '12' }, { id: 12, role: 'user' }], [{ sub: '12', role: 'operator' }, { id: 12, role: 'operator' }],
				[{ role: 'operator' }, { id: null, role: 'operator' }]])
				assert.deepEqual((await ask('/whoami', bearer(sign(secret, claims)))).json, said);
			assert.deepEqual((await ask('/whoami')).json, { id: null, role: null });
			problem(await ask('/whoami?caller_id=1'), 400);
			assert.deepEqual((await ask('/openapi.json')).json.paths['/whoami'].get.parameters, []);
			const open = await start_gateway([]);
			assert.deepEqual((await request('/whoami', { base: open.base })).json, { id: null, role: 'operator' });
			await open.stop();
		} finally {
			sql(`DELETE FROM parley.routes WHERE path = '/whoami'; DROP FUNCTION public.whoami`);
		}
	});
	test('routes for anyone need no token, but a bad one is told', async () => {
		problem(await ask('/users', { method: 'POST', body: {} }), 422);
		const refused = await ask('/users', { method: 'POST', body: {}, headers: { authorization: 'Bearer x' } });
		problem(refused, 401);
		assert.match(refused.headers.get('www-authenticate'), /error="invalid_token"/);
		assert.equal((await ask('/health')).status, 200);
	});
	test('RS256 and ES256 are verified by their own keys', async () => {
		assert.equal((await ask('/conversations', bearer(sign(rsa.privateKey, { role: 'operator' }, { alg: 'RS256', kid: 'rsa' })))).status, 200);
		assert.equal((await ask('/conversations', bearer(sign(ec.privateKey, { role: 'operator' }, { alg: 'ES256', kid: 'ec' })))).status, 200);
	});
	test('alg none and confusion of keys are refused', async () => {
		for (const header of [{ alg: 'none' }, { alg: 'None' }, { alg: 'none', kid: 'rsa' }])
			problem(await ask('/conversations', bearer(sign('', { role: 'operator' }, { ...header, alg: 'none' }).replace(/^[^.]+/, base64(header)))), 401);
		for (const [kid, key] of [['rsa', rsa], ['ec', ec]])
			problem(await ask('/conversations', bearer(sign(pem(key.publicKey), { role: 'operator' }, { alg: 'HS256', kid }))), 401);
		problem(await ask('/conversations', bearer(sign(secret, { role: 'operator' }, { alg: 'HS256', kid: 'rsa' }))), 401);
		problem(await ask('/conversations', bearer(sign(rsa.privateKey, { role: 'operator' }, { alg: 'RS256' }))), 401);
	});
	test('times are kept: exp and nbf, with half a minute of skew', async () => {
		const from_now = (seconds) => Math.floor(Date.now() / 1000) + seconds;
		for (const [claims, status] of [[() => ({ exp: from_now(-15) }), 200], [() => ({ exp: from_now(-40) }), 401], [() => ({ nbf: from_now(15) }), 200],
			[() => ({ nbf: from_now(90) }), 401], [() => ({ exp: undefined }), 401], [() => ({ exp: 'x' }), 401]])
			assert.equal((await ask('/conversations', bearer(sign(secret, { role: 'operator', ...claims() })))).status, status, `${claims}`);
	});
	test('a thousand malformed tokens are refused a thousand times, and none is in the log', async () => {
		const good = sign(secret, { role: 'operator' });
		let refused = 0;
		for (let i = 0; i < 1000; i++) {
			const bytes = Buffer.from(good);
			for (let j = 0; j <= i % 5; j++) bytes[randomBytes(2).readUInt16LE() % (bytes.length - 2)] ^= 1 + (randomBytes(1)[0] % 15);
			const token = i % 4 === 0 ? good.slice(0, i % (good.length - 1)) || '.' : i % 4 === 1 ? randomBytes(1 + i % 300).toString('base64url') : bytes.toString('latin1').replace(/[^!-~]/g, 'x');
			if (token === good) { refused++; continue; }
			// 429: where this took more than its share of a thread's time
			if ([401, 429].includes((await ask('/conversations', bearer(token))).status)) refused++;
		}
		assert.equal(refused, 1000);
		await until(async () => (await ask('/conversations', bearer(good))).status === 200, 'a thread that has time for tokens again');
		assert.ok(!gateway.log.includes(good.slice(0, 40)));
	});
	test('SIGHUP reads the keys again, and keeps the old ones if the new are no keys', async () => {
		const other = randomBytes(32).toString('hex');
		const [before, next] = [secret, other].map((key) => bearer(sign(key, { role: 'operator' })));
		file('secret', 'short');
		gateway.child.kill('SIGHUP');
		await until(() => gateway.log.includes('file_not_read'), 'the complaint');
		assert.equal((await ask('/conversations', before)).status, 200);
		file('secret', other);
		gateway.child.kill('SIGHUP');
		await until(async () => (await ask('/conversations', next)).status === 200, 'the new key');
		problem(await ask('/conversations', before), 401);
	});
});

describe('without a key', () => {
	test('none is served, unless it is asked for', async () => {
		for (const flags of [['--insecure=false'], ['--jwt-key-file', ''], ['--jwt-key-file', ',']]) {
			const gateway = await start_gateway(flags, { wait: false });
			assert.equal(await gateway.exited, 1, flags.join(' '));
		}
		const gateway = await start_gateway([]);
		assert.match(gateway.log, /event=no_key/);
		assert.equal(await gateway.stop(), 0);
	});
	test('what a browser may be made to send is refused', async () => {
		const gateway = await start_gateway([]);
		const status = async (lines, method = 'GET') => Number((await raw(`${method} /conversations?limit=1 HTTP/1.1\r\nConnection: close\r\n${lines.join('\r\n')}\r\n\r\n`,
			{ base: gateway.base })).slice(9, 12));
		const own = `127.0.0.1:${gateway.port}`;
		for (const host of [own, '127.0.0.1', 'localhost', `LOCALHOST:${gateway.port}`, 'a', '[::1]:80', '192.0.2.1'])
			assert.equal(await status([`Host: ${host}`]), 200, host);
		for (const host of ['example.org', `example.org:${gateway.port}`, '127.0.0.1.example.org', 'localhost.example.org'])
			assert.equal(await status([`Host: ${host}`]), 403, host);
		for (const line of ['Sec-Fetch-Site: none', 'Sec-Fetch-Site: same-origin', `Origin: http://${own}`])
			assert.equal(await status([`Host: ${own}`, line]), 200, line);
		for (const line of ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Site: same-site', 'Origin: null', 'Origin: https://example.org', `Origin: http://x${own}`, `Origin: http://127.0.0.1:1`])
			assert.equal(await status([`Host: ${own}`, line]), 403, line);
		await gateway.stop();
		const open = await start_gateway(['--cors-origin', 'https://example.org']);
		assert.equal((await request('/conversations', { base: open.base, headers: { origin: 'https://example.org' } })).status, 200);
		assert.equal((await request('/conversations', { base: open.base, headers: { origin: 'https://example.com' } })).status, 403);
		await open.stop();
	});
	test('a secret that others may read is warned of', async () => {
		const secret = file('open_secret', randomBytes(32).toString('hex'));
		for (const [mode, warned] of [[0o644, true], [0o600, false], [0o620, true]]) {
			chmodSync(secret, mode);
			const gateway = await start_gateway(['--jwt-key-file', `HS256:${secret}`]);
			await gateway.stop();
			assert.equal(/event=key_exposed/.test(gateway.log), warned, mode.toString(8));
		}
	});
});

describe('limits', () => {
	test('--connection-limit: the next connection is told and closed', async () => {
		const gateway = await start_gateway(['--connection-limit', '5']);
		const sockets = [];
		let refusal = '';
		await until(() => {
			const socket = net.connect(gateway.port, '127.0.0.1');
			socket.on('data', (chunk) => { refusal += chunk; }).on('error', () => {});
			sockets.push(socket);
			return refusal.includes('Too many connections');
		}, 'the refusal');
		assert.match(refusal, /^HTTP\/1\.1 503 /);
		const [, body] = refusal.split('\r\n\r\n');
		assert.equal(JSON.parse(body.slice(0, Number(refusal.match(/Content-Length: (\d+)/)[1]))).status, 503);
		sockets.forEach((socket) => socket.destroy());
		await until(async () => (await request('/health', { base: gateway.base }).catch(() => ({}))).status === 200, 'room again');
		await gateway.stop();
	});
	test('the bucket of an application empties, and says when to come again; who cannot be named has none', async () => {
		const { token } = (await request('/applications', { method: 'POST', body: { name: 'limited' } })).json;
		const gateway = await start_gateway(['--rate-limit', '1', '--rate-burst', '3']);
		const ask = () => request(`/applications/${token}`, { base: gateway.base });
		const answers = [];
		await until(async () => { answers.push(await ask()); return answers.at(-1).status !== 200; }, 'the bucket to be empty');
		// Each takes one away, and each second that it took brings one back.
		const remaining = answers.map((answer) => Number(answer.headers.get('ratelimit-remaining')));
		assert.ok(answers.length > 3 && remaining[0] === 2 && remaining.at(-1) === 0, `${remaining}`);
		assert.ok(remaining.slice(1, -1).every((left, i) => left >= remaining[i] - 1 && left <= 2), `${remaining}`);
		problem(answers.at(-1), 429, 'PY429');
		assert.equal(answers.at(-1).headers.get('ratelimit-limit'), '3');
		for (let i = 0; i < 10; i++) assert.equal((await request('/conversations', { base: gateway.base })).status, 200);
		await until(async () => (await ask()).status === 200, 'a refill');
		await gateway.stop();
	});
});

describe('other origins', () => {
	let gateway;
	before(async () => { gateway = await start_gateway(['--cors-origin', 'https://a.example, https://b.example']); });
	after(() => gateway.stop());
	const ask = (path, method, origin) => request(path, { base: gateway.base, method, headers: origin ? { origin } : {} });

	test('a listed origin may call and read the headers', async () => {
		const { headers } = await ask('/conversations', 'GET', 'https://b.example');
		assert.equal(headers.get('access-control-allow-origin'), 'https://b.example');
		assert.match(headers.get('access-control-expose-headers'), /Link/);
		assert.match(headers.get('vary'), /Origin/);
		assert.equal((await ask('/nowhere', 'GET', 'https://a.example')).headers.get('access-control-allow-origin'), 'https://a.example');
	});
	test('another one may not', async () => {
		for (const origin of ['https://c.example', 'https://a.example.org', 'https://a', 'null', undefined])
			assert.equal((await ask('/conversations', 'GET', origin)).headers.get('access-control-allow-origin'), null);
	});
	test('OPTIONS says what a path knows', async () => {
		const preflight = await ask('/conversations', 'OPTIONS', 'https://a.example');
		assert.equal(preflight.status, 204);
		assert.equal(preflight.headers.get('allow'), 'GET, HEAD, OPTIONS');
		assert.equal(preflight.headers.get('access-control-allow-methods'), 'GET, HEAD, OPTIONS');
		assert.match(preflight.headers.get('access-control-allow-headers'), /Idempotency-Key/);
		assert.equal((await ask('/conversations', 'OPTIONS', 'https://c.example')).headers.get('access-control-allow-methods'), null);
		assert.equal((await ask('/nowhere', 'OPTIONS', 'https://a.example')).status, 404);
		assert.equal((await request('/conversations', { method: 'OPTIONS' })).status, 405);
	});
	test('a star lets everyone in', async () => {
		const open = await start_gateway(['--cors-origin', '*']);
		assert.equal((await request('/conversations', { base: open.base, headers: { origin: 'https://x.example' } })).headers.get('access-control-allow-origin'), '*');
		await open.stop();
	});
});

describe('the role of the gateway', () => {
	// As the role with which parleyd logs in, without a gateway in between.
	const as_gateway = (statement) => {
		try {
			sql(`SET SESSION AUTHORIZATION parley_gateway; ${statement}`);
			return 'allowed';
		} catch (error) {
			return String(error.stderr).match(/permission denied[^\n]*/)?.[0] ?? String(error.stderr);
		}
	};
	test('reads no table but the routes', () => {
		const tables = sql(`SELECT string_agg(format('%I.%I', n.nspname, c.relname), ' ') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'parley' AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relname NOT IN ('routes', 'closed_routes')`).split(' ');
		assert.ok(tables.length > 5);
		for (const table of tables)
			assert.match(as_gateway(`SELECT 1 FROM ${table} LIMIT 0`), /^permission denied/, table);
		for (const statement of ['INSERT INTO parley.routes DEFAULT VALUES', 'UPDATE parley.routes SET auth = auth', 'DELETE FROM parley.routes'])
			assert.match(as_gateway(statement), /^permission denied/, statement);
		assert.equal(as_gateway('SELECT 1 FROM parley.routes'), 'allowed');
	});
	test('calls no function that is no route', () => {
		const allowed = sql(`SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
			WHERE n.nspname = 'parley' AND has_function_privilege('parley_gateway', p.oid, 'EXECUTE')
			AND NOT EXISTS (SELECT FROM parley.routes r WHERE to_regproc(r.function) = p.oid)
			AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_constraint c ON d.classid = 'pg_constraint'::regclass AND d.objid = c.oid
				WHERE d.refobjid = p.oid AND c.contypid <> 0)`); // functions that a domain's check calls
		assert.deepEqual(allowed.split(' '), ['argument_bounds', 'await_wakeups', 'base_type', 'conjuncts', 'describe_routes', 'openapi_columns', 'openapi_marks', 'openapi_nullable', 'openapi_shape', 'openapi_type', 'refused_values', 'route_function']);
	});
	test('sees no other schema', () => {
		sql('DROP SCHEMA IF EXISTS gateway_secret CASCADE; CREATE SCHEMA gateway_secret; CREATE TABLE gateway_secret.t (); CREATE FUNCTION gateway_secret.f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$');
		assert.match(as_gateway('SELECT gateway_secret.f()'), /^permission denied for schema/);
		assert.match(as_gateway('SELECT FROM gateway_secret.t'), /^permission denied for schema/);
		assert.match(as_gateway('CREATE TABLE public.t ()'), /^permission denied for schema/);
		assert.match(as_gateway('CREATE SCHEMA s'), /^permission denied for database/);
		sql('DROP SCHEMA gateway_secret CASCADE');
	});
});
