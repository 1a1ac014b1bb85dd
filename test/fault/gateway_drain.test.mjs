// A busy gateway is told to end, behind nginx and next to another one. No client notices, and whatever was acknowledged is there.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { create_fixture, drop_fixture, sql, start_gateway, until } from '../support/gateway.mjs';
import { Client } from '../support/client.mjs';
import { startNginx } from '../support/gateways.mjs';

before(() => create_fixture());
after(drop_fixture);

for (let trial = 1; trial <= 3; trial++) test(`SIGTERM under load fails no request, trial ${trial}`, async (t) => {
	const gateways = [await start_gateway(['--threads', '2']), await start_gateway(['--threads', '2'])];
	const nginx = await startNginx(t, gateways.map((gateway) => `127.0.0.1:${gateway.port}`));
	const acknowledged = [];
	const failures = [];
	let done = false;
	const load = Array.from({ length: 12 }, async (_, n) => {
		const client = new Client(nginx.url, { ca: nginx.ca });
		t.after(() => client.close());
		for (let i = 0; !done; i++) {
			const word = randomUUID();
			const answer = n % 2 ? await client.request('GET /test/list') : await client.request('POST /test/records', { word, seconds: 0.02 }, { 'idempotency-key': word });
			if (n % 2 ? answer.status !== 200 : answer.status !== 201) failures.push([answer.status, answer.body]);
			else if (n % 2 === 0) acknowledged.push(word);
		}
	});
	await until(() => acknowledged.length >= 60 || failures.length > 0, 'some load');
	assert.equal(await gateways[0].stop(), 0);
	const reached = acknowledged.length + 60;
	await until(() => acknowledged.length >= reached || failures.length > 0, 'load on the other');
	done = true;
	await Promise.all(load);
	assert.deepEqual(failures, []);
	assert.equal(sql(`SELECT count(DISTINCT word) FROM gateway_test.writes WHERE word IN (${acknowledged.map((word) => `'${word}'`)})`), String(acknowledged.length));
	await gateways[1].stop();
});
