// Operating the gateway: settings, logs, metrics, listeners, TLS, reload, drain. Each test has its own gateway.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { create_fixture, drop_fixture, problem, raw, request, root, sql, start_gateway, until } from '../support/gateway.mjs';
import { Session } from '../support/psql_session.mjs';

const directory = mkdtempSync(join(tmpdir(), 'parley-operation-'));
const program = process.env.PARLEYD ?? join(root, 'gateway', 'parleyd');
const run = (...args) => spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, PGUSER: 'parley_gateway', PARLEY_INSECURE: 'true' } });

before(() => create_fixture());
after(async () => { await drop_fixture(); rmSync(directory, { recursive: true }); });

// Makes one request with node's own client, which supports unix sockets and TLS.
const get = (options) => new Promise((resolve, reject) => {
	const module = options.protocol === 'https:' ? https : http;
	module.get({ agent: false, ...options }, (response) => {
		const chunks = [];
		response.on('data', (chunk) => chunks.push(chunk));
		response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks),
			socket: response.socket, subject: response.socket.getPeerCertificate?.().subject?.CN }));
	}).on('error', reject);
});

describe('settings', () => {
	test('--help names the flags, --version the version', () => {
		const help = run('--help');
		assert.equal(help.status, 0);
		for (const flag of ['--listen', '--database-url', '--jwt-key-file', '--queue-limit', '--check'])
			assert.ok(help.stdout.includes(flag), flag);
		assert.match(run('--version').stdout, /^parleyd \d+\.\d+/);
	});
	test('--check reads the routes and ends', () => {
		const good = run('--check');
		assert.equal(good.status, 0, good.stderr);
		assert.match(good.stdout, /^parleyd: (\d+) of \1 routes understood$/m);
		assert.equal(run('--check', '--database-url', 'host=/nowhere').status, 1);
		assert.equal(run('--check', '--jwt-key-file', '/nowhere').status, 1);
	});
	test('a route whose function is overloaded or gone is told, by --check and in the log, and the others are served', async () => {
		sql(`CREATE FUNCTION gateway_test.lone() RETURNS int LANGUAGE sql RETURN 1; SELECT parley.add_route('GET', '/test/lone', 'gateway_test.lone', 'operator')`);
		const gateway = await start_gateway();
		assert.equal((await request('/test/lone', { base: gateway.base })).status, 200);
		for (const [change, reason] of [[`CREATE FUNCTION gateway_test.lone(n int) RETURNS int LANGUAGE sql RETURN n`, 'there are several functions gateway_test.lone'],
			[`DROP FUNCTION gateway_test.lone(); DROP FUNCTION gateway_test.lone(int)`, 'there is no function gateway_test.lone']]) {
			sql(`${change}; NOTIFY parley_routes`);
			const checked = run('--check');
			assert.equal(checked.status, 1);
			assert.ok(checked.stderr.includes(`parleyd: GET /test/lone is not served: ${reason}\n`), checked.stderr);
			const [, understood, all] = checked.stdout.match(/^parleyd: (\d+) of (\d+) routes understood$/m);
			assert.equal(Number(understood), Number(all) - 1);
			await until(() => gateway.log.includes(`event=route_not_served method=GET path="/test/lone" reason="${reason}"`), 'the line in the log');
			await until(async () => (await request('/test/lone', { base: gateway.base })).status === 404, 'the route to go');
			assert.equal((await request('/test/list', { base: gateway.base })).status, 200);
		}
		sql(`DELETE FROM parley.routes WHERE path = '/test/lone'`);
		assert.equal(run('--check').status, 0);
		await gateway.stop();
	});
	test('what is wrong is said, and nothing starts', () => {
		for (const args of [['--queue-limit', 'x'], ['--nonsense'], ['stray'], ['--listen', 'nowhere'], ['--tls-cert-file', '/nowhere']]) {
			const { status, stderr } = run(...args);
			assert.equal(status, 1, args.join(' '));
			assert.ok(stderr.length > 0);
		}
	});
	test('a number outside its range is refused with the name of its flag', () => {
		for (const [flag, value] of [['--listen', '127.0.0.1:183235'], ['--listen', '127.0.0.1:65536'], ['--listen', '127.0.0.1:-1'], ['--listen', '127.0.0.1:'],
			['--listen', '127.0.0.1:http'], ['--listen', '127.0.0.1:8080 127.0.0.1:99999'], ['--admin-listen', '[::1]:70000'], ['--threads', '257'], ['--queue-limit', '0'], ['--queue-limit', '99999999999999999999'], ['--send-timeout-ms', '-1']]) {
			for (const { status, stderr } of [run(flag, value), run('--check', flag, value)]) {
				assert.equal(status, 1, `${flag} ${value}`);
				assert.ok(stderr.startsWith(`parleyd: ${flag} is "`), stderr);
			}
		}
		const { status, stderr } = spawnSync(program, ['--check'], { encoding: 'utf8', env: { ...process.env, PARLEY_THREADS: 'x' } });
		assert.equal(status, 1);
		assert.match(stderr, /^parleyd: PARLEY_THREADS is "x", it must be a whole number from 0 to 256$/m);
	});
	test('the documentation has every setting with its default', () => {
		const page = readFileSync(join(root, 'docs/gateway.md'), 'utf8');
		const settings = [...run('--help').stdout.matchAll(/^  (--[a-z-]+)(?: [^ ]+)? .*\(default (.*)\)$/gm)];
		assert.ok(settings.length > 25);
		for (const [, flag, fallback] of settings)
			assert.ok(page.includes(`| \`${flag}\` | \`${fallback}\` |`), `${flag} ${fallback}`);
	});
	test('an address that is taken is told', async () => {
		const gateway = await start_gateway();
		const { status, stderr } = run('--listen', `127.0.0.1:${gateway.port}`);
		assert.equal(status, 1);
		assert.match(stderr, /Address already in use/);
		await gateway.stop();
	});
});

describe('logs', () => {
	test('have one line a request, with what is needed and nothing personal', async () => {
		const gateway = await start_gateway();
		await request('/test/echo/secret-word?number=41', { base: gateway.base, headers: { 'x-request-id': 'log-1', authorization: 'Bearer secret-token' } });
		await request('/test/makes', { base: gateway.base, method: 'POST', body: { word: 'secret-body' }, headers: { 'x-request-id': 'log-2' } });
		await request('/nowhere/secret-path', { base: gateway.base, headers: { 'x-request-id': 'log-3' } });
		await gateway.stop();
		const line = (id) => gateway.log.split('\n').filter((text) => text.includes(`id=${id} `));
		assert.equal(line('log-1').length, 1);
		assert.match(line('log-1')[0], /^time=\S+Z level=info event=request id=log-1 method=GET route=\/test\/echo\/\{word\} status=200 rows=1 bytes=\d+ total_us=\d+ database_us=[1-9]\d*$/);
		assert.match(line('log-2')[0], /method=POST route=\/test\/makes status=200/);
		assert.match(line('log-3')[0], /route=- status=404/);
		assert.ok(!gateway.log.includes('secret'));
	});
	test('cannot be forged', async () => {
		const gateway = await start_gateway();
		await raw('GE"T\tx /x%0Alevel=error HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\tlevel=error\r\nConnection: close\r\n\r\n', { base: gateway.base });
		await raw('GET /x%0Alevel=error HTTP/1.1\r\nHost: a\r\nX-Request-Id: a level=error\r\nConnection: close\r\n\r\n', { base: gateway.base });
		await gateway.stop();
		assert.ok(!gateway.log.includes('level=error'), gateway.log);
	});
	test('a failure inside is told in the log alone', async () => {
		const gateway = await start_gateway();
		await request('/test/failures/XX000', { base: gateway.base, headers: { 'x-request-id': 'log-4' } });
		await gateway.stop();
		assert.match(gateway.log, /level=error event=statement_failed id=log-4 route=\/test\/failures\/\{state\} code=XX000 reason="it failed"/);
	});
});

describe('answers', () => {
	test('say how long they waited and for what', async () => {
		const timing = (await request('/test/list')).headers.get('server-timing');
		assert.match(timing, /^queue;dur=\d+\.\d{3}, db;dur=\d+\.\d{3}$/);
	});
});

describe('metrics', () => {
	test('count requests by route and time them', async () => {
		const gateway = await start_gateway(['--threads', '2', '--write-connections', '0']);
		const ask = (path) => request(path, { base: gateway.base });
		const metrics = async () => (await get({ host: '127.0.0.1', port: gateway.port, path: '/metrics' }));
		for (let i = 0; i < 5; i++) await ask(`/test/echo/${i}`);
		await ask('/test/failures/PY409');
		await ask('/nowhere');
		// A request is counted once its response has been sent, and the other thread may tell of it before that.
		for (const line of ['parley_http_requests_total{method="GET",route="/test/echo/{word}",status="200"} 5',
			'parley_http_requests_total{method="GET",route="/test/failures/{state}",status="409"} 1', 'parley_http_requests_total{method="",route="",status="404"} 1',
			'parley_http_request_duration_seconds_count{method="GET",route="/test/echo/{word}"} 5', 'parley_database_connections_ready{pool="write"} 16'])
			await until(async () => (await metrics()).body.toString().includes(`${line}\n`), line);
		const { body, headers } = await metrics();
		assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
		for (const line of body.toString().trimEnd().split('\n'))
			assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z]+="[^"]*",?)+\})? [0-9.e+-]+)$/);
		await gateway.stop();
	});
});

describe('listeners', () => {
	test('the admin\'s has what the server says of itself, the public one all else', async () => {
		const path = join(directory, 'admin.sock');
		const gateway = await start_gateway(['--admin-listen', `unix:${path}`], { wait: false });
		const admin = (target) => get({ socketPath: path, path: target });
		await until(async () => (await admin('/ready').catch(() => ({}))).status === 200, 'the gateway');
		for (const target of ['/health', '/ready', '/metrics', '/openapi.json']) {
			assert.equal((await admin(target)).status, 200);
			problem(await request(target, { base: gateway.base }), 404);
		}
		assert.equal((await admin('/test/list')).status, 404);
		assert.equal((await request('/test/list', { base: gateway.base })).status, 200);
		assert.equal(await gateway.stop(), 0);
		assert.ok(!existsSync(path));
	});
	test('a unix socket is served, and one that nobody serves any more is taken over', async () => {
		const path = join(directory, 'public.sock');
		for (let i = 0; i < 2; i++) {
			const gateway = await start_gateway(['--listen', `unix:${path}`], { wait: false });
			await until(async () => (await get({ socketPath: path, path: '/ready' }).catch(() => ({}))).status === 200, 'the gateway');
			assert.equal((await get({ socketPath: path, path: '/test/list' })).status, 200);
			await gateway.stop('SIGKILL');
			assert.ok(existsSync(path));
		}
	});
});

describe('TLS', () => {
	const certificate = (name) => {
		execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
			'-keyout', join(directory, `${name}.key`), '-out', join(directory, `${name}.crt`)], { stdio: 'ignore' });
		copyFileSync(join(directory, `${name}.key`), join(directory, 'server.key'));
		copyFileSync(join(directory, `${name}.crt`), join(directory, 'server.crt'));
	};
	test('is spoken, offers HTTP/1.1 alone, and takes a new certificate', async () => {
		certificate('first');
		const gateway = await start_gateway(['--tls-cert-file', join(directory, 'server.crt'), '--tls-key-file', join(directory, 'server.key')], { wait: false });
		const ask = (path) => get({ protocol: 'https:', host: '127.0.0.1', port: gateway.port, path, rejectUnauthorized: false });
		await until(async () => (await ask('/ready').catch(() => ({}))).status === 200, 'the gateway');
		assert.equal((await ask('/test/list')).status, 200);
		const protocol = await new Promise((resolve, reject) => {
			const socket = tls.connect({ host: '127.0.0.1', port: gateway.port, rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] },
				() => { resolve(socket.alpnProtocol); socket.destroy(); }).on('error', reject);
		});
		assert.equal(protocol, 'http/1.1');
		certificate('second');
		gateway.child.kill('SIGHUP');
		await until(async () => (await ask('/health')).subject === 'second', 'the new certificate');
		assert.equal(await gateway.stop(), 0);
	});
});

describe('TLS 1.2', () => {
	test('is spoken with forward secrecy alone', async () => {
		const key = join(directory, 'rsa.key'), crt = join(directory, 'rsa.crt');
		execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=rsa', '-keyout', key, '-out', crt], { stdio: 'ignore' });
		const gateway = await start_gateway(['--tls-cert-file', crt, '--tls-key-file', key], { wait: false });
		const speak = (options) => new Promise((resolve) => {
			const socket = tls.connect({ host: '127.0.0.1', port: gateway.port, rejectUnauthorized: false, ...options },
				() => { resolve(`${socket.getProtocol()} ${socket.getCipher().name}`); socket.destroy(); }).on('error', (error) => resolve(error.code));
		});
		await until(async () => (await speak({})).startsWith('TLSv1.3 '), 'the gateway');
		assert.equal(await speak({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }), 'TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256');
		for (const ciphers of ['AES128-GCM-SHA256', 'AES256-SHA', 'ECDHE-RSA-AES128-SHA'])
			assert.doesNotMatch(await speak({ maxVersion: 'TLSv1.2', ciphers }), /^TLSv/, ciphers);
		assert.doesNotMatch(await speak({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }), /^TLSv/);
		assert.equal(await gateway.stop(), 0);
	});
});

describe('reload', () => {
	test('a route that comes or goes is known without a restart', async () => {
		const gateway = await start_gateway();
		sql(`SELECT parley.add_route('GET', '/test/later', 'gateway_test.list', 'operator')`);
		await until(async () => (await request('/test/later', { base: gateway.base })).status === 200, 'the new route');
		sql(`DELETE FROM parley.routes WHERE path = '/test/later'`);
		await until(async () => (await request('/test/later', { base: gateway.base })).status === 404, 'its end');
		await gateway.stop();
	});
	test('no request fails while routes are read again and again', async () => {
		const gateway = await start_gateway(['--threads', '2']);
		let done = false;
		const failures = [];
		const clients = Array.from({ length: 8 }, async () => {
			while (!done) {
				const { status } = await request('/test/echo/x', { base: gateway.base });
				if (status !== 200) failures.push(status);
			}
		});
		const loads = () => gateway.log.split('event=routes_loaded').length;
		for (let i = 0; i < 20; i++) {
			const before = loads();
			if (i % 2) sql('NOTIFY parley_routes');
			else gateway.child.kill('SIGHUP');
			await until(() => loads() > before, 'a reload');
		}
		done = true;
		await Promise.all(clients);
		assert.deepEqual(failures, []);
		await gateway.stop();
	});
	test('a flood of notifications makes few reloads, and the last is heeded', async () => {
		const gateway = await start_gateway();
		const loads = () => gateway.log.split('event=routes_loaded').length - 1;
		await until(() => loads() > 0, 'the routes');
		const before = loads(), started = Date.now();
		execFileSync('psql', ['-Xq'], { input: 'NOTIFY parley_routes;\n'.repeat(1000), env: { ...process.env, PGUSER: 'postgres' } });
		sql(`SELECT parley.add_route('GET', '/test/last', 'gateway_test.list', 'operator')`);
		await until(async () => (await request('/test/last', { base: gateway.base })).status === 200, 'the last route');
		assert.ok(loads() - before <= 2 + (Date.now() - started) / 400, `${loads() - before} reloads`);
		sql(`DELETE FROM parley.routes WHERE path = '/test/last'`);
		await gateway.stop();
	});
	test('a function that answers otherwise than before is followed', async () => {
		sql(`CREATE FUNCTION gateway_test.shape() RETURNS TABLE (a int) LANGUAGE sql AS 'SELECT 1'; SELECT parley.add_route('GET', '/test/shape', 'gateway_test.shape', 'operator')`);
		await until(async () => (await request('/test/shape')).status === 200, 'the route');
		assert.deepEqual((await request('/test/shape')).json, [{ a: 1 }]);
		sql(`DROP FUNCTION gateway_test.shape(); CREATE FUNCTION gateway_test.shape() RETURNS TABLE (b text) LANGUAGE sql AS $$ SELECT 'x' $$;
			GRANT EXECUTE ON FUNCTION gateway_test.shape() TO parley_gateway`);
		for (let i = 0; i < 20; i++) assert.equal((await request('/test/shape')).text, '[{"b":"x"}]');
	});
});

describe('drain', () => {
	const patient = ['--statement-timeout-ms', '120000', '--request-timeout-ms', '120000'];
	test('SIGTERM finishes what is under way, and takes nothing new', async (t) => {
		const gateway = await start_gateway([...patient, '--drain-timeout-ms', '120000']);
		const lock = new Session({ PGUSER: 'postgres' });
		t.after(() => lock.close());
		for (const statement of ['BEGIN', 'LOCK TABLE gateway_test.writes']) assert.equal(await lock.statement(statement), '00000');
		const slow = request('/test/records', { base: gateway.base, method: 'POST', body: { word: 'drain' } });
		await until(() => sql(`SELECT count(*) FROM pg_stat_activity WHERE application_name = 'parleyd' AND wait_event_type = 'Lock' AND query LIKE '%gateway_test.record(%'`) === '1', 'the request');
		const ended = gateway.stop();
		await until(() => new Promise((resolve) => net.connect(gateway.port, '127.0.0.1').on('connect', function () { this.destroy(); resolve(false); }).on('error', () => resolve(true))), 'the listener to close');
		assert.equal(await lock.statement('COMMIT'), '00000');
		const answer = await slow;
		assert.equal(answer.status, 201);
		assert.equal(answer.headers.get('connection'), 'close');
		assert.equal(await ended, 0);
		assert.equal(sql(`SELECT count(*) FROM gateway_test.writes WHERE word = 'drain'`), '1');
	});
	test('idle connections do not hold it up', async () => {
		const gateway = await start_gateway(['--drain-timeout-ms', '3600000', '--client-timeout-ms', '3600000']);
		const socket = net.connect(gateway.port, '127.0.0.1');
		await new Promise((resolve) => socket.on('connect', resolve));
		gateway.child.kill();
		await until(() => gateway.child.exitCode !== null, 'its end');
		assert.equal(gateway.child.exitCode, 0);
		socket.destroy();
	});
	test('what takes longer than the bound is told so', async () => {
		const gateway = await start_gateway([...patient, '--drain-timeout-ms', '300']);
		const slow = request('/test/wait?seconds=30', { base: gateway.base });
		await until(() => sql(`SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%gateway_test.wait(%' AND pid <> pg_backend_pid()`) === '1', 'the request');
		assert.equal(await gateway.stop(), 0);
		problem(await slow, 503);
	});
});

describe('replicas', () => {
	test('answer reads while they are there, and the primary does when they are not', async () => {
		const { PGHOST, PGPORT, PGDATABASE } = process.env;
		const replica = `host=${PGHOST} port=${PGPORT} dbname=${PGDATABASE} user=parley_gateway application_name=replica`;
		const gateway = await start_gateway(['--read-database-url', replica]);
		const replicas = () => sql(`SELECT count(*) FROM pg_stat_activity WHERE application_name = 'replica' AND query LIKE '%gateway_test.list(%'`);
		await until(async () => { await request('/test/list', { base: gateway.base }); return replicas() !== '0'; }, 'reads on the replica');
		await gateway.stop();
		const alone = await start_gateway(['--read-database-url', 'host=/nowhere']);
		assert.equal((await request('/test/list', { base: alone.base })).status, 200);
		await alone.stop();
	});
});

describe('a replica that is in its own way', () => {
	test('does not fail a read: the primary is asked, and its conflict is 503', async () => {
		sql(`CREATE FUNCTION gateway_test.replay(word text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
				IF word = 'both' OR current_setting('application_name') = 'replica' THEN
					RAISE 'canceling statement due to conflict with recovery' USING ERRCODE = '40001';
				END IF;
				RETURN current_setting('application_name'); END $$;
			SELECT parley.add_route('GET', '/test/replay/{word}', 'gateway_test.replay', 'operator')`);
		const { PGHOST, PGPORT, PGDATABASE } = process.env;
		const gateway = await start_gateway(['--read-database-url', `host=${PGHOST} port=${PGPORT} dbname=${PGDATABASE} user=parley_gateway application_name=replica`]);
		const replicas = () => sql(`SELECT count(*) FROM pg_stat_activity WHERE application_name = 'replica' AND query LIKE '%gateway_test.replay(%'`);
		await until(async () => {
			const answer = await request('/test/replay/one', { base: gateway.base });
			assert.deepEqual([answer.status, answer.text], [200, '{"replay":"parleyd"}']);
			return replicas() !== '0';
		}, 'reads on the replica');
		problem(await request('/test/replay/both', { base: gateway.base }), 503, '40001');
		await gateway.stop();
	});
});

describe('several hosts', () => {
	test('the one that takes writes is found', async () => {
		const { PGHOST, PGPORT, PGDATABASE } = process.env;
		const gateway = await start_gateway(['--database-url', `host=/nowhere,${PGHOST} port=5432,${PGPORT} dbname=${PGDATABASE} user=parley_gateway`]);
		assert.equal((await request('/test/makes', { base: gateway.base, method: 'POST', body: { word: 'new' } })).status, 201);
		await gateway.stop();
	});
	test('one that takes none is not used', async () => {
		sql(`ALTER ROLE parley_gateway SET default_transaction_read_only = on`);
		try {
			const gateway = await start_gateway([], { wait: false });
			await until(() => /session is read-only/.test(gateway.log), 'the refusal');
			problem(await until(() => request('/ready', { base: gateway.base }).catch(() => null), 'an answer'), 503);
			await gateway.stop();
		} finally {
			sql(`ALTER ROLE parley_gateway RESET default_transaction_read_only`);
		}
	});
});

describe('the service', () => {
	test('systemd is told of readiness and of the end', async () => {
		const path = join(directory, 'notify.sock');
		const messages = [];
		const listener = spawn('perl', ['-MIO::Socket::UNIX', '-e', `$| = 1; my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die;
			print "bound\\n"; while (defined $s->recv(my $m, 256)) { print "$m\\n" }`, path]);
		listener.stdout.setEncoding('utf8').on('data', (chunk) => messages.push(...chunk.trim().split('\n')));
		await until(() => messages.includes('bound'), 'the listener');
		const gateway = await start_gateway([], { env: { NOTIFY_SOCKET: path } });
		await until(() => messages.includes('READY=1'), 'READY=1');
		await gateway.stop();
		await until(() => messages.includes('STOPPING=1'), 'STOPPING=1');
		listener.kill();
	});
});
