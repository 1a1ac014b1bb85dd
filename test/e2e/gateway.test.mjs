// The gateway's HTTP contract, with functions of its own: routing, binding, responses, errors, framing.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { create_fixture, drop_fixture, problem, raw, request, sql, until, url } from '../support/gateway.mjs';

before(() => create_fixture());
after(drop_fixture);

const fields = (document) => document.errors.map((error) => error.field).sort();

describe('routing', () => {
	test('health and ready answer without the database having a say in the first', async () => {
		assert.deepEqual((await request('/health')).json, { status: 'ok' });
		assert.equal((await request('/ready')).status, 200);
	});
	test('an unknown path is 404, whatever it is made of', async () => {
		for (const path of ['/', '/nowhere', '/test', '/test/', '/test/list/', '//test/list', '/health/x', `/${'a/'.repeat(100)}`])
			problem(await request(path), 404, 'PY404');
	});
	test('dot segments are segments like any other', async () => {
		for (const path of ['/../health', '/test/../health', '/./health', '/%2e%2e/health', '/test/%2E/list'])
			assert.match(await raw(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 404 /);
		assert.match(await raw('GET /test/echo/.. HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /"word_":"\.\."/);
	});
	test('another method is 405, and Allow says which there are', async () => {
		const response = await request('/test/list', { method: 'DELETE' });
		problem(response, 405, 'PY405');
		assert.equal(response.headers.get('allow'), 'GET, HEAD');
		assert.equal((await request('/test/echo/x', { method: 'PATCH' })).headers.get('allow'), 'GET, HEAD, POST');
		assert.equal((await request('/health', { method: 'POST', body: {} })).status, 405);
	});
	test('HEAD answers as GET does, without the body', async () => {
		const get = await request('/test/list');
		const head = await request('/test/list', { method: 'HEAD' });
		assert.equal(head.status, 200);
		assert.equal(head.text, '');
		assert.equal(head.headers.get('content-length'), String(Buffer.byteLength(get.text)));
		assert.equal(head.headers.get('link'), get.headers.get('link'));
		assert.equal((await request('/nowhere', { method: 'HEAD' })).status, 404);
	});
	test('a segment is decoded by itself, so that an encoded slash does not separate', async () => {
		assert.equal((await request('/test/echo/a%2Fb')).json[0].word_, 'a/b');
		assert.equal((await request('/%74est/echo/a+b%20c')).json[0].word_, 'a+b c');
	});
	test('a literal segment goes before a parameter', async () => {
		problem(await request('/test/echo/literal'), 503, '25006');
	});
	test('a path that is not percent-encoded UTF-8 is 400', async () => {
		for (const path of ['/test/echo/%', '/test/echo/%4', '/test/echo/%zz', '/test/echo/%ff', '/nowhere/%c3%28', '/%ed%a0%80'])
			problem(await request(path), 400, 'PY400');
	});
	test('a target in any form that HTTP has leads where it says', async () => {
		const status = async (method, target) => (await raw(`${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).match(/^HTTP\/1\.1 (\d+) /)?.[1];
		for (const target of ['http://elsewhere/health', 'HTTPS://elsewhere:443/health', 'hTTp://[::1]:8080/health', 'http://elsewhere/health?'])
			assert.equal(await status('GET', target), '200', target);
		for (const target of ['http://elsewhere', 'http://a?bbbbbbbb=/x', 'http://a:80?/health', 'http://a/?http://b/health'])
			assert.equal(await status('GET', target), '404', target);
		for (const target of ['health', '*', 'elsewhere:80', 'ftp://a/health', 'http:///health', 'http://a@b/health', 'http://a:x/health', 'http://[::1/health', '/health#x', 'http://a#/health'])
			assert.equal(await status('GET', target), '400', target);
		assert.equal(await status('CONNECT', 'elsewhere:80'), '400');
		assert.match(await raw('OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 204 [^]*\r\nallow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n/i);
	});
});

describe('query parameters', () => {
	test('each is bound by its type, and an absent one takes its default', async () => {
		const query = new URLSearchParams({ big: '-9223372036854775808', flag: 'true', at: '2024-02-29T12:00:00.25+01:00',
			tags: '["a","b\\"{,}\\\\",null]', numbers: '[1,-2]', data: '{"x":[1.50,null]}', share: '100', even: '4',
			identity: 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' });
		const { json } = await request(`/test/echo/w?${query}`);
		assert.deepEqual(json, [{ word_: 'w', number_: 7, big_: -(2 ** 63), flag_: true,
			at_: '2024-02-29T11:00:00.25Z', tags_: ['a', 'b"{,}\\', null], numbers_: [1, -2], data_: { x: [1.5, null] }, share_: 100,
			even_: 4, identity_: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', price_: '1.50', void_: null }]);
	});
	test('all names that are unknown or repeated are listed, 400', async () => {
		const document = problem(await request('/test/echo/w?nope=1&number=1&number=2&%C3%A9t%C3%A9=3'), 400, 'PY400');
		assert.deepEqual(fields(document), ['nope', 'number', 'été']);
	});
	test('all values that are wrong are listed, 422', async () => {
		const query = 'number=1.5&big=9223372036854775808&flag=yes&at=2024-02-30T00:00:00Z&tags=1&numbers={1}&data={&share=101';
		const document = problem(await request(`/test/echo/w?${query}`), 422, '22023');
		assert.deepEqual(fields(document), ['at', 'big', 'data', 'flag', 'number', 'numbers', 'share', 'tags']);
	});
	test('what looks like a number but is none is 422', async () => {
		for (const value of ['', '1e3', '0x10', '1.0', '+1', ' 1', '1 ', '--1', '2147483648', '-2147483649', '١'])
			problem(await request(`/test/echo/w?number=${encodeURIComponent(value)}`), 422, '22023');
	});
	test('a time needs its zone', async () => {
		for (const value of ['2024-01-01', '2024-01-01T00:00:00', '2024-13-01T00:00:00Z', '2024-01-01T24:00:00Z', 'now', 'infinity'])
			problem(await request(`/test/echo/w?at=${encodeURIComponent(value)}`), 422, '22023');
	});
	test('a NUL is 422 in a value, invalid UTF-8 or encoding 400', async () => {
		assert.deepEqual(fields(problem(await request('/test/echo/a%00b?number=%00'), 422)), ['number', 'word']);
		for (const query of ['note=%', 'note=%f', 'note=%ff', '%ff=x', 'note=%ed%a0%80', 'note=%c0%80'])
			problem(await request(`/test/list?${query}`), 400, 'PY400');
	});
	test('what PostgreSQL alone can judge is 422 too', async () => {
		assert.deepEqual(problem(await request('/test/echo/w?identity=x'), 422, '22P02').errors,
			[{ field: 'identity', detail: 'invalid input syntax for type uuid: "x"' }]);
		const document = problem(await request('/test/echo/w?even=3'), 422, '23514');
		assert.deepEqual(document.errors, [{ field: 'even', detail: 'a number that two divides' }]);
		assert.ok(!JSON.stringify(document).includes('check'));
	});
	test('what the gateway judges and what PostgreSQL alone can judge are listed together', async () => {
		const wrong = async (query) => fields(problem(await request(`/test/echo/w?${query}`), 422));
		assert.deepEqual(await wrong('identity=x&even=3'), ['even', 'identity']);
		assert.deepEqual(await wrong('share=101&number=x&identity=x&even=3&big=5&tags=["a"]'), ['even', 'identity', 'number', 'share']);
		assert.deepEqual(await wrong('share=101&identity=A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11&even=4'), ['share']);
		assert.deepEqual(await wrong('numbers=["x"]&data="\\u0000"&flag=x'), ['data', 'flag', 'numbers']);
	});
	test('a target of 100 kB is 414', async () => {
		problem(await request(`/test/list?note=${'a'.repeat(100000)}`), 414, 'PY414');
		problem(await request(`/${'a'.repeat(100000)}`), 414, 'PY414');
	});
	test('a POST knows no query parameters', async () => {
		problem(await request('/test/makes?word=new', { method: 'POST', body: { word: 'new' } }), 400, 'PY400');
	});
});

describe('bodies', () => {
	const post = (body, headers) => request('/test/echo/w', { method: 'POST', body, headers });
	test('fields are bound by their types', async () => {
		const { json } = await post({ number: null, flag: false, at: '2024-01-01T00:00:00Z', tags: ['é', null, ''],
			numbers: [], data: { deep: ['\u2028"'] }, share: 0 });
		assert.deepEqual(json, { word_: 'w', number_: 7, flag_: false, at_: '2024-01-01T00:00:00Z', tags_: ['é', null, ''],
			numbers_: [], data_: { deep: ['\u2028"'] }, share_: 0 });
	});
	test('an empty body is an empty object', async () => {
		assert.equal((await request('/test/echo/w', { method: 'POST' })).status, 200);
		assert.equal((await post({})).status, 200);
	});
	test('what is no JSON object is 400', async () => {
		for (const body of ['{', 'x', '[]', '"x"', '1', 'null', '{"number":1,}', '{"number":1}{', "{'number':1}", '{"number":1,"number":2}',
			'{"number":01}', '{"word":"\\ud800"}', '[' .repeat(100000), `{"data":${'['.repeat(2300)}${']'.repeat(2300)}}`,
			Buffer.from('7b22776f7264223a22ff227d', 'hex')])
			problem(await post(body), 400, 'PY400');
	});
	test('unknown fields are 400, and all are listed', async () => {
		assert.deepEqual(fields(problem(await post({ nope: 1, word: 'in the path', never: 2 }), 400)), ['never', 'nope', 'word']);
	});
	test('values of a wrong type are 422, and all are listed', async () => {
		const document = problem(await post({ number: '10', flag: 'true', at: 1, tags: {}, numbers: [{}], share: 1.5 }), 422, '22023');
		assert.deepEqual(fields(document), ['at', 'flag', 'number', 'numbers', 'share', 'tags']);
		for (const body of ['{"number":1e3}', '{"number":1.0}', '{"number":2147483648}', '{"number":123456789012345678901234567890}'])
			assert.deepEqual(fields(problem(await post(body), 422)), ['number']);
	});
	test('a number too large for any type is named with all else that is wrong', async () => {
		const body = `{"number":${'9'.repeat(300)},"flag":1,"numbers":[1,-9223372036854775809],"data":{"x":[{"y":1e99}]},"tags":["1e999 9223372036854775808"],"share":-1e300}`;
		const document = problem(await post(body), 422, '22023');
		assert.deepEqual(document.errors.sort((a, b) => (a.field < b.field ? -1 : 1)), [{ field: 'flag', detail: 'must be true or false' }, { field: 'number', detail: 'is too large' },
			{ field: 'numbers', detail: 'contains a number that is too large' }, { field: 'share', detail: 'must be a whole number' }]);
		assert.deepEqual(fields(problem(await post(`{"number":${'9'.repeat(30)},"nope":${'9'.repeat(30)}}`), 400)), ['nope']);
		assert.match(problem(await post('{"number":1e999}'), 400).detail, /number that is too large/);
		problem(await post('{"number":1e999,}'), 400);
		problem(await post('{"number":1e999,"number":1}'), 400);
		assert.equal((await post('{"number":1,"data":{"x":1e308,"y":9223372036854775807}}')).status, 200);
	});
	test('numbers keep all their digits', async () => {
		const { text, json } = await post('{ "numbers" : [9007199254740993, 2] , "data":{"x":0.1234567890123456789,"y":[92233720368547758089,1.10]} , "number":2147483647}');
		assert.ok(text.includes('"data_":{"x": 0.1234567890123456789, "y": [92233720368547758089, 1.10]}'), text);
		assert.ok(text.includes('"numbers_":[9007199254740993,2]'), text);
		assert.equal(json.number_, 2147483647);
	});
	test('a NUL in a text is 422', async () => {
		problem(await request('/test/makes', { method: 'POST', body: { word: 'a\0b' } }), 422, '22023');
	});
	test('a required field that is missing or null is 422', async () => {
		for (const body of [{}, { word: null }])
			assert.deepEqual(problem(await request('/test/makes', { method: 'POST', body }), 422).errors, [{ field: 'word', detail: 'is required' }]);
	});
	test('another type is 415', async () => {
		for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'json'])
			problem(await post('{}', { 'content-type': type }), 415, 'PY415');
		for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/merge-patch+json'])
			assert.equal((await post('{}', { 'content-type': type })).status, 200);
	});
	test('a body over the limit is 413, chunked or not', async () => {
		// Send no more than it reads before the response: reading what a client goes on sending is the proxy's job.
		const head = 'POST /test/makes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
		const whole = (answer) => answer.includes('"request_id"');
		for (const rest of ['Content-Length: 1100000\r\n\r\n', `Transfer-Encoding: chunked\r\n\r\n${(1100000).toString(16)}\r\n${'a'.repeat(1048600)}`]) {
			const answer = await raw(head + rest, { done: whole });
			assert.match(answer, /^HTTP\/1\.1 413 /);
			assert.match(answer, /"code":"PY413"/);
		}
	});
	test('a body just within the limit is taken', async () => {
		const response = await post({ data: { text: 'é'.repeat(520000) } });
		assert.equal(response.json.data_.text.length, 520000);
	});
});

describe('answers', () => {
	test('created says 201 or 200', async () => {
		assert.equal((await request('/test/makes', { method: 'POST', body: { word: 'new' } })).status, 201);
		const { status, json } = await request('/test/makes', { method: 'POST', body: { word: 'old' } });
		assert.equal(status, 200);
		assert.deepEqual(json, { id: 1 });
	});
	test('204 has no body, and the connection stays', async () => {
		const answer = await raw('DELETE /test/nothing/x HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
		assert.match(answer, /^HTTP\/1\.1 204 No Content\r\n/);
		assert.match(answer, /\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
	});
	test('a list links to what follows by the cursor', async () => {
		const { json, headers } = await request('/test/list?note=a%26b&cursor=x');
		assert.deepEqual(json, [{ id: 1 }, { id: 2 }, { id: 3 }]);
		assert.equal(headers.get('link'), '</test/list?note=a%26b&cursor=c%2F3>; rel="next", </test/list?note=a%26b>; rel="first"');
		assert.equal(headers.get('x-total-count'), '17');
	});
	test('a list by page links to its neighbours', async () => {
		assert.equal((await request('/test/list?page=2')).headers.get('link'),
			'</test/list?page=3>; rel="next", </test/list?page=1>; rel="prev", </test/list?page=1>; rel="first"');
		assert.equal((await request('/test/list?page=1&rows=2')).headers.get('link'), '</test/list?rows=2&page=1>; rel="first"');
	});
	test('a row without its first column only counts', async () => {
		const { json, headers } = await request('/test/list?rows=0');
		assert.deepEqual(json, []);
		assert.equal(headers.get('x-total-count'), '17');
		assert.ok(!headers.get('link').includes('next'));
	});
	test('a link cannot be broken out of', async () => {
		const answer = await raw('GET /test/list?note=%3E%3B%20rel%3D%22x%0D%0AX-Evil:1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
		assert.doesNotMatch(answer, /\r\nX-Evil/i);
		assert.match(answer, /<\/test\/list\?note=%3E%3B%20rel%3D%22x%0D%0AX-Evil%3A1&cursor=c%2F3>/);
	});
	test('a request id that is short and plain comes back, another one is replaced', async () => {
		assert.equal((await request('/health', { headers: { 'x-request-id': 'abc-1.2:3_4' } })).headers.get('x-request-id'), 'abc-1.2:3_4');
		for (const id of ['a b', 'a"b', 'x'.repeat(65)])
			assert.match((await request('/health', { headers: { 'x-request-id': id } })).headers.get('x-request-id'), /^[0-9a-f]{24}$/);
	});
});

describe('errors of the database', () => {
	const cases = { P0002: 404, PY410: 410, PY429: 429, '23505': 409, '40001': 503, '55000': 503, '55P03': 503, '22012': 422, '23503': 422, '42501': 403, '53300': 503, P0001: 500, XX000: 500, '42P01': 500 };
	for (const [state, status] of Object.entries(cases))
		test(`${state} is ${status}`, async () => {
			const document = problem(await request(`/test/failures/${state}`), status, status === 500 ? 'XX000' : state);
			const told = status === 404 || state.startsWith('PY') || state.startsWith('22') || state.startsWith('23');
			assert.equal(document.detail.includes('it failed'), told);
			assert.equal(document.hint, told ? 'Do not ask.' : undefined);
		});
	test('a schema that the gateway may not use is 403 until it may', async () => {
		sql(`CREATE SCHEMA gateway_closed; CREATE FUNCTION gateway_closed.hello() RETURNS text LANGUAGE sql AS $$ SELECT 'hello' $$;
			SELECT parley.add_route('GET', '/test/closed', 'gateway_closed.hello', 'none'); REVOKE USAGE ON SCHEMA gateway_closed FROM parley_gateway`);
		try {
			await until(async () => (await request('/test/closed')).status !== 404, 'the route');
			for (let i = 0; i < 5; i++) problem(await request('/test/closed'), 403, '42501');
			sql('GRANT USAGE ON SCHEMA gateway_closed TO parley_gateway');
			for (let i = 0; i < 5; i++) assert.equal((await request('/test/closed')).json.hello, 'hello');
		} finally {
			sql(`DROP SCHEMA gateway_closed CASCADE; DELETE FROM parley.routes WHERE path = '/test/closed'`);
		}
	});
	test('the column that an error names is its field', async () => {
		assert.deepEqual(problem(await request('/test/failures/22023?column=word'), 422).errors, [{ field: 'word', detail: 'it failed' }]);
	});
	test('a refusal is kept, and answered as the error it names', async () => {
		const document = problem(await request('/test/refusals', { method: 'POST', body: { word: 'PY409' } }), 409, 'PY409');
		assert.equal(document.detail, 'It is kept.');
		assert.equal(sql(`SELECT count(*) FROM gateway_test.writes WHERE word = 'PY409'`), '1');
		assert.equal((await request('/test/refusals', { method: 'POST', body: { word: 'fine' } })).status, 201);
	});
	test('an idempotency key reaches its parameter, and a replay is said', async () => {
		const response = await request('/test/refusals', { method: 'POST', body: { word: 'fine' }, headers: { 'idempotency-key': 'key-1' } });
		assert.equal(response.status, 201);
		assert.equal(response.headers.get('idempotency-replayed'), 'true');
		assert.equal(sql(`SELECT count(*) FROM gateway_test.writes WHERE key = 'key-1'`), '1');
	});
	test('an idempotency key that is none is 422', async () => {
		const document = problem(await request('/test/refusals', { method: 'POST', body: { word: 'fine' }, headers: { 'idempotency-key': 'x'.repeat(65) } }), 422);
		assert.ok(document.detail.length > 0);
	});
});

describe('framing', () => {
	test('a length said in two ways is refused and the connection closed', async () => {
		const heads = ['Content-Length: 2\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nContent-Length: 2', 'Content-Length: 2\r\nContent-Length: 3'];
		for (const head of heads) {
			const answer = await raw(`POST /test/makes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${head}\r\n\r\n2\r\n{}\r\n0\r\n\r\n`);
			assert.match(answer, /^HTTP\/1\.1 400 /);
			assert.match(answer, /connection: close/i);
			assert.equal(answer.match(/HTTP\/1\.1/g).length, 1);
		}
	});
	test('what is no HTTP is 400', async () => {
		for (const bytes of ['FOO\r\n\r\n', 'GET / HTTP/1.1\r\nno colon\r\n\r\n', 'GET / HTTP/1.1\r\n: x\r\n\r\n'])
			assert.match(await raw(bytes), /^HTTP\/1\.1 400 /);
	});
	test('pipelined requests are answered in their order', async () => {
		const count = 50;
		let bytes = '';
		for (let i = 1; i <= count; i++)
			bytes += `GET /test/echo/w${i} HTTP/1.1\r\nHost: a\r\n${i === count ? 'Connection: close\r\n' : ''}\r\n`;
		const answer = await raw(bytes);
		assert.deepEqual([...answer.matchAll(/"word_":"w(\d+)"/g)].map((match) => Number(match[1])), Array.from({ length: count }, (_, i) => i + 1));
	});
	test('a client that has closed its side is still answered', async () => {
		assert.match(await raw('GET /test/list HTTP/1.1\r\nHost: a\r\n\r\n', { half_close: true }), /"id":3/);
	});
	test('cleartext HTTP/2 is not offered', async () => {
		const answer = await raw('GET /health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n', { done: (text) => text.includes('ok') });
		assert.match(answer, /^HTTP\/1\.1 200 /);
		assert.doesNotMatch(await raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), /HTTP\/2/);
	});
});
