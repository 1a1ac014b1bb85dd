// /openapi.json is a valid OpenAPI 3.1 document, contains every route, and every route responds as it says.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { EventStream } from '../support/events.mjs';
import { request, root, sql, url } from '../support/gateway.mjs';

const tools = join(root, 'test');
if (!existsSync(join(tools, 'node_modules')))
	execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: tools, stdio: 'ignore' });
const { Validator } = await import(join(tools, 'node_modules/@seriousme/openapi-schema-validator/index.js'));
const { default: Ajv } = await import(join(tools, 'node_modules/ajv/dist/2020.js'));
const { default: formats } = await import(join(tools, 'node_modules/ajv-formats/dist/index.js'));

let document;
before(async () => { document = (await request('/openapi.json')).json; });

const operations = () => Object.entries(document.paths).flatMap(([path, methods]) =>
	Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })));

test('the document is valid', async () => {
	const { valid, errors } = await new Validator().validate(document);
	assert.ok(valid, JSON.stringify(errors));
	assert.equal(document.openapi, '3.1.0');
	const ids = operations().map(({ operation }) => operation.operationId);
	assert.equal(new Set(ids).size, ids.length);
	// Where a function has two routes, the plain name is not the stream's.
	assert.equal(document.paths['/users/{user_id}/sync'].get.operationId, 'sync');
});

test('every route is in it, with its words', () => {
	const routes = sql(`SELECT string_agg(method || ' ' || path, ',' ORDER BY 1) FROM parley.describe_routes()`).split(',').sort();
	assert.deepEqual(operations().map(({ path, method }) => `${method} ${path}`).sort(), routes);
	for (const { path, method, operation } of operations())
		assert.notEqual(operation.summary, path, `${method} ${path} has a description`);
});

test('bounds of domains are in the schemas', () => {
	const limit = document.paths['/conversations'].get.parameters.find((parameter) => parameter.name === 'limit');
	assert.deepEqual([limit.schema.minimum, limit.schema.maximum, limit.required], [1, 200, false]);
	const { schema } = document.paths['/conversations/{conversation_id}/messages'].post.requestBody.content['application/json'];
	assert.deepEqual(schema.required, ['content']);
	assert.deepEqual([schema.properties.content.minLength, schema.properties.content.maxLength], [1, 10000]);
});

// Creates one of everything over HTTP, so that each route has something to return.
async function make_samples() {
	const make = async (path, body = {}) => {
		const answer = await request(path, { method: 'POST', body });
		assert.ok([200, 201].includes(answer.status), `${path}: ${answer.text}`);
		return answer.json;
	};
	const phone = () => `+49 ${randomInt(1e9, 9e9)}`;
	const contact = await make('/contacts', { name: 'Sample', phone: phone() });
	const second = await make('/contacts', { name: 'Sample', email: `${randomUUID()}@example.org` });
	const operators = await make(`/contacts/${contact.id}/conversation`);
	await make(`/conversations/${operators.id}/messages`, { content: 'sample' });
	const [user, other] = [await make('/users', { phone: phone() }), await make('/users', { phone: phone() })];
	const direct = await make(`/users/${user.id}/conversations`, { recipient_id: other.id });
	const message = await make(`/users/${user.id}/conversations/${direct.id}/messages`, { content: 'sample' });
	const blocked = await request(`/users/${user.id}/blocks/${contact.id}`, { method: 'PUT' });
	assert.equal(blocked.status, 204, blocked.text);
	const email = () => `${randomUUID()}@example.org`;
	const agent = await make('/agents', { name: 'Sample', email: email() });
	const application = await make('/applications', { name: 'Sample' });
	const chat = await make(`/applications/${application.token}/chats`);
	const posted = await make(`/applications/${application.token}/chats/${chat.number}/messages`, { content: 'sample' });
	const [account, target] = [await make(`/users/${user.id}/accounts`, { currency: 'EUR' }), await make(`/users/${other.id}/accounts`, { currency: 'EUR' })];
	await make(`/users/${user.id}/accounts/${account.id}/transactions`, { amount: 1000 });
	await make(`/users/${user.id}/accounts/${account.id}/transactions`, { amount: -100 });
	return {
		path: { contact_id: contact.id, user_id: user.id, message_id: message.message_id, agent_id: agent.id, token: application.token,
			chat_number: chat.number, message_number: posted.number, account_id: account.id },
		conversation_id: (path) => (path.startsWith('/users') ? direct.id : operators.id),
		value: { name: 'Sample', content: 'sample', amount: 10, currency: 'EUR', query: 'sample', message_id: 1,
			from_account_id: account.id, to_user_id: other.id, to_account_id: target.id, from_contact_id: second.id, recipient_id: other.id,
			kind: 'contact', from: '2000-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' },
		fresh: { phone, email },
	};
}

test('every route answers with a status and a body that are documented', async () => {
	const samples = await make_samples();
	const ajv = formats(new Ajv({ strict: false, allErrors: true, formats: { int32: true, int64: true } }));
	const seen = [];
	// Requests that remove something come last. Before them, the token that the others use is replaced.
	const turn = ({ path, method }) => (path.endsWith('/erasure') ? 3 : method === 'DELETE' ? 2 : Number(path === '/applications/{token}/token'));
	for (const { path, method, operation } of operations().sort((a, b) => turn(a) - turn(b))) {
		const target = path.replace(/\{(\w+)\}/g, (_, name) => (name === 'conversation_id' ? samples.conversation_id(path) : samples.path[name]));
		const query = new URLSearchParams(operation.parameters.filter((parameter) => parameter.in === 'query' && (parameter.required || parameter.name === 'query'))
			.map((parameter) => [parameter.name, samples.value[parameter.name]]));
		if (operation.responses[200]?.content?.['text/event-stream']) {
			const stream = await EventStream.open(url, target);
			assert.match(stream.headers['content-type'], /^text\/event-stream/);
			stream.leave();
			seen.push(`${method} ${path}`);
			continue;
		}
		const schema = operation.requestBody?.content['application/json'].schema;
		let body;
		if (method === 'POST' || method === 'PUT') {
			body = Object.fromEntries((schema?.required ?? []).map((name) => [name, samples.fresh[name]?.() ?? samples.value[name]]));
			if (path === '/contacts' || path === '/users') body.phone = samples.fresh.phone();
			if (path === '/users/{user_id}/conversations') body.recipient_id = samples.value.recipient_id;
		}
		const keyed = operation.parameters.some((parameter) => parameter.name === 'Idempotency-Key');
		const answer = await request(target + (query.size ? `?${query}` : ''), { method, body, headers: keyed ? { 'idempotency-key': randomUUID() } : {} });
		const documented = operation.responses[answer.status];
		assert.ok(documented && answer.status < 300, `${method} ${target} ${JSON.stringify(body)}: ${answer.status} ${answer.text}`);
		if (documented.content) {
			const validate = ajv.compile({ ...documented.content['application/json'].schema, components: document.components });
			assert.ok(validate(answer.json), `${method} ${path}: ${JSON.stringify(validate.errors)} in ${answer.text}`);
		} else assert.equal(answer.text, '');
		if (path === '/applications/{token}/token') samples.path.token = answer.json.token;
		seen.push(`${method} ${path}`);
	}
	assert.equal(seen.length, operations().length);
});

test('errors are documented once for all', async () => {
	const ajv = formats(new Ajv({ strict: false }));
	const validate = ajv.compile(document.components.schemas.Problem);
	for (const path of ['/nowhere', '/conversations?page=0', '/conversations?x=1', '/contacts/9007199254740991'])
		assert.ok(validate((await request(path)).json), JSON.stringify(validate.errors));
});
