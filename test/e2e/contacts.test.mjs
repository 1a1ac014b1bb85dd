// Contacts over HTTP: what the operator notes of them and changes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, request } from "../support/http.mjs";
import { created, expectStatus, got, nobody, phone, word } from "../support/people.mjs";

const put = async (contact, body) => (await expectStatus(200, `PUT /contacts/${contact.id}`, body)).body;
const found = async (list, term) => (await got(`/${list}?searchValue=${encodeURIComponent(term)}`)).map((row) => row.id ?? row.conversation_id);

test("what_is_absent_stays_and_what_is_null_goes", async () => {
	const contact = await created("POST /contacts", { name: word(), phone: phone(), email: `${word()}@example.org`, attributes: { plan: "gold" } });
	assert.deepEqual(contact.attributes, { plan: "gold" });
	assert.deepEqual(await put(contact, {}), contact);
	const renamed = { ...contact, name: word() };
	assert.deepEqual(await put(contact, { name: renamed.name }), renamed);
	const bare = { ...renamed, email: null, attributes: {} };
	assert.deepEqual(await put(contact, { email: null, attributes: null }), bare);
	assert.deepEqual(await put(contact, { attributes: { tags: ["a", null] } }), { ...bare, attributes: { tags: ["a", null] } });
	assert.deepEqual(await got(`/contacts/${contact.id}`), { ...bare, attributes: { tags: ["a", null] } });
});

test("a_change_that_cannot_be_is_refused_by_field", async () => {
	const other = await created("POST /contacts", { phone: phone(), email: `${word()}@example.org` });
	const contact = await created("POST /contacts", { name: word() });
	for (const [status, body, field] of [[409, { phone: other.phone }, "phone"], [409, { email: other.email.toUpperCase() }, "email"],
		[422, { name: null }, "name"], [422, { phone: "1" }, "phone"], [422, { email: "nobody" }, "email"], [422, { attributes: [] }, "attributes"],
		[422, { attributes: { text: "x".repeat(8192) } }, "attributes"], [400, { null_fields: ["name"] }, "null_fields"]]) {
		const problem = assertProblem(await request(`PUT /contacts/${contact.id}`, body), status);
		assert.deepEqual(problem.errors.map((error) => error.field), [field], JSON.stringify(body));
	}
	assertProblem(await request(`PUT /contacts/${nobody}`, { name: "x" }), 404);
	assert.deepEqual(await got(`/contacts/${contact.id}`), contact);
});

test("lists_find_a_contact_by_the_new_name_alone", async () => {
	const [before, after] = [word(), word()];
	const contact = await created("POST /contacts", { name: before, phone: phone() });
	const { id } = await created(`POST /contacts/${contact.id}/conversation`);
	await created(`POST /conversations/${id}/messages`, { content: "hello" });
	assert.deepEqual([await found("contacts", before), await found("conversations", before)], [[contact.id], [id]]);
	await put(contact, { name: after });
	assert.deepEqual([await found("contacts", before), await found("conversations", before)], [[], []]);
	assert.deepEqual([await found("contacts", after), await found("conversations", after)], [[contact.id], [id]]);
});
