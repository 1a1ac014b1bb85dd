// PostgreSQL is slow, frozen, killed and full under the gateway. Each client is told what is known about its request, and service
// resumes by itself. Statements that read, or have an idempotency key, survive the loss of their connection.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { create_fixture, drop_fixture, hold, problem, request, held_backends, sql, start_gateway, until } from '../support/gateway.mjs';

before(() => create_fixture());
after(drop_fixture);

const backends = () => sql(`SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE application_name = 'parleyd' AND pid <> pg_backend_pid()`).split(' ').map(Number);
const is_running = (pid) => { try { process.kill(pid, 0); return true; } catch { return false; } };
const written = (word) => sql(`SELECT count(*) FROM gateway_test.writes WHERE word = '${word}'`);
const record = (gateway, word, { held = false, key } = {}) => request('/test/records', { base: gateway.base, method: 'POST', body: { word, held }, headers: key ? { 'idempotency-key': key } : {} });

test('a statement that takes too long is 504, and its connection goes on', async () => {
	const gateway = await start_gateway(['--statement-timeout-ms', '1500', '--read-connections', '1']);
	const [slow, next] = await Promise.all([request('/test/wait?seconds=600', { base: gateway.base }), request('/test/list', { base: gateway.base })]);
	problem(slow, 504, '57014');
	assert.equal(next.status, 200);
	assert.doesNotMatch(gateway.log, /connection_lost/);
	await gateway.stop();
});

test('waiting too long for a connection is 504, and nothing is done', async (t) => {
	const release = await hold(t);
	const gateway = await start_gateway(['--write-connections', '1', '--acquire-timeout-ms', '200']);
	const first = record(gateway, 'holder', { held: true });
	await held_backends('record');
	assert.equal(problem(await record(gateway, 'waiter'), 504).outcome, 'known');
	await release();
	assert.equal((await first).status, 201);
	assert.equal(written('waiter'), '0');
	await gateway.stop();
});

test('a write in one\'s way does not hold up reads or other writes', async (t) => {
	const release = await hold(t);
	const gateway = await start_gateway(['--write-connections', '2', '--read-connections', '1']);
	const slow = record(gateway, 'slow', { held: true });
	await held_backends('record');
	for (let i = 0; i < 10; i++) {
		assert.equal((await request('/test/list', { base: gateway.base })).status, 200);
		assert.equal((await record(gateway, 'quick')).status, 201);
	}
	assert.equal(written('slow'), '0');
	await release();
	assert.equal((await slow).status, 201);
	await gateway.stop();
});

test('a read whose connection is ended is run again, unnoticed', async (t) => {
	const release = await hold(t);
	const gateway = await start_gateway();
	const read = request('/test/wait?held=true', { base: gateway.base });
	sql(`SELECT pg_terminate_backend(${await held_backends('wait')})`);
	await release();
	assert.equal((await read).status, 200);
	await gateway.stop();
});

test('a write that PostgreSQL says it did not do is run again, with a key or without', async (t) => {
	const gateway = await start_gateway();
	for (const key of [undefined, randomUUID()]) {
		const release = await hold(t);
		const word = `ended ${key}`;
		const write = record(gateway, word, { held: true, key });
		sql(`SELECT pg_terminate_backend(${await held_backends('record')})`);
		await release();
		assert.equal((await write).status, 201);
		assert.equal(written(word), '1');
	}
	await gateway.stop();
});

test('a killed server leaves the outcome unknown without a key, and is done once with one', async (t) => {
	const gateway = await start_gateway();
	for (let trial = 1; trial <= 3; trial++) {
		const [key, word] = [randomUUID(), `killed ${trial}`];
		const before = backends();
		await hold(t); // the session that holds them is killed as well
		const [without, with_key] = [record(gateway, word, { held: true }), record(gateway, `${word} with a key`, { held: true, key })];
		process.kill((await held_backends('record', 2))[0], 'SIGKILL');
		const lost = problem(await without, 503);
		assert.equal(lost.outcome, 'unknown');
		const repeated = await with_key;
		if (repeated.status !== 201) problem(repeated, 503); // the server may not be back yet
		// One process ends after another, and the gateway cannot know which one is next. But once all have ended, ready means
		// ready.
		await until(() => before.every((pid) => !is_running(pid)), 'the end of all');
		await until(async () => (await request('/ready', { base: gateway.base })).status === 200, 'service');
		assert.equal((await record(gateway, `${word}, after`)).status, 201);
		assert.equal(written(word), '0');
		assert.ok(Number(written(`${word} with a key`)) <= 1);
	}
	await gateway.stop();
});

test('a frozen server is 504 for who waits, and is served again when it thaws', async () => {
	const gateway = await start_gateway(['--statement-timeout-ms', '400', '--request-timeout-ms', '600', '--acquire-timeout-ms', '500']);
	const frozen = backends();
	const signal = (name) => frozen.forEach((pid) => { try { process.kill(pid, name); } catch { /* it has ended */ } });
	signal('SIGSTOP');
	try {
		let answers;
		Promise.all([request('/test/list', { base: gateway.base }), record(gateway, 'frozen'), request('/conversations', { base: gateway.base })])
			.then((all) => { answers = all; });
		await until(() => answers !== undefined, 'all to be answered');
		for (const answer of answers) problem(answer, 504);
		assert.equal(answers[1].json.outcome, 'unknown');
		assert.equal((await request('/health', { base: gateway.base })).status, 200);
		await until(() => gateway.log.includes('no response in time'), 'the connections to be given up');
	} finally {
		signal('SIGCONT');
	}
	await until(async () => (await request('/test/list', { base: gateway.base })).status === 200, 'service');
	await gateway.stop();
});

test('a server without a free connection is 503, and is served when there is one', async () => {
	sql('ALTER ROLE parley_gateway CONNECTION LIMIT 0');
	let gateway;
	try {
		gateway = await start_gateway([], { wait: false });
		await until(async () => (await fetch(`${gateway.base}/health`).catch(() => ({}))).status === 200, 'the gateway');
		await until(() => gateway.log.includes('too many connections'), 'the refusal');
		problem(await request('/test/list', { base: gateway.base }), 503);
		problem(await request('/ready', { base: gateway.base }), 503);
	} finally {
		sql('ALTER ROLE parley_gateway CONNECTION LIMIT -1');
	}
	await until(async () => (await request('/ready', { base: gateway.base })).status === 200, 'service');
	assert.equal((await request('/test/list', { base: gateway.base })).status, 200);
	await gateway.stop();
});

test('under load, ended connections fail no request that may be repeated', async () => {
	const gateway = await start_gateway(['--threads', '2']);
	let done = false;
	const statuses = new Map();
	const clients = Array.from({ length: 8 }, async (_, n) => {
		for (let i = 0; !done; i++) {
			const { status } = n % 2 ? await request('/test/list', { base: gateway.base }) : await record(gateway, `load ${n}`, { key: randomUUID() });
			statuses.set(status, (statuses.get(status) ?? 0) + 1);
		}
	});
	for (let i = 0; i < 15; i++) {
		const [victim] = backends().sort(() => Math.random() - 0.5);
		sql(`SELECT pg_terminate_backend(${victim})`);
		await until(() => !backends().includes(victim), 'its end');
	}
	done = true;
	await Promise.all(clients);
	assert.deepEqual([...statuses.keys()].sort(), [200, 201], JSON.stringify([...statuses]));
	await gateway.stop();
});
