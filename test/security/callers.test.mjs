// Who may call which route with whose ids. The table has a line for each route of describe_routes(): a new route without a line
// fails, and so does a line without a route.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sql, start_gateway } from "../support/gateway.mjs";
import { makeKey } from "../support/tokens.mjs";

const phone = () => `+1${Math.floor(1e9 + Math.random() * 9e9)}`;

// body: the body of a valid request. own: on a user's own path, with the ids of someone else's conversation or account. strange:
// with another application's token and this one's numbers. ok: success, if it is not the route's status.
const lines = {
	"GET /conversations": {},
	"GET /conversations/{conversation_id}": {},
	"GET /conversations/{conversation_id}/messages": {},
	"POST /conversations/{conversation_id}/messages": { body: () => ({ content: "hello" }) },
	"PUT /conversations/{conversation_id}/messages/{message_id}": { body: () => ({ content: "edited" }) },
	"DELETE /conversations/{conversation_id}/messages/{message_id}": {},
	"PUT /conversations/{conversation_id}/case": { body: () => ({ status: "resolved" }) },
	"PUT /conversations/{conversation_id}/read": { body: () => ({ message_id: 1 }) },
	"GET /openapi.json": {},
	"GET /agents": {},
	"POST /agents": { body: () => ({ name: "Agent", email: `${phone()}@agents.example` }) },
	"PUT /agents/{agent_id}": { body: () => ({ name: "Agent again" }) },
	"GET /contacts": { query: "?searchValue=a" },
	"POST /contacts": { body: () => ({ phone: phone() }) },
	"GET /contacts/{contact_id}": {},
	"PUT /contacts/{contact_id}": { body: () => ({ name: "a contact again", attributes: { plan: "gold" } }) },
	"POST /contacts/{contact_id}/merge": { body: (world) => ({ from_contact_id: world.cid }) },
	"POST /contacts/{contact_id}/erasure": {},
	"POST /contacts/{contact_id}/conversation": { ok: 200 },
	"POST /users": { body: () => ({ phone: phone() }) },
	"GET /users/{user_id}": {},
	"GET /users/{user_id}/conversations": {},
	"POST /users/{user_id}/conversations": { body: (world) => ({ phone: world.bob_phone }), ok: 200 },
	"POST /users/{user_id}/conversations/{conversation_id}/messages": { body: () => ({ content: "hello" }), own: 404 },
	"GET /users/{user_id}/conversations/{conversation_id}/messages": { own: 404 },
	"GET /users/{user_id}/conversations/{conversation_id}/messages/{message_id}": { own: 404 },
	"PUT /users/{user_id}/conversations/{conversation_id}/messages/{message_id}": { body: () => ({ content: "edited" }), own: 404 },
	"DELETE /users/{user_id}/conversations/{conversation_id}/messages/{message_id}": { own: 404 },
	"PUT /users/{user_id}/conversations/{conversation_id}/read": { body: () => ({ message_id: 1 }), own: 404 },
	"PUT /users/{user_id}/blocks/{contact_id}": {},
	"DELETE /users/{user_id}/blocks/{contact_id}": {},
	"GET /users/{user_id}/blocks/{contact_id}": { own: 404 },
	"GET /users/{user_id}/sync": {},
	"GET /users/{user_id}/events": {},
	"GET /events": {},
	"POST /users/{user_id}/accounts": { body: () => ({ currency: "EUR" }) },
	"GET /users/{user_id}/accounts": {},
	"POST /users/{user_id}/accounts/{account_id}/transactions": { body: () => ({ amount: -1 }), own: 404 },
	"GET /users/{user_id}/accounts/{account_id}/transactions": { own: 404 },
	"GET /users/{user_id}/accounts/{account_id}/balance": { own: 404 },
	"GET /users/{user_id}/transactions/max": { query: "?from=2000-01-01T00:00:00Z&to=9000-01-01T00:00:00Z", own: 404 },
	"POST /users/{user_id}/transfers": {
		body: (world) => ({ from_account_id: 1, to_user_id: world.bob, to_account_id: 1, amount: 1 }), own: 404 },
	"GET /ledger/trial-balance": {},
	"POST /applications": { body: () => ({ name: "another" }) },
	"GET /applications": {},
	"GET /applications/{token}": {},
	"PUT /applications/{token}": { body: () => ({ name: "renamed" }) },
	"POST /applications/{token}/token": {},
	"DELETE /applications/{token}": {},
	"POST /applications/{token}/chats": {},
	"GET /applications/{token}/chats": {},
	"GET /applications/{token}/chats/{chat_number}": { strange: 404 },
	"POST /applications/{token}/chats/{chat_number}/messages": { body: () => ({ content: "hello" }), strange: 404 },
	"GET /applications/{token}/chats/{chat_number}/messages": { strange: 404 },
	"GET /applications/{token}/chats/{chat_number}/messages/search": { query: "?query=hello", strange: 404 },
	"GET /applications/{token}/chats/{chat_number}/messages/{message_number}": { strange: 404 },
	"PUT /applications/{token}/chats/{chat_number}/messages/{message_number}": { body: () => ({ content: "edited" }), strange: 404 },
};

// Ann and Bob talk and have money. Ann has blocked Mal, who wrote to her, and blocks Dan. Cid is a stranger to all of them. The
// operator wrote to a contact. One application has a chat with a message, the other has nothing.
const make_world = () => JSON.parse(sql(`
	DO $$
	DECLARE
		ann bigint := (parley.create_user('${phone()}')).id; bob bigint := (parley.create_user('${phone()}')).id;
		cid bigint := (parley.create_user('${phone()}')).id; mal bigint := (parley.create_user('${phone()}')).id;
		dan bigint := (parley.create_user('${phone()}')).id; contact bigint := (parley.create_contact('a contact')).id;
		talk bigint := (SELECT id FROM parley.open_direct_conversation(ann, bob));
		harassment bigint := (SELECT id FROM parley.open_direct_conversation(mal, ann));
		letter bigint := (SELECT id FROM parley.open_contact_conversation(contact));
		app text := (parley.create_application('one')).token; other_app text := (parley.create_application('other')).token;
		agent bigint := (SELECT id FROM parley.create_agent('Agent', '${phone()}@agents.example'));
	BEGIN
		PERFORM parley.post_user_message(talk, 'from Ann', ann), parley.post_user_message(talk, 'from Bob', bob),
			parley.post_user_message(harassment, 'from Mal', mal), parley.post_message(letter, 'from the operator'),
			parley.block_contact(ann, mal), parley.block_contact(ann, dan), parley.open_account(ann, 'USD'), parley.open_account(bob, 'USD'),
			parley.post_transaction(ann, 1, 100), parley.post_transaction(ann, 1, -1), parley.create_chat(app), parley.post_chat_message(app, 1, 'hello');
		CREATE TEMP TABLE world AS SELECT ann, bob, cid, mal, dan, contact, talk, harassment, letter, app, other_app, agent,
			(SELECT phone FROM parley.contacts WHERE id = bob) AS bob_phone;
	END $$;
	SELECT row_to_json(world) FROM world`));

const key = makeKey();
const forged = makeKey();
const routes = JSON.parse(sql(`SELECT json_agg(json_build_object('line', method || ' ' || path, 'method', method, 'path', path, 'auth', auth,
	'status', status) ORDER BY path, method) FROM parley.describe_routes() WHERE function LIKE 'parley.%'`));

// The ids in the path: of what the owner may see.
const ids = (route, world) => ({
	user_id: world.ann, conversation_id: route.auth === "operator" ? world.letter : world.talk, message_id: 1, account_id: 1, agent_id: world.agent,
	contact_id: route.path.includes("/blocks/") ? world.dan : world.contact, token: world.app, chat_number: 1, message_number: 1,
});

describe("callers", () => {
	let gateway;
	before(async () => { gateway = await start_gateway(["--jwt-key-file", key.file]); });
	after(() => gateway.stop());

	async function status(route, world, claims, changed = {}, keyOf = key) {
		const values = { ...ids(route, world), ...changed };
		const { body, query = "" } = lines[route.line];
		const response = await fetch(gateway.base + route.path.replaceAll(/\{(\w+)\}/g, (_, name) => values[name]) + query, {
			method: route.method,
			headers: { ...(claims && { authorization: `Bearer ${keyOf.sign(claims)}` }), ...(body && { "content-type": "application/json" }) },
			body: body && JSON.stringify(body(world)),
		});
		// For a stream, the headers tell everything that we want to know here.
		await response.body?.cancel();
		return response.status;
	}
	const user = (id) => ({ sub: String(id) });
	const operator = { role: "operator", sub: "1" };

	test("every_route_has_its_line", () => assert.deepEqual(Object.keys(lines).sort(), routes.map((route) => route.line).sort()));

	for (const route of routes.filter(({ line }) => lines[line]))
		test(`${route.line} (${route.auth})`, async () => {
			const world = make_world();
			const { own, strange, ok = route.status } = lines[route.line];
			assert.equal(await status(route, world, operator, {}, forged), 401, "a forged token");
			if (route.auth === "operator" || route.auth === "user") {
				assert.equal(await status(route, world), 401, "nobody");
				for (const other of ["bob", "cid", "mal"]) assert.equal(await status(route, world, user(world[other])), 403, other);
			}
			if (route.auth === "operator") assert.equal(await status(route, world, user(world.ann)), 403, "a user");
			if (route.auth === "application") assert.equal(await status(route, world, undefined, { token: "A".repeat(32) }), 404, "a wrong token");
			if (strange) assert.equal(await status(route, world, undefined, { token: world.other_app }), strange, "another application");
			if (own) assert.equal(await status(route, world, user(world.cid), { user_id: world.cid }), own, "another's ids");

			const meant = { operator, user: user(world.ann) }[route.auth];
			assert.equal(await status(route, world, meant), ok, "whom it is for");
			assert.equal(await status(route, make_world(), operator), ok, "the operator");
		});

	test("who_is_blocked_reads_but_does_not_write", async () => {
		const world = make_world();
		const ask = (line, changed) => status(routes.find((route) => route.line === line), world, user(world.mal),
			{ user_id: world.mal, conversation_id: world.harassment, ...changed });
		const path = "/users/{user_id}/conversations/{conversation_id}";
		assert.equal(await ask(`POST ${path}/messages`), 403);
		assert.equal(await ask(`PUT ${path}/messages/{message_id}`), 403);
		assert.equal(await ask(`GET ${path}/messages`), 200);
		assert.equal(await ask(`PUT ${path}/read`), 200);
		assert.equal(await ask(`DELETE ${path}/messages/{message_id}`), 204);
	});
});
