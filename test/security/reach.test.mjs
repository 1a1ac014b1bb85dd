// Whom a user can reach over HTTP, and what registration tells a stranger.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { request, sql, start_gateway } from "../support/gateway.mjs";
import { makeKey } from "../support/tokens.mjs";

const phone = () => `+1${Math.floor(1e9 + Math.random() * 9e9)}`;
const key = makeKey();
const bearer = (claims) => ({ authorization: `Bearer ${key.sign(claims)}` });
const register = (number) => Number(sql(`SELECT id FROM parley.create_user('${number}', 'Registered')`));

describe("reach", () => {
	let gateway;
	before(async () => { gateway = await start_gateway(["--jwt-key-file", key.file]); });
	after(() => gateway.stop());
	const ask = (claims, method, path, body) => request(path, { base: gateway.base, method, body, headers: bearer(claims) });

	test("contacts_cannot_be_enumerated_by_id", async () => {
		const me = register(phone());
		const entered = Number(sql(`SELECT id FROM parley.create_contact('Entered', '${phone()}')`));
		const answers = [];
		for (const recipient_id of [register(phone()), entered, entered + 1_000_000])
			answers.push(await ask({ sub: String(me) }, "POST", `/users/${me}/conversations`, { recipient_id }));
		const words = answers.map(({ status, json }) => [status, json.detail.replace(/\d+/, "N"), json.errors.map(({ field }) => field)]);
		assert.deepEqual(words, Array(3).fill(words[0]));
		assert.equal(words[0][0], 404);
		assert.equal(sql(`SELECT count(*) FROM parley.members WHERE contact_id = ${me}`), "0");
	});

	test("who_is_blocked_is_not_told_so", async () => {
		const [me, other] = [register(phone()), phone()];
		const their = register(other);
		const { json: conversation } = await ask({ sub: String(me) }, "POST", `/users/${me}/conversations`, { phone: other });
		assert.equal((await ask({ sub: String(their) }, "PUT", `/users/${their}/blocks/${me}`)).status, 204);
		const refused = await ask({ sub: String(me) }, "POST", `/users/${me}/conversations/${conversation.id}/messages`, { content: "hello" });
		assert.equal(refused.status, 403);
		assert.doesNotMatch(refused.text, /block/i);
		assert.equal((await ask({ sub: String(me) }, "POST", `/users/${me}/conversations`, { phone: other })).status, 200);
	});

	test("new_conversations_are_bounded_by_the_day", async () => {
		const me = register(phone());
		sql(`INSERT INTO parley.openings (user_id, since, count) VALUES (${me}, now(), 200)`);
		const other = phone();
		register(other);
		const refused = await ask({ sub: String(me) }, "POST", `/users/${me}/conversations`, { phone: other });
		assert.equal(refused.status, 429);
		assert.ok(refused.headers.get("retry-after"));
		assert.equal((await ask({ role: "operator" }, "POST", `/users/${me}/conversations`, { phone: other })).status, 201);
	});
});

describe("registration with a verified phone", () => {
	let gateway;
	before(async () => { gateway = await start_gateway(["--jwt-key-file", key.file, "--verified-phone-claim", "phone_number"]); });
	after(() => gateway.stop());
	const post = (claims, body) => request("/users", { base: gateway.base, method: "POST", body, headers: claims && bearer(claims) });

	test("a_phone_that_is_taken_is_answered_as_a_new_one", async () => {
		const [fresh, taken] = [phone(), phone()];
		const id = register(taken);
		const made = await post({ phone_number: fresh }, {});
		const found = await post({ phone_number: taken }, {});
		assert.deepEqual([made.status, found.status], [201, 201]);
		assert.deepEqual(Object.keys(found.json), Object.keys(made.json));
		assert.equal(found.json.id, id);
		assert.equal(made.json.phone, fresh);
		assert.equal((await post({ phone_number: fresh }, { phone: fresh, name: "Again" })).json.id, made.json.id);
	});

	test("no_other_phone_is_registered_or_asked_for", async () => {
		const taken = phone();
		register(taken);
		const answers = [await post({ phone_number: phone() }, { phone: taken }), await post({ phone_number: phone() }, { phone: phone() })];
		assert.deepEqual(answers.map(({ status, json }) => [status, json.detail]), Array(2).fill([422, answers[0].json.detail]));
		for (const claims of [undefined, { sub: "7" }]) assert.equal((await post(claims, { phone: phone() })).status, 403);
		assert.equal((await post({ phone_number: 5550100777 }, { phone: phone() })).status, 401);
		assert.equal((await post({ phone_number: phone() }, { email: "someone@reach.example" })).status, 422);
		assert.equal((await post({ phone_number: phone() }, { caller_phone: phone() })).status, 400);
	});

	test("the_operator_registers_anyone", async () => {
		const number = phone();
		assert.equal((await post({ role: "operator" }, { phone: number })).status, 201);
		assert.equal((await post({ role: "operator" }, { phone: number })).status, 409);
	});
});
