// Contacts over HTTP: what the operator records and changes about them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStream } from "../support/events.mjs";
import { assertProblem, request, until, url } from "../support/http.mjs";
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

test("two_contacts_become_one", async () => {
	const [name, number] = [word(), phone()];
	const one = await created("POST /contacts", { name, attributes: { plan: "gold" } });
	const two = await created("POST /contacts", { name: word(), phone: number, attributes: { plan: "silver", since: 2020 } });
	const [first, second] = [await created(`POST /contacts/${one.id}/conversation`), await created(`POST /contacts/${two.id}/conversation`)];
	await created(`POST /conversations/${second.id}/messages`, { content: "hello", sender_id: two.id });
	for (const { id } of [one, two]) {
		await created(`POST /users/${id}/accounts`, { currency: "EUR" });
		await created(`POST /users/${id}/accounts/1/transactions`, { amount: 5 });
	}
	const merge = `POST /contacts/${one.id}/merge`;
	const problem = assertProblem(await request(merge, { from_contact_id: two.id }), 409);
	assert.match(problem.detail + problem.hint, /both contacts have money in EUR.*transfer/s);
	await created(`POST /users/${two.id}/transfers`, { from_account_id: 1, to_user_id: one.id, to_account_id: 1, amount: 5 });
	const merged = (await expectStatus(200, merge, { from_contact_id: two.id })).body;
	assert.deepEqual(merged, { ...one, phone: number, attributes: { plan: "gold", since: 2020 } });
	for (const id of [one.id, two.id]) assert.deepEqual(await got(`/contacts/${id}`), merged);
	assert.equal((await expectStatus(200, `POST /contacts/${two.id}/conversation`)).body.id, first.id);
	assert.deepEqual((await got(`/conversations/${second.id}/messages`)).map((message) => message.sender_id), [one.id]);
	assert.deepEqual(await found("conversations", name), [second.id], "the first has no message");
	for (const from_contact_id of [one.id, nobody]) assertProblem(await request(merge, { from_contact_id }), from_contact_id === nobody ? 404 : 422);
	assertProblem(await request(`POST /contacts/${nobody}/erasure`), 404);
});

test("who_follows_the_list_is_told_of_a_new_name", async () => {
	const contact = await created("POST /contacts", { name: word() });
	const { id } = await created(`POST /contacts/${contact.id}/conversation`);
	await created(`POST /conversations/${id}/messages`, { content: "hello" });
	const stream = await EventStream.open(url, "/events");
	const name = word();
	await until(() => stream.events.length > 0, "the list");
	await put(contact, { name });
	await until(() => stream.events.some((event) => event.data?.conversations?.some((row) => row.conversation_id === id && row.name === name)), "the new name");
	stream.leave();
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
